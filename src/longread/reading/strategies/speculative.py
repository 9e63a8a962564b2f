"""Every chunk in order, those that follow asked for ahead, on the guess that the notes stay as they are.

A chunk's reply counts if the notes are then still those it was asked with; the first change makes the replies
after it void, and they are asked for again. So notes, answer and citations are those of `sequential`, as long as a
request gets the same reply whatever is asked beside it. Most chunks of a long text change nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from longread.reading.policy import Draft
from longread.reading.strategies.ahead import Ahead
from longread.reading.strategies.base import Reading, strategy


@strategy("speculative")
async def speculative(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; a call waits for another only where notes change."""
    tasks = await reading.begin(withhold=True)
    notes = reading.start(tasks)
    async with Ahead(reading, tasks) as ahead:
        for at, section in enumerate(reading.sections):
            notes = await reading.take(tasks, notes, section, await ahead.reply(at, notes))
    return await reading.answer(tasks, notes)
