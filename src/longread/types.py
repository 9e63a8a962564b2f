"""The records that packages share. All are frozen; offsets count Unicode code points."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple, TypeVar

N = TypeVar("N", int, float)


class Span(NamedTuple):
    """A stretch of one document's text: `text[start:end]`."""

    doc: str
    """Id of the document."""
    start: int
    end: int

    def overlaps(self, other: Span) -> bool:
        """Whether some text lies in both."""
        return self.doc == other.doc and self.start < other.end and other.start < self.end


class Part(NamedTuple):
    """A division of a source that has a name: a sheet, a slide, a chapter, a message."""

    start: int
    """Offset in the text where it begins; it ends where the next one does."""
    label: str
    """What a reader finds it by, such as `sheet Budget` or `message 12`; empty for text between two parts."""


class Location(NamedTuple):
    """Where a reader finds an offset again; None where the format has no such thing."""

    line: int | None
    """1-based line of the source file."""
    page: int | None
    """1-based page."""
    part: str | None = None
    """Label of the part."""


def document_id(source: str, text: str) -> str:
    """Hash of a document's source and text."""
    digest = hashlib.sha256(f"{source}\0".encode())
    for start in range(0, len(text), 1 << 20):  # encoding it whole would hold it twice
        digest.update(text[start : start + (1 << 20)].encode())
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Document:
    """One source after extraction. `text` is all that is ever read or cited."""

    id: str
    """`document_id`, so that a changed file is another document."""
    source: str
    """What the user calls it: a path, or `-` for standard input."""
    text: str
    kind: str = "text"
    """text, code, markdown, html, pdf, table, json, dialogue: chooses boundaries and sentence rules."""
    lined: bool = True
    """Whether lines of `text` are lines of the source file (false after PDF or HTML extraction)."""
    pages: tuple[int, ...] = ()
    """Start offset of each page, when the format has pages."""
    parts: tuple[Part, ...] = ()
    """Named divisions in order of their starts, when the format has such."""
    header: str = ""
    """What a chunk from the middle cannot be read without: a table's column names."""
    warnings: tuple[str, ...] = ()
    """What of the source is not in `text`, for the user to know."""

    def locate(self, offset: int) -> Location:
        """Line, page and part of `offset`."""
        line = self.text.count("\n", 0, offset) + 1 if self.lined else None
        page = bisect_right(self.pages, offset) if self.pages else None
        number = bisect_right(self.parts, offset, key=lambda part: part.start)
        return Location(line, page, (self.parts[number - 1].label or None) if number else None)


class Evidence(NamedTuple):
    """Where in the documents something stands that an answer rests on."""

    doc: str
    start: int
    end: int
    role: str = "required"
    """`required`: without it the answer does not follow; `coverage`: it must be read to know the answer, though
    the answer may be the same without it (the largest of many, a count)."""

    @property
    def span(self) -> Span:
        """Its place."""
        return Span(self.doc, self.start, self.end)


@dataclass(frozen=True)
class Sample:
    """A question with its answer and the proof of it: what benchmarks ask and training learns from."""

    id: str
    task: str
    """multiple_choice, multi_hop, reading, dialogue or numerical: what training balances."""
    type: str
    """The finer type of question."""
    question: str
    answer: str
    grader: str
    """Name of a grader in `longread.grading`."""
    documents: tuple[str, ...]
    """Ids, in reading order."""
    aliases: tuple[str, ...] = ()
    """Other answers that are right."""
    evidence: tuple[Evidence, ...] = ()
    plan: str = ""
    """What the answer is the result of."""
    split: str = "evaluation"
    source: str = ""
    """What the documents were made or taken from."""
    seed: int = 0


class Skipped(NamedTuple):
    """A path that was not read, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """What `load` returns: the documents to read, in order, and what was left out."""

    documents: tuple[Document, ...]
    skipped: tuple[Skipped, ...] = ()

    def __post_init__(self) -> None:
        if len({d.id for d in self.documents}) < len(self.documents):
            raise ValueError("two documents of a corpus have the same id")

    @cached_property
    def _by_id(self) -> dict[str, Document]:
        return {d.id: d for d in self.documents}

    def __iter__(self) -> Iterator[Document]:
        return iter(self.documents)

    def document(self, id: str) -> Document:
        """The document with that id; KeyError when there is none."""
        return self._by_id[id]

    def text(self, span: Span) -> str:
        """The text a span covers."""
        return self._by_id[span.doc].text[span.start : span.end]


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is read at once: one or more spans in document order.

    Several short documents share a chunk, a long one fills many. Over all chunks, the spans of a document
    tile its text exactly.
    """

    index: int
    spans: tuple[Span, ...]
    tokens: int


@dataclass(frozen=True)
class Usage:
    """What a run's calls cost. None means unknown, which is never the same as 0."""

    calls: int = 0
    input_tokens: int | None = 0
    cached_tokens: int | None = 0
    """Part of `input_tokens` that the server took from its prefix cache."""
    output_tokens: int | None = 0
    cost: float | None = 0.0
    """In the currency of the configured prices."""

    def __add__(self, other: Usage) -> Usage:
        def both(a: N | None, b: N | None) -> N | None:
            return None if a is None or b is None else a + b

        return Usage(
            self.calls + other.calls,
            both(self.input_tokens, other.input_tokens),
            both(self.cached_tokens, other.cached_tokens),
            both(self.output_tokens, other.output_tokens),
            both(self.cost, other.cost),
        )


class Citation(NamedTuple):
    """A passage an answer rests on. `text` is the document's own words, never the model's."""

    source: str
    start: int
    end: int
    line: int | None
    page: int | None
    text: str
    part: str | None = None

    @property
    def place(self) -> str:
        """`file:line`, `file, page 3`, `file, sheet Budget`, or the file alone."""
        line = f":{self.line}" if self.line is not None else ""
        page = f", page {self.page}" if self.page is not None else ""
        part = f", {self.part}" if self.part else ""
        return f"{self.source}{line}{page}{part}"


@dataclass(frozen=True, slots=True)
class ChunkCount:
    """How much of the text was read."""

    total: int = 0
    read: int = 0
    noted: int = 0
    """Chunks that left something in the notes."""
    reread: int = 0
    """Times that a chunk was read again, for what the notes lacked."""
    skipped: int = 0
    """Chunks that were not read since they have no name that was asked for."""


@dataclass(frozen=True)
class Answer:
    """The outcome of a run."""

    text: str
    answered: bool
    """False when the documents do not hold the answer."""
    citations: tuple[Citation, ...] = ()
    strategy: str = ""
    model: str = ""
    usage: Usage = field(default_factory=Usage)
    chunks: ChunkCount = field(default_factory=ChunkCount)
    stopped: str | None = None
    """Why reading ended early, or None."""
    seconds: float = 0.0
    run_id: str | None = None
    stored: bool = False
    """True when an earlier, identical run gave this answer."""
    question: str = ""
