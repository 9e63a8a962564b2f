"""A chunk together with its text: what a policy gets to read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, overload

from longread.reading.cite import Haystack, align
from longread.types import Chunk, Corpus, Span


class Piece(NamedTuple):
    """The part of one document that lies in a section."""

    span: Span
    source: str
    kind: str
    header: str
    """Of a table, to be shown above `text` when the piece starts below it; empty where there is none."""
    text: str
    cut: bool = False
    """Whether it is what is left of a piece, and follows another part of it."""


@dataclass(frozen=True)
class Section:
    """One chunk's pieces in document order."""

    chunk: Chunk
    pieces: tuple[Piece, ...]

    @property
    def index(self) -> int:
        """Position of the chunk in reading order, from 0."""
        return self.chunk.index

    def align(self, quote: str) -> Span | None:
        """The span of this section that `quote` reproduces, or None (see `cite.align`)."""
        found = align(quote, self._haystacks)
        if found is None:
            return None
        span = self.pieces[found[0]].span
        return Span(span.doc, span.start + found[1].start, span.start + found[1].end)

    def holds(self, quote: str) -> bool:
        """Whether `quote` stands here word for word, whatever white space, case, quotation marks and markup."""
        return any(haystack.exact(quote) or haystack.folded(quote) for haystack in self._haystacks)

    def only(self, spans: Collection[Span]) -> Section:
        """The lines that have a part in one of the spans, and nothing else."""
        return self.lines(lambda line: any(map(line.span.overlaps, spans)))

    def without(self, spans: Collection[Span]) -> Section:
        """All lines but those that have a part in one of the spans."""
        return self.lines(lambda line: not any(map(line.span.overlaps, spans)))

    def lines(self, keeps: Callable[[Piece], bool]) -> Section:
        """The lines that `keeps` is true of, and nothing else; it is asked of each line as a piece of its own."""
        return replace(self, pieces=tuple(part for piece in self.pieces for part in _parts(piece, keeps)))

    @cached_property
    def _haystacks(self) -> list[Haystack]:
        return [Haystack(piece.text) for piece in self.pieces]

    def text(self, span: Span) -> str:
        """The text of a span that lies within this section."""
        for piece in self.pieces:
            if piece.span.doc == span.doc and piece.span.start <= span.start and span.end <= piece.span.end:
                return piece.text[span.start - piece.span.start : span.end - piece.span.start]
        raise ValueError(f"{span} is not in chunk {self.index}")


def _parts(piece: Piece, keeps: Callable[[Piece], bool]) -> Iterator[Piece]:
    """What is left of a piece, one part for each stretch of lines that are kept."""
    stretches: list[tuple[int, int]] = []
    end = 0
    for line in piece.text.splitlines(keepends=True):
        start, end = end, end + len(line)
        if keeps(_part(piece, start, end)):
            joins = stretches and stretches[-1][1] == start
            stretches.append((stretches.pop()[0] if joins else start, end))
    for at, (start, end) in enumerate(stretches):
        yield _part(piece, start, end)._replace(cut=piece.cut or at > 0)


def _part(piece: Piece, start: int, end: int) -> Piece:
    span = Span(piece.span.doc, piece.span.start + start, piece.span.start + end)
    return piece._replace(span=span, text=piece.text[start:end])


class Sections(Sequence[Section]):
    """The sections of a corpus; their texts are cut out when asked for, so that none is held twice."""

    def __init__(self, corpus: Corpus, chunks: Sequence[Chunk]) -> None:
        self.corpus = corpus
        self.chunks = chunks

    def __len__(self) -> int:
        return len(self.chunks)

    @overload
    def __getitem__(self, index: int) -> Section: ...
    @overload
    def __getitem__(self, index: slice) -> Sections: ...
    def __getitem__(self, index: int | slice) -> Section | Sections:
        if isinstance(index, slice):
            return Sections(self.corpus, self.chunks[index])
        chunk = self.chunks[index]
        return Section(chunk, tuple(self._piece(span) for span in chunk.spans))

    def whole(self) -> Section:
        """All chunks as one section, adjacent spans joined."""
        spans: list[Span] = []
        for chunk in self.chunks:
            for span in chunk.spans:
                if spans and spans[-1].doc == span.doc and spans[-1].end == span.start:
                    spans[-1] = Span(span.doc, spans[-1].start, span.end)
                else:
                    spans.append(span)
        tokens = sum(chunk.tokens for chunk in self.chunks)
        return Section(Chunk(0, tuple(spans), tokens), tuple(self._piece(span) for span in spans))

    def _piece(self, span: Span) -> Piece:
        document = self.corpus.document(span.doc)
        return Piece(span, document.source, document.kind, document.header, self.corpus.text(span))
