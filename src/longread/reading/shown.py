"""How text, notes and wishes stand in a prompt."""

from __future__ import annotations

from longread.reading.notes import Entry, Notes
from longread.reading.policy import Task
from longread.reading.section import Section

_SHOWN_QUOTE = 300
"""Characters of a quote shown to the model; the entry keeps all of it."""
_PLAN = 500
"""Characters of a plan shown to the model."""


def show(section: Section) -> str:
    """A section as the model sees it: each piece under its source, and its table header if it starts below that."""
    shown = ""
    for at, piece in enumerate(section.pieces):
        if not piece.cut or not at or piece.span.doc != section.pieces[at - 1].span.doc:
            shown += ("\n" if shown else "") + f"--- {piece.source} ---\n"
            shown += f"(columns) {piece.header}\n" if piece.header and piece.span.start > 0 else ""
        shown += piece.text
    return shown


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
