"""What happens while a reader reads, as an async iterator of these records."""

from __future__ import annotations

from typing import NamedTuple

from longread.reading.notes import Notes
from longread.reading.recording import Change
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
    follows: str | None = None
    """The run whose notes are tried first."""


class Understood(NamedTuple):
    """A follow-up was worded anew so that it stands by itself."""

    question: int
    """Position of the question among those asked, from 0."""
    text: str


class ChunkBegun(NamedTuple):
    """A chunk is about to be read, alone or beside others; it may be read again, or for nothing."""

    chunk: int
    """Position of the chunk in reading order, from 0."""


class ChunkRead(NamedTuple):
    """One chunk was read and the notes brought up to date, or it was skipped."""

    chunk: int
    """Position of the chunk in reading order, from 0."""
    read: int
    """Chunks read or skipped so far, this one included."""
    total: int
    tokens: int
    """Tokens of this chunk."""
    changes: tuple[Change, ...]
    """What was asked for and dropped, for each question."""
    notes: tuple[Notes, ...]
    """The notes after it, for each question."""
    repaired: bool
    """Whether a reply broke the form and was mended."""
    skipped: bool = False
    """Whether it has no name that was asked for, so that it was not read."""


class Answering(NamedTuple):
    """Reading is over; the answer to a question comes."""

    question: int


class AnswerText(NamedTuple):
    """A piece of an answer. With `restart`, the pieces so far do not count."""

    question: int
    text: str
    thinking: str = ""
    restart: bool = False


class Finished(NamedTuple):
    """The last event."""

    answers: tuple[Answer, ...]
    """In the order of the questions."""


Event = Started | Understood | ChunkBegun | ChunkRead | Answering | AnswerText | Finished
