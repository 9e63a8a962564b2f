"""What is known of some documents: entities and their values, each with the place where it stands."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from longread.synth.facts import Fact
from longread.synth.links import Link
from longread.synth.values import Quantity


class Turn(NamedTuple):
    """What a speaker says in one go; `start` and `end` are where it stands."""

    speaker: str
    said: str
    start: int
    end: int
    words: frozenset[str]
    """In lower case."""

    @property
    def line(self) -> str:
        """Its first line."""
        return self.said.partition("\n")[0].rstrip()


@dataclass(frozen=True)
class Page:
    """What a document states of one entity."""

    doc: str
    name: str
    facts: Mapping[str, Fact]
    """By relation; relations that a page states twice are left out."""
    quantities: Mapping[str, Quantity]
    dates: Mapping[str, datetime.date]
    links: Mapping[str, tuple[Link, ...]]
    """By relation, what it lists, in the order of the text."""
    kind: str = "record"
    """What it is a page of: a record of keys and values, code, or a dialogue."""
    turns: tuple[Turn, ...] = ()
    """Of a dialogue."""


@dataclass(frozen=True)
class Base:
    """The pages of a corpus or of one sample's context."""

    pages: tuple[Page, ...]
    merged: Mapping[str, str] = field(default_factory=dict)
    """Names and keys as documents write them -> what they were taken for, where that is written in another way."""
    by_name: Mapping[str, Page] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {page.name: page for page in self.pages})

    @cached_property
    def by_doc(self) -> dict[str, list[Page]]:
        """The pages of each document that has any."""
        found: defaultdict[str, list[Page]] = defaultdict(list)
        for page in self.pages:
            found[page.doc].append(page)
        return dict(found)

    def within(self, docs: Iterable[str]) -> Base:
        """What is known from these documents alone."""
        wanted = set(docs)
        return Base(tuple(page for page in self.pages if page.doc in wanted))
