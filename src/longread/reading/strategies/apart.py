"""Sections read apart, all against the same notes, and what they gave put together in the order of the text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from longread.reading.notes import Notes
from longread.reading.policy import Noted, Task
from longread.reading.section import Section
from longread.reading.strategies.ahead import stop
from longread.reading.strategies.base import Reading


async def read_apart(
    reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes], sections: Sequence[Section]
) -> tuple[Notes, ...]:
    """The notes with what each section adds to them, within the budget."""
    gate = asyncio.Semaphore(reading.policy.concurrency)
    held = tuple(notes)

    async def ask(position: int) -> Sequence[Noted]:
        async with gate:
            return await reading.ask(tasks, notes, sections[position])

    asked = [asyncio.create_task(ask(position)) for position in range(len(sections))]
    try:
        for position, reply in enumerate(asked):
            held = await reading.take(tasks, held, sections[position], await reply, fit=False)
    finally:
        await stop(asked)
    return await reading.consolidate(tasks, held)
