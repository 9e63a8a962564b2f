"""Every chunk in order, each against the notes of all before it (recipe §5)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from longread.reading.notes import Notes
from longread.reading.policy import Draft, Task
from longread.reading.section import Section
from longread.reading.strategies.base import Reading, strategy
from longread.reading.strategies.revisit import revisit


@strategy("sequential")
async def sequential(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; its calls follow one another."""
    tasks = await reading.begin(withhold=True)
    read = partial(read_on, reading)
    notes = await read(tasks, reading.start(tasks), reading.sections)
    return await reading.answer(tasks, await revisit(reading, tasks, notes, read))


async def read_on(
    reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes], sections: Sequence[Section]
) -> tuple[Notes, ...]:
    """The notes after these sections, read one after another."""
    held = tuple(notes)
    for section in sections:
        held = await reading.note(tasks, held, section)
    return held
