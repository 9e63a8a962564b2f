"""Chunks read again, where the notes do not suffice, that could hold what they lack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from longread.reading.notes import Notes
from longread.reading.policy import Draft, Review, Task
from longread.reading.section import Sections
from longread.reading.seeking import holding
from longread.reading.strategies.base import Reading

_SHARE = 8
"""At most 1/8 of the chunks are read again at a time,"""
_LEAST = 4
"""or so many, if that is more."""

Read = Callable[[Sequence[Task], Sequence[Notes], Sections], Awaitable[tuple[Notes, ...]]]
"""How a strategy reads some of the sections, given notes."""


async def with_notes(reading: Reading, read: Read) -> Sequence[Draft]:
    """The answers from notes of all sections, and of those that are read again."""
    tasks = await reading.begin(withhold=True)
    notes = await read(tasks, reading.start(tasks), reading.sections)
    return await reading.answer(tasks, await revisit(reading, tasks, notes, read))


async def revisit(
    reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes], read: Read
) -> tuple[Notes, ...]:
    """The notes when they suffice, or nothing new can match, or chunks were read again `reading.revisits` times."""
    held = tuple(notes)
    sought: set[tuple[str, int]] = set()
    for _ in range(reading.revisits if reading.total > 1 else 0):
        seeks = [review.seeks for review in await reviews(reading, tasks, held)]
        sections = await asyncio.to_thread(matching, reading, [one for own in seeks for one in own], sought)
        if not sections:
            break
        held = await read(tasks, planned(held, seeks), sections)
    return held


async def reviews(reading: Reading, tasks: Sequence[Task], notes: Sequence[Notes]) -> list[Review]:
    """Whether the notes of each task suffice."""
    return await asyncio.gather(*map(reading.policy.review, tasks, notes))


def planned(notes: Sequence[Notes], seeks: Sequence[Sequence[str]]) -> tuple[Notes, ...]:
    """The notes with plans that name what is sought."""
    return tuple(
        held.planned("; ".join(own)) if own else held for held, own in zip(notes, seeks, strict=True)
    )


def matching(reading: Reading, seeks: Sequence[str], sought: set[tuple[str, int]]) -> Sections:
    """The sections that could hold what is sought; none is looked at twice for the same, as `sought` remembers."""
    most = max(_LEAST, reading.total // _SHARE)
    chunks = reading.sections.chunks
    new = [at for at in range(len(chunks)) if any((seek, at) not in sought for seek in seeks)]
    left = Sections(reading.sections.corpus, [chunks[at] for at in new])
    found = [new[at] for at in holding(left, seeks, most)]
    sought.update((seek, at) for seek in seeks for at in found)
    return Sections(reading.sections.corpus, [chunks[at] for at in found])
