"""A second look: what was noted is kept where it is noted again when the lines it quotes are read alone.

A slip that comes once in a thousand sections is sure to come in a long text, and seldom comes twice; only what gave
notes is read twice.
"""

from __future__ import annotations

from collections.abc import Mapping

from longread.reading.notes import Add, Refuse, Replace
from longread.reading.policy import Noted
from longread.reading.retained import matches
from longread.reading.section import Section
from longread.types import Span


def quoted(noted: Noted, section: Section) -> dict[Add | Replace, Span]:
    """The notes whose quotes stand in a section, and where."""
    notes = [one for one in noted.operations if isinstance(one, Add | Replace)]
    return {one: span for one in notes if (span := section.align(one.quote))}


def confirmed(first: Noted, places: Mapping[Add | Replace, Span], again: Noted, lines: Section) -> Noted:
    """What two readings give together, of a section and of the lines of it that the first quotes at `places`.

    A note is kept if the second quotes the same place. The plan is that of the second, if anything is kept.
    """
    found = quoted(again, lines).values()
    kept = {one for one, span in places.items() if any(matches(span, other) for other in found)}
    operations = tuple(
        Refuse(one.claim, one.quote, "unconfirmed")
        if isinstance(one, Add | Replace) and one not in kept
        else one
        for one in first.operations
    )
    return Noted(
        operations,
        again.plan if kept else None,
        (*first.calls, *again.calls),
        first.repaired or again.repaired,
    )
