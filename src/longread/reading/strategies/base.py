"""The second axis of reading: which chunk is read when, and against which notes.

A strategy is a coroutine over a `Reading`, registered under its name:

    @strategy("backwards")
    async def backwards(reading: Reading) -> Sequence[Draft]: ...

It gives one draft for each of `reading.queries`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from longread.errors import UsageError
from longread.models.base import Delta
from longread.reading.events import Answering, AnswerText, ChunkBegun, ChunkRead, Event, Understood
from longread.reading.notes import Notes
from longread.reading.policy import Draft, Noted, Policy, Task, Turn
from longread.reading.recording import Change, Run
from longread.reading.section import Section, Sections
from longread.types import ChunkCount


@dataclass
class Reading:
    """What a strategy works with, and the count of what it has read."""

    queries: Sequence[str]
    policy: Policy
    sections: Sections
    run: Run
    emit: Callable[[Event], None]
    truncate: bool = False
    """Whether too long a text may be cut in the middle (`full` only)."""
    revisits: int = 0
    """How often chunks may be read again for what the notes lack in the end."""
    early_exit: bool = False
    """Whether reading may end when the notes suffice (`rounds` only)."""
    history: Sequence[Turn] = ()
    """What was asked and answered before, when the queries follow up on it."""
    inherited: Notes = field(default_factory=Notes)
    """The notes of the run that is followed up."""
    read: int = 0
    noted: int = 0
    reread: int = 0
    total: int = field(init=False)
    _read: set[int] = field(default_factory=set)
    """Indices of the chunks that were read, of those that were not since nothing in them is asked for, and of those
    that left a note."""
    _skipped: set[int] = field(default_factory=set)
    _noted: set[int] = field(default_factory=set)
    _steps: int = 0
    _tasks: tuple[Task, ...] | None = None

    def __post_init__(self) -> None:
        self.total = len(self.sections)

    @property
    def room(self) -> int | None:
        """Tokens of text that fit one pass; None when any amount does."""
        room = self.policy.room
        if room is None or len(self.queries) == 1:
            return room  # which leaves room for one question
        return room - sum(map(self.policy.count, self.queries))

    @property
    def tokens(self) -> int:
        """Tokens of the whole text."""
        return sum(chunk.tokens for chunk in self.sections.chunks)

    @property
    def count(self) -> ChunkCount:
        """How much was read."""
        return ChunkCount(self.total, self.read, self.noted, self.reread, len(self._skipped))

    async def begin(self, *, withhold: bool) -> tuple[Task, ...]:
        """Prepares the queries, once; the policy says with `withhold` which part of each is kept for the end."""
        if self._tasks is None:
            tasks = []
            for number, query in enumerate(self.queries):
                task = await self.policy.begin(query, self.sections, withhold=withhold, history=self.history)
                tasks.append(task)
                if self.history and task.question != query:
                    self.emit(Understood(number, task.question))
            self._tasks = tuple(tasks)
        return self._tasks

    def start(self, tasks: Sequence[Task]) -> tuple[Notes, ...]:
        """The notes to begin with, for each task: none, or those of the run that is followed up."""
        return tuple(notes for notes, _ in self.policy.fit(tasks, [self.inherited] * len(tasks)))

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section
    ) -> tuple[Notes, ...]:
        """Reads one section and takes what the policy notes of it."""
        return await self.take(tasks, notes, section, await self.ask(tasks, notes, section))

    async def ask(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section
    ) -> Sequence[Noted] | None:
        """What the policy would note of one section, given these notes; None where it skips it.

        Nothing comes of it until it is taken.
        """
        if not self.policy.shown(tasks, notes, section).pieces:
            await asyncio.sleep(0)  # thousands may follow one another
            return None
        self.emit(ChunkBegun(section.index))
        return await self.policy.note(tasks, notes, section, len(self.sections))

    async def take(
        self,
        tasks: Sequence[Task],
        notes: Sequence[Notes],
        section: Section,
        noted: Sequence[Noted] | None,
        *,
        fit: bool = True,
    ) -> tuple[Notes, ...]:
        """Changes the notes, records it all, and keeps them within the budget unless that is done later."""
        if noted is None:
            if section.index not in self._read:
                self._skipped.add(section.index)
            return await self._gone(section, tuple(notes), (Change((), ()),) * len(notes), skipped=True)
        updated = [
            before.update(new.operations, new.plan, section) for before, new in zip(notes, noted, strict=True)
        ]
        fitted = (
            self.policy.fit(tasks, updated)
            if fit and any(after is not before for before, after in zip(notes, updated, strict=True))
            else [(same, ()) for same in updated]
        )
        kept = tuple(after for after, _ in fitted)
        changes = tuple(
            Change(new.operations, dropped) for new, (_, dropped) in zip(noted, fitted, strict=True)
        )
        self.reread += section.index in self._read
        self._read.add(section.index)
        self._skipped.discard(section.index)
        self.read = len(self._read)
        if any(
            any(entry.id >= before.next_id for entry in after.entries) or after.memory != before.memory
            for before, after in zip(notes, updated, strict=True)
        ):
            self._noted.add(section.index)
            self.noted = len(self._noted)
        self._step(section.index, notes, kept, changes)
        repaired = any(new.repaired for new in noted)
        return await self._gone(section, kept, changes, repaired=repaired)

    async def _gone(
        self,
        section: Section,
        notes: tuple[Notes, ...],
        changes: tuple[Change, ...],
        *,
        repaired: bool = False,
        skipped: bool = False,
    ) -> tuple[Notes, ...]:
        gone = self.read + len(self._skipped)
        self.emit(
            ChunkRead(
                section.index, gone, self.total, section.chunk.tokens, changes, notes, repaired, skipped
            )
        )
        await asyncio.sleep(0)  # a policy that never waits would keep the events from whoever listens
        return notes

    async def consolidate(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> tuple[Notes, ...]:
        """Notes of sections that were read apart, in the order of the text and within the budget."""
        ordered = [held.ordered() for held in notes]
        fitted = await self.policy.consolidate(tasks, ordered)
        kept = tuple(after for after, _ in fitted)
        if any(dropped for _, dropped in fitted):
            self._step(-1, notes, kept, tuple(Change((), dropped) for _, dropped in fitted))
        return kept

    def _step(
        self, chunk: int, notes: Sequence[Notes], kept: Sequence[Notes], changes: Sequence[Change]
    ) -> None:
        for question, steps in enumerate(zip(notes, kept, changes, strict=True)):
            self.run.step(self._steps, question, chunk, *steps)
        self._steps += 1

    async def answer(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> list[Draft]:
        """The answers from notes."""
        drafts = []
        for number, (task, held) in enumerate(zip(tasks, notes, strict=True)):
            self.emit(Answering(number))
            drafts.append(await self.policy.answer(task, held, partial(self._say, number)))
        return drafts

    def restart(self) -> None:
        """Takes back what was said of the answers."""
        for number in range(len(self.queries)):
            self._say(number, Delta(restart=True))

    async def recall(self) -> list[Draft] | None:
        """Answers from inherited notes alone; None unless they suffice for every query."""
        tasks = await self.begin(withhold=True)
        drafts = []
        for task, notes in zip(tasks, self.start(tasks), strict=True):
            drafts.append(await self.policy.answer(task, notes, lambda _: None))
            if not drafts[-1].answered:
                return None
        for number, draft in enumerate(drafts):
            self.emit(Answering(number))
            self._say(number, Delta(draft.text))
        return drafts

    async def whole(self, tasks: Sequence[Task], section: Section) -> list[Draft]:
        """The answers from one pass over a section. Several questions share the pass by taking notes."""
        if len(tasks) > 1:
            return await self.answer(tasks, await self.note(tasks, [Notes()] * len(tasks), section))
        self.read = 1
        draft = await self.one(0, tasks[0], section)
        self.noted = int(bool(draft.notes.entries))
        return [draft]

    async def one(self, number: int, task: Task, section: Section) -> Draft:
        """The answer to the question of that number from one pass over a section."""
        self.emit(ChunkBegun(section.index))
        self.emit(Answering(number))
        draft = await self.policy.whole(task, section, partial(self._say, number))
        self.run.step(0, number, section.index, Notes(), draft.notes, Change((), ()))
        return draft

    def _say(self, question: int, delta: Delta) -> None:
        self.emit(AnswerText(question, *delta))


Strategy = Callable[[Reading], Awaitable[Sequence[Draft]]]

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
