"""Replies to the chunks that come next, asked for before it is known whether the notes stay as they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

from longread.reading.notes import Notes
from longread.reading.policy import Noted, Task
from longread.reading.section import Section
from longread.reading.strategies.base import Reading
from longread.reading.strategies.width import Width

_FAR = 8
"""Sections looked through, for each that is asked ahead, for those that are not skipped."""


class Ahead:
    """A window over the sections, which moves with what is read. Leaving it stops whatever is still asked.

    A request is never made twice with notes that look the same: should notes look as they did before, the reply they
    got then counts.
    """

    def __init__(self, reading: Reading, tasks: Sequence[Task], sections: Sequence[Section]) -> None:
        self._reading = reading
        self._tasks = tasks
        self._sections = sections
        self._width = Width(reading.policy.concurrency)
        self._flying = 0
        self._asked: dict[tuple[int, int], asyncio.Task[Sequence[Noted] | None]] = {}
        """By the number of the view and the position of the section."""
        self._shown: dict[int, bool] = {}
        """By the position of the section, whether it is asked at all, at the present view."""
        self._views: dict[tuple[object, ...], int] = {}
        self._view = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await stop(list(self._asked.values()))

    async def reply(self, at: int, notes: Sequence[Notes]) -> Sequence[Noted] | None:
        """What the policy notes of the section at this position, given these notes; None where it skips it.

        Positions are asked in order.
        """
        if not await self._shows(at, notes):
            return None
        number = self._views.setdefault(tuple(held.view for held in notes), len(self._views))
        if at:
            self._width.saw(changed=number != self._view)
        if number != self._view:
            self._view = number
            await self._forget(at)
        asked = self._asked.get((number, at))
        # Replies that are there may hold a change: they are looked at before more is asked.
        if asked is None or not asked.done():
            async for position in self._next(at, notes):
                if (number, position) not in self._asked:
                    self._asked[number, position] = asyncio.create_task(self._ask(position, notes))
        return await self._asked.pop((number, at))

    async def _next(self, at: int, notes: Sequence[Notes]) -> AsyncIterator[int]:
        """This position, and as many after it that are not skipped as are worth asking."""
        yield at
        left = self._width.value - 1
        for position in range(at + 1, min(at + _FAR * (left + 1), len(self._sections))):
            if not left:
                break
            if position not in self._shown:
                self._shown[position] = await self._shows(position, notes)
            if self._shown[position]:
                left -= 1
                yield position

    async def _shows(self, position: int, notes: Sequence[Notes]) -> bool:
        await asyncio.sleep(0)  # thousands may be looked through
        return bool(self._reading.policy.shown(self._tasks, notes, self._sections[position]).pieces)

    async def _ask(self, position: int, notes: Sequence[Notes]) -> Sequence[Noted] | None:
        clock = asyncio.get_running_loop().time
        began = clock()
        self._flying += 1
        together = self._flying
        try:
            noted = await self._reading.ask(self._tasks, notes, self._sections[position])
        finally:
            self._flying -= 1
        self._width.took(clock() - began, together)
        return noted

    async def _forget(self, at: int) -> None:
        """Stops what was asked with notes that are no more, and forgets what failed or is behind."""
        gone = {
            key: asked
            for key, asked in self._asked.items()
            if key[1] < at or not asked.done() or asked.exception() is not None
        }
        self._shown = {}
        for key in gone:
            del self._asked[key]
        await stop(list(gone.values()))


async def stop(asked: Sequence[asyncio.Future[Any]]) -> None:
    """Cancels what is still asked, and waits for its end."""
    for one in asked:
        one.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
