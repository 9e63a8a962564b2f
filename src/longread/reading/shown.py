"""How text, notes and wishes stand in a prompt."""

from __future__ import annotations

from collections.abc import Collection

from longread.reading.notes import Entry, Notes
from longread.reading.policy import Task
from longread.reading.section import Piece, Section
from longread.types import Span

_SHOWN_QUOTE = 300
"""Characters of a quote shown to the model; the entry keeps all of it."""
_PLAN = 500
"""Characters of a plan shown to the model."""


def show(section: Section, only: Collection[Span] | None = None) -> str:
    """A section as the model sees it: each piece under its source, and its table header if it lacks one.

    Args:
        only: Spans within the section; lines that have no part in any of them are left out.
    """
    shown = []
    for piece in section.pieces:
        text = piece.text if only is None else _lines(piece, only)
        columns = f"(columns) {piece.header}\n" if piece.header else ""
        if text:
            shown.append(f"--- {piece.source} ---\n{columns}{text}")
    return "\n".join(shown)


def _lines(piece: Piece, only: Collection[Span]) -> str:
    bounds = [(span.start, span.end) for span in only if span.doc == piece.span.doc]
    kept, end = [], piece.span.start
    for line in piece.text.splitlines(keepends=True):
        start, end = end, end + len(line)
        if any(first < end and start < last for first, last in bounds):
            kept.append(line)
    return "".join(kept)


def line(entry: Entry) -> str:
    """An entry as the model sees it, on one line whatever its quote holds."""
    quote = " ".join(entry.quote.split())
    if len(quote) > _SHOWN_QUOTE:
        quote = quote[:_SHOWN_QUOTE] + "…"
    parts = [f"[n{entry.id}]"]
    if entry.span is None:
        parts.append("(unverified)")
    if entry.replaces:
        parts.append(f"(updates n{entry.replaces})")
    if entry.claim:
        parts.append(" ".join(entry.claim.split()))
    if entry.span and " ".join(entry.claim.split()) != quote:
        parts.append(f'| "{quote}"')
    return " ".join(parts)


def ledger(notes: Notes) -> str:
    """All entries, one a line."""
    return "\n".join(map(line, notes.entries)) or "(none)"


def plan(notes: Notes) -> str:
    """What to look for next."""
    return notes.plan[:_PLAN] or "nothing in particular"


def flat(text: str) -> str:
    """Text on one line."""
    return " ".join(text.split())


def wishes(task: Task) -> str:
    """How the answer is to be worded, if the user said so."""
    return f"\nHOW TO ANSWER\n{task.instructions}\n" if task.instructions else ""
