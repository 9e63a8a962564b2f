"""Books that several tests read."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from longread.worlds.longbook import Book, make, parse_length


@lru_cache(maxsize=2_000)
def book(task: str, length: str, seed: int, index: int) -> Book:
    return make(task, parse_length(length), seed, index)


def text(one: Book) -> str:
    return "\n".join(document.text for document in one.corpus)


def digest(one: Book) -> str:
    parts = [repr(one.sample), one.ending, repr(one.chance), one.twin, repr(one.candidates)]
    parts += [repr(document) for document in one.corpus]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
