"""Which strategy reads where `auto` is asked for, and why."""

from __future__ import annotations

from longread.reading.exhaustive import gathers
from longread.reading.strategies.base import Reading

_MANY = 32
"""Chunks from which on a count or an order is read for in rounds."""


def chosen(asked: str, reading: Reading) -> tuple[str, str]:
    """Name of the strategy, and the reason to show."""
    if asked != "auto":
        return asked, "as asked"
    # Without a window one pass would do, but it shows no progress.
    room = reading.policy.chunk_tokens if reading.room is None else reading.room
    if reading.tokens <= room:
        return "full", f"{reading.tokens:,} tokens fit one pass of {room:,}"
    why = f"{reading.tokens:,} tokens exceed one pass of {room:,}"
    policy = reading.policy
    if policy.concurrency == 1:
        return "sequential", f"{why}; one call at a time"
    if not policy.apart:
        return "sequential", f"{why}; each chunk rewrites the memory that the next is read with"
    found = [gathers(query) for query in reading.queries]
    if all(found) and reading.total >= _MANY:
        return (
            "rounds",
            f"{why}; each of {reading.total:,} chunks counts by itself (the question says '{found[0]}')",
        )
    return "speculative", f"{why}; up to {policy.concurrency} calls at a time"
