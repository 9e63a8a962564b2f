"""How a model's window is shared out among what a call holds."""

from __future__ import annotations

from typing import NamedTuple

from longread.errors import UsageError

FRAME = 700
"""Tokens of a request's own wording, generously."""


class Budgets(NamedTuple):
    """How a model's window is shared out, in tokens."""

    window: int
    chunk: int
    notes: int
    reply: int
    """Operations on notes, or a memory written anew."""
    answer: int
    thinking: int
    """Added to every reply's limit, for models that think before they write."""

    @classmethod
    def of(
        cls,
        window: int,
        *,
        format: str = "ledger",
        chunk: int | None = None,
        notes: int | None = None,
        answer: int | None = None,
        thinking: int | None = None,
    ) -> Budgets:
        """Shares that suit a window, where none are given; the paper's at 128K. UsageError if they do not fit."""
        notes = notes or min(15_000, max(256, window // 8))
        answer = answer or min(8_192, max(128, window // 8))
        thinking = min(16_384, max(64, window // 8)) if thinking is None else thinking
        reply = notes if format == "text" else min(notes, 2_048)
        rest = window - FRAME - notes - max(reply, answer) - thinking
        chunk = chunk or min(32_768, max(256, window // 4), max(rest, 256))
        if chunk > rest:
            raise UsageError(
                f"a chunk of {chunk:,} tokens does not fit a window of {window:,} beside {notes:,} of notes, "
                f"{max(reply, answer):,} of reply and {thinking:,} of thinking; give smaller chunk_tokens or "
                "notes_tokens, or the model's true window"
            )
        return cls(window, chunk, notes, reply, answer, thinking)

    @property
    def room(self) -> int:
        """Document tokens that fit one pass."""
        return self.window - FRAME - self.reply - self.answer - self.thinking
