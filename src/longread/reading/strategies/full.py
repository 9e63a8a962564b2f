"""The whole text in one pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from longread.errors import UsageError
from longread.models.tokens import longest_end
from longread.reading.policy import Draft
from longread.reading.section import Piece, Section
from longread.reading.strategies.base import Reading, strategy


@strategy("full")
async def full(reading: Reading) -> Sequence[Draft]:
    """Reads everything at once. Too long a text is an error, unless it may be cut in the middle."""
    room, tokens = reading.room, reading.tokens
    tasks = await reading.begin(withhold=len(reading.queries) > 1)
    section = reading.sections.whole()
    reading.total = 1
    stopped = None
    if room is not None and tokens > room:
        if not reading.truncate:
            raise UsageError(
                f"{tokens:,} tokens do not fit one pass of {room:,}; take --strategy sequential, "
                "or --truncate middle to read only the beginning and the end"
            )
        section = keep_ends(section, room, reading.policy.count)
        stopped = f"the middle was cut: {section.chunk.tokens:,} of {tokens:,} tokens were read"
    drafts = await reading.whole(tasks, section)
    return [draft._replace(stopped=draft.stopped or stopped) for draft in drafts]


def keep_ends(section: Section, limit: int, count: Callable[[str], int]) -> Section:
    """The first and the last `limit // 2` tokens, as benchmarks cut what is too long (protocols of LongBench)."""
    head = _take(section.pieces, limit // 2, count, from_end=False)
    tail = _take(section.pieces, limit // 2, count, from_end=True)
    pieces = (*head, *tail)
    chunk = replace(
        section.chunk,
        spans=tuple(piece.span for piece in pieces),
        tokens=sum(count(piece.text) for piece in pieces),
    )
    return Section(chunk, pieces)


def _take(
    pieces: tuple[Piece, ...], limit: int, count: Callable[[str], int], *, from_end: bool
) -> list[Piece]:
    taken: list[Piece] = []
    for piece in reversed(pieces) if from_end else pieces:
        tokens = count(piece.text)
        if tokens > limit:
            taken.append(_cut(piece, limit, count, from_end=from_end))
            break
        taken.append(piece)
        limit -= tokens
    return taken[::-1] if from_end else taken


def _cut(piece: Piece, limit: int, count: Callable[[str], int], *, from_end: bool) -> Piece:
    """The longest beginning (or end) of a piece within `limit` tokens."""
    length = longest_end(piece.text, limit, count, from_end=from_end)
    start = len(piece.text) - length if from_end else 0
    begin = piece.span.start + start
    return piece._replace(
        span=piece.span._replace(start=begin, end=begin + length), text=piece.text[start : start + length]
    )
