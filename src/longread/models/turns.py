"""Turns of a chat as token ids and back, by a checkpoint's own tokenizer and template."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from longread.errors import ModelError
from longread.models.base import Message, Reply
from longread.models.thinking import ThinkSplitter
from longread.types import Usage


class Turns:
    """Encodes prompts and reads replies.

    Args:
        name: what the user calls the model, for errors.
        tokenizer: of transformers, with a chat template.
        ends: ids that end a reply.
    """

    def __init__(self, name: str, tokenizer: Any, ends: frozenset[int]) -> None:
        self.name = name
        self.tokenizer = tokenizer
        self.ends = ends
        added = tokenizer.added_tokens_decoder.values()
        self._specials = [str(token) for token in added if token.special]

    def encode(self, text: str) -> list[int]:
        """Token ids of plain text."""
        ids: list[int] = self.tokenizer(self._plain(text), add_special_tokens=False, verbose=False)[
            "input_ids"
        ]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of ids."""
        return str(self.tokenizer.decode(list(ids), clean_up_tokenization_spaces=False))

    def prompt(self, messages: tuple[Message, ...]) -> list[int]:
        """Ids of a conversation whose next turn is the model's; ModelError when the template fails on it."""
        turns = [{"role": message.role, "content": self._plain(message.text)} for message in messages]
        try:
            rendered = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except Exception as error:  # a template is a program of the checkpoint, and may raise anything
            raise ModelError(f"{self.name}: its chat template fails on this conversation: {error}") from error
        ids: list[int] = self.tokenizer(rendered, add_special_tokens=False, verbose=False)["input_ids"]
        return ids

    def room(self, prompt: Sequence[int], window: int | None, most: int) -> int:
        """Tokens that a reply may have; ModelError when the prompt leaves none in the window."""
        room = most if window is None else min(most, window - len(prompt))
        if room <= 0:
            raise ModelError(
                f"{self.name}: the prompt has {len(prompt)} tokens, the window {window}; "
                "set a smaller `chunk_tokens`"
            )
        return room

    def reply(
        self,
        prompt: Sequence[int],
        ids: Sequence[int],
        logprobs: Sequence[float],
        finish: Literal["stop", "length"],
        splitter: ThinkSplitter | None = None,
    ) -> Reply:
        """What ids of a reply say, thinking told apart. `splitter` has heard the text already, as it came."""
        if splitter is None:
            splitter = ThinkSplitter()
            text = self.tokenizer.decode(
                list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
            splitter.feed(text)
            splitter.finish()
        return Reply(
            text=splitter.text,
            thinking=splitter.thinking,
            finish=finish,
            usage=Usage(1, len(prompt), None, len(ids), 0.0),
            token_ids=tuple(ids),
            prompt_ids=tuple(prompt),
            logprobs=tuple(logprobs),
        )

    def _plain(self, text: str) -> str:
        """`text` with special tokens spelt apart, so that a document cannot end a turn or begin another."""
        for token in self._specials:
            if token in text:
                text = text.replace(token, f"{token[:1]} {token[1:]}")
        return text
