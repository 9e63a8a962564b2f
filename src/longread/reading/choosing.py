"""Fewer notes, chosen by a model: among a prompt's worth of them at a time, in a tree of bounded fan-in.

Notes are chosen, never worded anew, so each keeps its quote and its place. No chunk keeps more than its share, and
half of the room is filled by rule, so that no note can talk the model into dropping all others.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from longread.reading.notes import SHARE, Entry, Rank

_FAN = 4
"""Prompts' worth of notes that become one."""

Pick = Callable[[Sequence[Entry], int], Awaitable[Sequence[int]]]
"""Of some entries the ids of the most important, as many as the number says, the best first."""


async def choose(
    entries: Sequence[Entry],
    size: Callable[[Entry], int],
    rank: Callable[[Entry], Rank],
    *,
    room: int,
    prompt: int,
    pick: Pick,
) -> list[Entry]:
    """Entries that take at most `room` tokens together, in their order.

    Args:
        entries: More than that, as a rule.
        size: Tokens of an entry.
        rank: What an entry is worth by rule.
        room: Tokens of what is kept.
        prompt: Tokens of entries that one call can look at.
        pick: The call.
    """
    kept = list(entries)
    if sum(map(size, kept)) > room:
        kept = _shared_out(kept, size, rank, room // SHARE)
    before = 0
    while (total := sum(map(size, kept))) > room and len(kept) != before:
        before = len(kept)
        groups = list(_groups(kept, size, prompt))
        least = room if len(groups) == 1 else max(prompt // _FAN, *map(size, kept))
        kept = [
            entry
            for part in await asyncio.gather(
                *(
                    _best(group, size, rank, max(least, sum(map(size, group)) * room // total), pick)
                    for group in groups
                )
            )
            for entry in part
        ]
    return kept


def _shared_out(
    entries: Sequence[Entry], size: Callable[[Entry], int], rank: Callable[[Entry], Rank], share: int
) -> list[Entry]:
    """Without what a chunk holds beyond its share: the entries worth least."""
    left: dict[int, int] = defaultdict(lambda: share)
    kept = set()
    for entry in sorted(entries, key=rank, reverse=True):
        if size(entry) <= left[entry.chunk] or left[entry.chunk] == share:
            kept.add(entry.id)
            left[entry.chunk] -= size(entry)
    return [entry for entry in entries if entry.id in kept]


def _groups(entries: Sequence[Entry], size: Callable[[Entry], int], most: int) -> Iterator[Sequence[Entry]]:
    """Neighbours of at most so many tokens together, or one alone."""
    start = taken = 0
    for at, entry in enumerate(entries):
        if at > start and taken + size(entry) > most:
            yield entries[start:at]
            start, taken = at, 0
        taken += size(entry)
    yield entries[start:]


async def _best(
    group: Sequence[Entry],
    size: Callable[[Entry], int],
    rank: Callable[[Entry], Rank],
    room: int,
    pick: Pick,
) -> list[Entry]:
    total = sum(map(size, group))
    if total <= room:
        return list(group)
    own = {entry.id: entry for entry in group}
    kept: set[int] = set()

    def fill(entries: Iterable[Entry], left: int) -> int:
        for entry in entries:
            if entry.id not in kept and size(entry) <= left:
                kept.add(entry.id)
                left -= size(entry)
        return left

    picked = await pick(group, max(1, len(group) * room // total))
    left = fill((own[id] for id in picked), room // 2)
    fill(sorted(group, key=rank, reverse=True), room - room // 2 + left)
    return [entry for entry in group if entry.id in kept]
