"""Extractors of facts, by kind of document."""

from collections.abc import Iterator

from longread.synth.facts import keyed
from longread.synth.facts.base import Extractor, Fact
from longread.types import Document

__all__ = ["Extractor", "Fact", "facts"]

_EXTRACTORS: dict[str, Extractor] = {"json": keyed.facts}


def facts(document: Document) -> Iterator[Fact]:
    """What a document states, by the extractor of its kind; nothing for kinds without one."""
    if extractor := _EXTRACTORS.get(document.kind):
        yield from extractor(document)
