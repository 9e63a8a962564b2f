"""Every chunk in order, those that follow asked for ahead, on the guess that the notes stay as they are.

A chunk's reply counts if the notes are then still those it was asked with; the first change makes the replies
after it void, and they are asked for again. So notes, answer and citations are those of `sequential`, as long as a
request gets the same reply whatever is asked beside it. Most chunks of a long text change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from longread.reading.notes import Notes
from longread.reading.policy import Draft, Task
from longread.reading.section import Section
from longread.reading.strategies.ahead import Ahead
from longread.reading.strategies.base import Reading, strategy
from longread.reading.strategies.revisit import with_notes


@strategy("speculative")
async def speculative(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; a call waits for another only where notes change."""
    return await with_notes(reading, partial(read_ahead, reading))


async def read_ahead(
    reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes], sections: Sequence[Section]
) -> tuple[Notes, ...]:
    """The notes after these sections, as if they were read one after another."""
    held = tuple(notes)
    async with Ahead(reading, tasks, sections) as ahead:
        for at, section in enumerate(sections):
            held = await reading.take(tasks, held, section, await ahead.reply(at, held))
    return held
