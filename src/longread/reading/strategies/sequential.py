"""Every chunk in order, each against the notes of all before it (recipe §5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from longread.reading.notes import Notes
from longread.reading.policy import Draft, Task
from longread.reading.section import Section
from longread.reading.strategies.base import Reading, strategy
from longread.reading.strategies.revisit import with_notes


@strategy("sequential")
async def sequential(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; its calls follow one another."""
    return await with_notes(reading, partial(read_on, reading))


async def read_on(
    reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes], sections: Sequence[Section]
) -> tuple[Notes, ...]:
    """The notes after these sections, read one after another."""
    held = tuple(notes)
    for section in sections:
        held = await reading.note(tasks, held, section)
    return held
