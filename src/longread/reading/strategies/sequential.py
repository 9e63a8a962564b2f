"""Every chunk in order, each against the notes of all before it (recipe §5)."""

from __future__ import annotations

from longread.reading.notes import Notes
from longread.reading.policy import Draft
from longread.reading.strategies.base import Reading, strategy


@strategy("sequential")
async def sequential(reading: Reading) -> Draft:
    """Reads all of the text; its calls follow one another."""
    task = await reading.policy.begin(reading.query, reading.sections, withhold=True)
    notes = Notes()
    for section in reading.sections:
        notes = await reading.note(task, notes, section)
    return await reading.answer(task, notes)
