"""Planted sentences and background become documents, with the place of every planted sentence."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple, Protocol

from longread.models.tokens import utf8_length
from longread.types import Document, Evidence, document_id
from longread.worlds.names import Cast
from longread.worlds.prose import Background, background

_CHAPTER = 128 * 1024
"""Bytes of a chapter, about; no shorter text is divided."""


_ENDS = (".", "!", "?", '"', "”", "’")
_LOOK = 50
"""Sentences among which one that ends as sentences do is looked for; headings and verses do not."""


class Piece(NamedTuple):
    """A sentence to plant."""

    text: str
    at: float
    """Where in the whole text, from 0 to 1."""
    role: str = ""
    """Role as evidence; empty for decoys."""


class Packed(NamedTuple):
    """Documents and the evidence in them, in reading order."""

    documents: tuple[Document, ...]
    evidence: tuple[Evidence, ...]


class Source(Protocol):
    """Where background comes from: a user's filler."""

    def draw(self, rng: random.Random, size: int) -> Background:
        """Sentences and separators of about `size` bytes."""


def pack(
    rng: random.Random, size: int, pieces: Sequence[Piece], cast: Cast, filler: Source | None = None
) -> Packed:
    """Chapters of about `size` bytes in all, with the pieces as whole sentences within paragraphs."""
    planted = sorted(pieces, key=lambda piece: piece.at)
    # At least a tenth is background, which says so only where a book is far too short for its pieces.
    free = max(size // 10, size - sum(utf8_length(piece.text) + 1 for piece in planted))
    free -= len("Chapter 10\n\n") * (1 + size // _CHAPTER)
    under = filler.draw(rng, free) if filler else background(rng, cast, free)
    flat, where = _merge(under, planted)
    return _divide(rng, flat, [(index, p.role) for index, p in zip(where, planted, strict=True)])


def _merge(under: Background, planted: Sequence[Piece]) -> tuple[list[str], list[int]]:
    """Sentences and separators in turn, and the index of every planted sentence among them.

    What is planted takes the separator of the sentence before it, and so stands in a paragraph that was there.
    """
    flat: list[str] = []
    where: list[int] = []
    total = len(under.sentences)
    done = 0
    for piece in planted:
        upto = min(total, max(1, int(piece.at * total) + 1))
        if upto > done:
            nearby = range(upto, min(total, upto + _LOOK) + 1)
            upto = next((n for n in nearby if under.sentences[n - 1].endswith(_ENDS)), upto)
        if upto > done:
            flat += _interleaved(under.sentences[done:upto], under.separators[done:upto])
            done = upto
        flat[-1:] = [" ", piece.text, flat[-1]]
        where.append(len(flat) - 2)
    if done < total:
        flat += _interleaved(under.sentences[done:], under.separators[done:])
    flat[-1] = "\n\n"
    return flat, where


def _interleaved(sentences: list[str], separators: list[str]) -> list[str]:
    both = [""] * (2 * len(sentences))
    both[::2] = sentences
    both[1::2] = separators
    return both


def _divide(rng: random.Random, flat: list[str], marked: Sequence[tuple[int, str]]) -> Packed:
    """Cuts at ends of paragraphs; chapters differ in length."""
    ends = list(accumulate(map(len, flat)))
    count = max(1, round(ends[-1] / _CHAPTER))
    weights = list(accumulate(rng.uniform(0.6, 1.5) for _ in range(count)))
    documents: list[Document] = []
    evidence: list[Evidence] = []
    first, mark = 0, 0
    for number, weight in enumerate(weights, 1):
        last = len(flat)
        if number < count:
            last = _paragraph_end(flat, ends, int(ends[-1] * weight / weights[-1]), first)
        if last <= first:
            continue
        head = f"Chapter {number}\n\n"
        text = f"{head}{''.join(flat[first : last - 1])}\n"
        source = f"chronicle/chapter-{number:03}.txt"
        document = Document(document_id(source, text), source, text)
        base = (ends[first - 1] if first else 0) - len(head)
        while mark < len(marked) and marked[mark][0] < last:
            index, role = marked[mark]
            if role:
                evidence.append(Evidence(document.id, ends[index - 1] - base, ends[index] - base, role))
            mark += 1
        documents.append(document)
        first = last
    return Packed(tuple(documents), tuple(evidence))


def _paragraph_end(flat: list[str], ends: list[int], offset: int, first: int) -> int:
    """Index behind the first paragraph that ends at `offset` or later."""
    low, high = first, len(ends)
    while low < high:
        middle = (low + high) // 2
        if ends[middle] < offset:
            low = middle + 1
        else:
            high = middle
    at = low | 1  # separators have odd indexes
    while at < len(flat) and not flat[at].endswith("\n\n"):
        at += 2
    return min(at + 1, len(flat))
