"""Which notes of a reply are taken, where prompts want proof: their quotes stand in the text and name what is asked.

Both are looked up, not asked of the model: a small one takes `The mayor of Perth` for `the mayor of Riga` whenever it
meets it, and in a long text it meets it often. What it points to and copies badly is set right instead.
"""

from __future__ import annotations

from collections.abc import Collection

from rapidfuzz import fuzz, process

from longread.reading.naming import asked, mentions, names
from longread.reading.notes import Add, Notes, Operation, Refuse, Replace
from longread.reading.prompts import Prompts
from longread.reading.replies import Parsed
from longread.reading.section import Piece, Section

_ALIKE = 70.0
"""How much of a line a quote has that is a bad copy of it, of 100."""


def proved(parsed: Parsed, section: Section, question: str, notes: Notes, prompts: Prompts) -> Parsed:
    """What a reply says, with refusals in place of notes that `prompts` do not want, or before notes set right.

    A plan follows from the notes it comes with, and falls when one of them is refused or set right.

    Args:
        parsed: The reply.
        section: What was read.
        question: What is asked; names in it are what the others only add to, so that no reply can shut out what
            answers it.
        notes: What was noted before, and the plan.
        prompts: The prompt set, which says what is wanted.
    """
    if not prompts.exact:
        return parsed
    wanted = _wanted(question, notes) if prompts.named else set()
    operations: list[Operation] = []
    for one in parsed.operations:
        taken = _taken(one, section, wanted) if isinstance(one, Add | Replace) else (one,)
        operations += taken
        if wanted and isinstance(taken[-1], Add | Replace) and (span := section.align(taken[-1].quote)):
            wanted |= names(section.text(span))  # a note further down may lead on from this one
    return parsed if tuple(operations) == parsed.operations else Parsed(tuple(operations))


def named(section: Section, question: str, notes: Notes) -> bool:
    """Whether a section has one of the names, or none is wanted: only then can a note be taken from it."""
    wanted = _wanted(question, notes)
    return not wanted or any(mentions(f"{piece.header}\n{piece.text}", wanted) for piece in section.pieces)


def _wanted(question: str, notes: Notes) -> set[str]:
    """The names that a note must have one of: none where the question has none."""
    wanted = asked(question)
    return wanted.union(names(notes.plan), *(names(e.quote) for e in notes.entries)) if wanted else wanted


def _taken(one: Add | Replace, section: Section, wanted: Collection[str]) -> tuple[Operation, ...]:
    """A note as it is, set right, or refused: it has to lie in a line with one of the names, if any are wanted."""
    if section.holds(one.quote):
        if not wanted:
            return (one,)
        span = section.align(one.quote)
        lines = section.only([span] if span else [])
        named = any(mentions(f"{piece.header}\n{piece.text}", wanted) for piece in lines.pieces)
        return (one if named else Refuse(one.claim, one.quote, "unnamed"),)
    naming = [line for piece in section.pieces for line in _naming(piece, wanted)]
    if found := process.extractOne(one.quote, naming, scorer=fuzz.ratio, score_cutoff=_ALIKE):
        line = found[0]
        return Refuse(one.claim, one.quote, "miscopied"), one._replace(claim=line, quote=line)
    return (Refuse(one.claim, one.quote, "inexact"),)


def _naming(piece: Piece, wanted: Collection[str]) -> list[str]:
    """The lines of a piece with one of the names, in themselves or in the header of their table."""
    lines = [line.strip() for line in piece.text.splitlines()] if wanted else []
    return lines if mentions(piece.header, wanted) else [line for line in lines if mentions(line, wanted)]
