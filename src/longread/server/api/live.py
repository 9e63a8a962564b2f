"""A run while it is worked on, and what has happened in it, for whoever watches."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from longread.server.api.told import Told

_PULSE = 15.0
"""Seconds of silence after which a watcher is told that all is well: a dead connection shows by its silence."""
PULSE = b": still here\n\n"
"""What a stream says then; clients pass over it."""


@dataclass
class Wish:
    """What somebody wants to have read."""

    questions: tuple[str, ...]
    files: tuple[str, ...]
    """Ids, in reading order."""
    follow: str | None = None
    fresh: bool = False
    resume: str | None = None
    """The run that must go on."""

    def within(self, other: Wish) -> bool:
        """Whether the other's run answers this too."""
        if self.resume:
            return self.resume == other.resume
        same = self.files == other.files and self.follow == other.follow
        return same and not self.fresh and set(self.questions) <= set(other.questions)

    def joins(self, other: Wish) -> bool:
        """Whether both can be answered in one read that has not begun."""
        apart = self.fresh or self.follow or self.resume or other.fresh or other.follow or other.resume
        return not apart and self.files == other.files


@dataclass
class Live:
    """A run, from when it is wished for until it is over."""

    owner: str
    wish: Wish
    listener: Callable[[str, dict[str, Any]], None]
    """Hears of each event once, whoever watches."""
    ticket: str = field(default_factory=lambda: secrets.token_hex(16))
    run_id: str | None = None
    events: list[Told] = field(default_factory=list)
    over: bool = False
    begun: bool = False
    """From then on nobody can join with another question."""
    kept: bool = False
    """Whether it goes on when nobody watches."""
    stopping: bool = False
    since: float = field(default_factory=time.time)
    """Seconds since 1970."""
    ended: float = 0.0
    watchers: int = 0
    task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, name: str, data: dict[str, Any]) -> None:
        """Adds an event."""
        self.events.append(Told(name, data))
        self.listener(name, data)
        self._wake()

    def end(self) -> None:
        """No event follows."""
        self.over, self.ended = True, time.monotonic()
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def watch(self, after: int = 0) -> AsyncGenerator[tuple[int, Told] | None, None]:
        """The events after so many, each with its number from 1, as they come; None where it was silent for a while.

        When the last watcher leaves, the run ends, unless it is `kept`: what was read stays in the journal.
        """
        self.watchers += 1
        try:
            while True:
                while after < len(self.events):
                    after += 1
                    yield after, self.events[after - 1]
                if self.over:
                    return
                try:
                    async with asyncio.timeout(_PULSE):
                        await self._news.wait()
                except TimeoutError:
                    yield None
        finally:
            self.watchers -= 1
            if not self.watchers and not self.kept:
                self.stop()

    def stop(self) -> None:
        """Ends the run; it can go on later."""
        if self.task is not None and not self.over:
            self.stopping = True
            self.task.cancel()
