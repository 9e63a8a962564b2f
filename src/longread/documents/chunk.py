"""Documents become chunks: what is read at once, with exact offsets."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from longread.documents.boundaries import boundary
from longread.errors import UsageError
from longread.types import Chunk, Document, Span

PIECE_OVERHEAD = 16
"""Tokens allowed for the line above each piece that names its source."""
LEAST_LIMIT = 64
"""Tokens. In a smaller chunk, overhead leaves no room for text."""

_SEARCH = 0.25
"""The part of a piece, at its end, in which a natural boundary is looked for."""
_AIM = 0.97
"""The part of the room that a guess aims at: one that misses the limit costs another count."""
_ENOUGH = 0.7
"""The part of the room that a piece must fill to be taken without another guess."""


def split_corpus(documents: Iterable[Document], limit: int, count: Callable[[str], int]) -> list[Chunk]:
    """Splits documents into chunks of at most `limit` tokens.

    The spans of a document tile its text exactly. Documents keep their order; consecutive ones share a chunk
    as long as they fit. One that does not fit what is left of a chunk starts a new chunk when the current one
    is at least half full, and is split otherwise. Pieces end at natural boundaries (see `boundary`).

    Args:
        documents: A corpus, or documents in reading order.
        limit: Tokens a chunk may take, with `PIECE_OVERHEAD` for each piece and the table header of each
            piece that starts below it.
        count: Tokens of a string. It is called once or twice a chunk, on text about the size of a chunk.

    Returns:
        The chunks in reading order. `tokens` includes overhead and headers. It exceeds `limit` only where a
        single character does.

    Raises:
        UsageError: `limit` leaves no room for text.
    """
    if limit < LEAST_LIMIT:
        raise UsageError(f"a chunk of {limit} tokens has no room for text; allow at least {LEAST_LIMIT}")
    packer = _Packer(limit, count)
    for document in documents:
        packer.add(document)
    packer.close()
    return packer.chunks


class _Packer:
    """Fills one chunk after the other."""

    def __init__(self, limit: int, count: Callable[[str], int]) -> None:
        self.chunks: list[Chunk] = []
        self._limit = limit
        self._count = count
        self._rate = 3.0
        """Characters a token, as last seen."""
        self._spans: list[Span] = []
        self._used = 0

    def add(self, document: Document) -> None:
        """Puts all of `document` into the current chunk and as many new ones as it takes."""
        text, start, header = document.text, 0, 0
        total = self._total(text)
        while start < len(text):
            room = self._limit - self._used - PIECE_OVERHEAD - header
            if start == 0 and total is not None and total <= room:
                end, tokens = len(text), total
            elif self._used >= self._limit / 2:
                self.close()
                continue
            else:
                end, tokens = self._take(document, start, room)
                if tokens > room and self._used:
                    self.close()
                    continue
            self._spans.append(Span(document.id, start, end))
            self._used += PIECE_OVERHEAD + header + tokens
            if end < len(text):
                self.close()
                header = header or self._header(document)
            start = end

    def close(self) -> None:
        """Ends the current chunk."""
        if self._spans:
            self.chunks.append(Chunk(len(self.chunks), tuple(self._spans), self._used))
            self._spans, self._used = [], 0

    def _total(self, text: str) -> int | None:
        """Tokens of a whole document, or None for one that is far longer than a chunk."""
        return self._count(text) if len(text) <= 2 * self._limit * self._rate else None

    def _header(self, document: Document) -> int:
        tokens = self._count(document.header + "\n") if document.header else 0
        least = 2 * (tokens + PIECE_OVERHEAD)
        if tokens and self._limit < least:
            raise UsageError(
                f"{document.source}: its column names take {tokens} tokens, too many for chunks of "
                f"{self._limit}; allow at least {least}"
            )
        return tokens

    def _take(self, document: Document, start: int, room: int) -> tuple[int, int]:
        """End and tokens of a piece from `start` that fits `room`, unless its first character does not."""
        text = document.text
        best, tokens_of_best, too_far = start, 0, len(text) + 1
        guess = start + max(1, int(room * self._rate * _AIM))
        while best < guess:
            end = _cut(document, start, min(guess, too_far - 1))
            tokens = self._count(text[start:end])
            self._rate = (end - start) / max(tokens, 1)
            if tokens > room:
                too_far = end
                if end == start + 1:
                    return end, tokens
            elif end > best:
                best, tokens_of_best = end, tokens
                if end == len(text) or tokens >= _ENOUGH * room:
                    break
            else:
                break  # the same boundary again
            # A count that does not grow with the text must not keep the guess from shrinking.
            most = too_far - start - max(1, (too_far - start) // 10)
            guess = start + max(1, min(int(room * self._rate * _AIM), most))
        return best, tokens_of_best


def _cut(document: Document, start: int, guess: int) -> int:
    """A good place to end a piece from `start`, at most at `guess`."""
    if guess >= len(document.text):
        return len(document.text)
    return boundary(document, min(guess - int((guess - start) * _SEARCH), guess - 1), guess)
