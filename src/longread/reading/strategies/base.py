"""The second axis of reading: which chunk is read when, and against which notes.

A strategy is a coroutine over a `Reading`, registered under its name:

    @strategy("backwards")
    async def backwards(reading: Reading) -> Draft: ...
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from longread.errors import UsageError
from longread.models.base import Delta
from longread.reading.events import Answering, AnswerText, ChunkRead, Event
from longread.reading.notes import Notes
from longread.reading.policy import Draft, Policy, Task
from longread.reading.recording import Change, Run
from longread.reading.section import Section, Sections
from longread.types import ChunkCount


@dataclass
class Reading:
    """What a strategy works with, and the count of what it has read."""

    query: str
    policy: Policy
    sections: Sections
    run: Run
    emit: Callable[[Event], None]
    truncate: bool = False
    """Whether too long a text may be cut in the middle (`full` only)."""
    read: int = 0
    noted: int = 0
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = len(self.sections)

    @property
    def tokens(self) -> int:
        """Tokens of the whole text."""
        return sum(chunk.tokens for chunk in self.sections.chunks)

    @property
    def count(self) -> ChunkCount:
        """How much was read."""
        return ChunkCount(self.total, self.read, self.noted)

    async def note(self, task: Task, notes: Notes, section: Section) -> Notes:
        """Reads one section: asks the policy, changes the notes, keeps them within the budget, records it all."""
        noted = await self.policy.note(task, notes, section, self.total)
        updated = notes.update(noted.operations, noted.plan, section)
        kept, dropped = self.policy.fit(task, updated) if updated is not notes else (notes, ())
        position, self.read = self.read, self.read + 1
        self.noted += any(entry.id >= notes.next_id for entry in updated.entries) or (
            updated.memory != notes.memory
        )
        self.run.step(position, section.index, notes, kept, Change(noted.operations, dropped))
        tokens = section.chunk.tokens
        self.emit(
            ChunkRead(
                section.index, self.read, self.total, tokens, noted.operations, dropped, kept, noted.repaired
            )
        )
        await asyncio.sleep(0)  # a policy that never waits would keep the events from whoever listens
        return kept

    async def answer(self, task: Task, notes: Notes) -> Draft:
        """The answer from notes."""
        self.emit(Answering())
        return await self.policy.answer(task, notes, self._say)

    async def whole(self, task: Task, section: Section) -> Draft:
        """The answer from one pass over a section."""
        self.emit(Answering())
        draft = await self.policy.whole(task, section, self._say)
        self.run.step(0, section.index, Notes(), draft.notes, Change((), ()))
        return draft

    def _say(self, delta: Delta) -> None:
        self.emit(AnswerText(*delta))


Strategy = Callable[[Reading], Awaitable[Draft]]

_registry: dict[str, Strategy] = {}


def strategy(name: str) -> Callable[[Strategy], Strategy]:
    """Registers a strategy."""

    def register(function: Strategy) -> Strategy:
        _registry[name] = function
        return function

    return register


def get_strategy(name: str) -> Strategy:
    """The strategy of that name; UsageError when there is none."""
    if name not in _registry:
        raise UsageError(f"there is no strategy '{name}'; choose one of auto, {', '.join(strategies())}")
    return _registry[name]


def strategies() -> list[str]:
    """All registered names."""
    return sorted(_registry)
