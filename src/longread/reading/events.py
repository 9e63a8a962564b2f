"""What happens while a reader reads, as an async iterator of these records."""

from __future__ import annotations

from typing import NamedTuple

from longread.reading.notes import Entry, Notes, Operation
from longread.types import Answer


class Started(NamedTuple):
    """Reading begins."""

    run_id: str | None
    strategy: str
    reason: str
    """Why this strategy."""
    documents: int
    chunks: int
    tokens: int
    resumed: bool
    """Whether an earlier, unfinished run is continued."""


class ChunkRead(NamedTuple):
    """One chunk was read and the notes brought up to date."""

    chunk: int
    """Position of the chunk in reading order, from 0."""
    read: int
    """Chunks read so far, this one included."""
    total: int
    tokens: int
    """Tokens of this chunk."""
    operations: tuple[Operation, ...]
    dropped: tuple[Entry, ...]
    notes: Notes
    repaired: bool


class Answering(NamedTuple):
    """Reading is over; the answer comes."""


class AnswerText(NamedTuple):
    """A piece of the answer. With `restart`, the pieces so far do not count."""

    text: str
    thinking: str = ""
    restart: bool = False


class Finished(NamedTuple):
    """The last event."""

    answer: Answer


Event = Started | ChunkRead | Answering | AnswerText | Finished
