"""Every chunk in order, each against the notes of all before it (recipe §5)."""

from __future__ import annotations

from collections.abc import Sequence

from longread.reading.policy import Draft
from longread.reading.strategies.base import Reading, strategy


@strategy("sequential")
async def sequential(reading: Reading) -> Sequence[Draft]:
    """Reads all of the text; its calls follow one another."""
    tasks = await reading.begin(withhold=True)
    notes = reading.start(tasks)
    for section in reading.sections:
        notes = await reading.note(tasks, notes, section)
    return await reading.answer(tasks, notes)
