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
    held = tuple(notes)
    replies: list[asyncio.Future[Sequence[Noted]]] = [asyncio.Future() for _ in sections]
    positions = iter(range(len(sections)))

    async def work() -> None:
        """Asks one section after another: a connection is used again before it looks idle."""
        for position in positions:
            try:
                noted = await reading.ask(tasks, notes, sections[position])
            except Exception as error:
                replies[position].set_exception(error)
                return
            replies[position].set_result(noted)

    workers = [asyncio.create_task(work()) for _ in range(min(reading.policy.concurrency, len(sections)))]
    try:
        for section, reply in zip(sections, replies, strict=True):
            held = await reading.take(tasks, held, section, await reply, fit=False)
    finally:
        await stop(workers)
        await stop(replies)
    return await reading.consolidate(tasks, held)
