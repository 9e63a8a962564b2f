"""Finds the places of a text that have any of some terms, fast: most of a corpus has none of them.

A text is looked at in blocks of a few hundred characters. They are the unit of corpus statistics too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import chain
from operator import or_
from typing import NamedTuple

from longread.reading.terms import TOKEN, token_terms

_BLOCK = 500
"""Characters of a block, up to the next line end."""
_SLACK = 300
_MEMO = 50_000
"""Words, with the punctuation on them, that a scanner remembers."""


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
        self._bits = {term: 1 << i for i, term in enumerate(self.terms)}
        self._known: set[str] = set()
        self._telling: dict[str, int] = {}
        """The mask of those of the known words that have one."""

    def blocks(self, text: str) -> Iterator[Block]:
        """All blocks of `text`."""
        at = 0
        while at < len(text):
            end = _end(text, at)
            yield Block(at, end, self.mask(text, at, end))
            at = end

    def mask(self, text: str, start: int, end: int) -> int:
        """Which terms stand in `text[start:end]`."""
        # All of a corpus passes through here: no loop in Python, and no expression for words met before.
        words = text[start:end].split()
        if not self._known.issuperset(words):
            self._learn(words)
        return reduce(or_, map(self._telling.__getitem__, self._telling.keys() & words), 0)

    def _learn(self, words: Sequence[str]) -> None:
        if len(self._known) >= _MEMO:
            self._known.clear()
            self._telling.clear()
        for word in set(words) - self._known:
            found = chain.from_iterable(map(token_terms, TOKEN.findall(word)))
            if mask := reduce(or_, (self._bits.get(term, 0) for term in found), 0):
                self._telling[word] = mask
        self._known.update(words)


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
