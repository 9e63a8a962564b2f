"""What documents state, with the place where each part stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from longread.types import Document


class Fact(NamedTuple):
    """A document's subject has a value for a relation; `start` and `end` are where the value stands."""

    doc: str
    relation: str
    """Path of keys, such as `Geography / Area / land`; a column's name; what code does."""
    value: str
    """`text[start:end]`, with escapes resolved."""
    start: int
    end: int


Extractor = Callable[[Document], Iterator[Fact]]
