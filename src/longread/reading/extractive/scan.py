"""Finds the places of a text that have any of some terms, fast: most of a corpus has none of them.

A text is looked at in blocks of a few hundred characters. They are the unit of corpus statistics too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

from longread.reading.terms import TOKEN, token_terms

_BLOCK = 500
"""Characters of a block, up to the next line end."""
_SLACK = 300
_MEMO = 200_000


class Block(NamedTuple):
    """A stretch of a text, and which terms it has."""

    start: int
    end: int
    mask: int
    """Bit i is set when the block has term i."""


class Scanner:
    """Looks for `terms`; bit i of a mask stands for `terms[i]`."""

    def __init__(self, terms: Sequence[str]) -> None:
        self.terms = tuple(terms)
        self._masks = _Masks({term: 1 << i for i, term in enumerate(self.terms)})

    def blocks(self, text: str) -> Iterator[Block]:
        """All blocks of `text`."""
        at = 0
        while at < len(text):
            end = _end(text, at)
            yield Block(at, end, self.mask(text, at, end))
            at = end

    def mask(self, text: str, start: int, end: int) -> int:
        """Which terms stand in `text[start:end]`."""
        return reduce(or_, map(self._masks.__getitem__, TOKEN.findall(text, start, end)), 0)


class _Masks(dict[str, int]):
    """The mask of each word met, worked out once; all words of a corpus pass through here, so no loop in Python."""

    def __init__(self, bits: dict[str, int]) -> None:
        super().__init__()
        self._bits = bits

    def __missing__(self, token: str) -> int:
        if len(self) >= _MEMO:
            self.clear()
        mask = self[token] = reduce(or_, (self._bits.get(term, 0) for term in token_terms(token)), 0)
        return mask


def _end(text: str, at: int) -> int:
    least = at + _BLOCK
    if least >= len(text):
        return len(text)
    for mark in "\n ":
        found = text.find(mark, least, least + _SLACK)
        if found >= 0:
            return found + 1
    return min(len(text), least + _SLACK)


def bits(mask: int) -> Iterator[int]:
    """The positions of the bits set in `mask`."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
