"""A chunk together with its text: what a policy gets to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from longread.reading.cite import align
from longread.types import Chunk, Corpus, Span


class Piece(NamedTuple):
    """The part of one document that lies in a section."""

    span: Span
    source: str
    kind: str
    header: str
    """Table header to show above `text` when the piece starts below it, else empty."""
    text: str


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
        for piece in self.pieces:
            if found := align(quote, piece.text):
                start = piece.span.start
                return Span(piece.span.doc, start + found[0], start + found[1])
        return None

    def text(self, span: Span) -> str:
        """The text of a span that lies within this section."""
        for piece in self.pieces:
            if piece.span.doc == span.doc and piece.span.start <= span.start and span.end <= piece.span.end:
                return piece.text[span.start - piece.span.start : span.end - piece.span.start]
        raise ValueError(f"{span} is not in chunk {self.index}")


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
        header = document.header if span.start > 0 else ""
        return Piece(span, document.source, document.kind, header, self.corpus.text(span))
