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
    replies: dict[int, asyncio.Future[Sequence[Noted] | None]] = {
        at: asyncio.Future() for at in range(len(sections))
    }
    positions = iter(range(len(sections)))

    async def work() -> None:
        """Asks one section after another: a connection is used again before it looks idle."""
        for position in positions:
            try:
                noted = await reading.ask(tasks, notes, sections[position])
            except asyncio.CancelledError:
                replies[position].cancel()
                raise
            except Exception as error:
                replies[position].set_exception(error)
                return
            seen = None if noted is None else [_seen(*pair) for pair in zip(noted, notes, strict=True)]
            replies[position].set_result(seen)

    workers = [asyncio.create_task(work()) for _ in range(min(reading.policy.concurrency, len(sections)))]
    try:
        for position, section in enumerate(sections):
            noted = await replies[position]
            del replies[position]
            held = await reading.take(tasks, held, section, noted, fit=False)
    finally:
        await stop(workers)
        await stop(list(replies.values()))
    return await reading.consolidate(tasks, held)


def _seen(noted: Noted, notes: Notes) -> Noted:
    """Without what speaks of notes that were not shown: their ids are those of other chunks' notes by now.

    Nor with a plan, since of many chunks' plans the last would win, nor with its prompt, since many replies may wait
    until it is their turn.
    """
    return noted._replace(operations=notes.known(noted.operations), plan=None, calls=())
