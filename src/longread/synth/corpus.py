"""What of a corpus is used: documents that pass the filters, no two alike, split before anything is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rensa import RMinHash, RMinHashLSH

from longread.reading.terms import TOKEN
from longread.synth.avoid import NOTHING, Avoided
from longread.synth.facts.keyed import SURROGATE
from longread.types import Document

_LEAST = 200
"""Characters below which a document has nothing to ask for."""
_READABLE = 0.4
"""Share of a document's characters that must be letters or digits."""
_SHINGLE = 5
_PERMUTATIONS = 128
_BANDS = 16
_ALIKE = 0.9
"""Estimated Jaccard likeness of word 5-grams from which two documents are the same."""
AVOIDED = "stands in a file to be avoided"
_EVALUATION = 10
"""One in so many sources is for evaluation."""


class Left(NamedTuple):
    """A document that is not used, and why."""

    source: str
    reason: str


class Chosen(NamedTuple):
    """The documents that are used, each with its split, and those that are not."""

    documents: tuple[Document, ...]
    splits: dict[str, str]
    left: tuple[Left, ...]


def choose(documents: Iterable[Document], avoid: Avoided = NOTHING) -> Chosen:
    """Filters, removes exact and near duplicates (the first of those alike stays), and splits by source."""
    kept: list[Document] = []
    left: list[Left] = []
    texts: dict[str, str] = {}
    near = RMinHashLSH(_ALIKE, _PERMUTATIONS, _BANDS)
    hashes: list[RMinHash] = []
    for document in documents:
        if reason := _unfit(document) or (AVOIDED if avoid.holds(document) else None):
            left.append(Left(document.source, reason))
            continue
        digest = hashlib.sha256(document.text.encode()).hexdigest()
        if digest in texts:
            left.append(Left(document.source, f"the same as {texts[digest]}"))
            continue
        hashed = RMinHash(_PERMUTATIONS, 42)
        hashed.update(_shingles(document.text))
        twin = next((i for i in sorted(near.query(hashed)) if hashes[i].jaccard(hashed) >= _ALIKE), None)
        if twin is not None:
            left.append(Left(document.source, f"nearly the same as {kept[twin].source}"))
            continue
        texts[digest] = document.source
        near.insert(len(kept), hashed)
        hashes.append(hashed)
        kept.append(document)
    return Chosen(tuple(kept), {document.id: split(document.source) for document in kept}, tuple(left))


def split(source: str) -> str:
    """`train` or `evaluation`, by the source alone, so that it stays what it is when others come or go."""
    digest = hashlib.sha256(source.encode()).digest()
    return "evaluation" if int.from_bytes(digest[:4], "big") % _EVALUATION == 0 else "train"


def _unfit(document: Document) -> str | None:
    if SURROGATE.search(document.text):
        return "broken Unicode"
    if len(document.text) < _LEAST:
        return f"shorter than {_LEAST} characters"
    readable = sum(map(str.isalnum, document.text))
    if readable < _READABLE * len(document.text):
        return f"only {readable / len(document.text):.0%} letters and digits"
    return None


def _shingles(text: str) -> Sequence[str]:
    words = TOKEN.findall(text)
    return [" ".join(words[i : i + _SHINGLE]) for i in range(max(1, len(words) - _SHINGLE + 1))]
