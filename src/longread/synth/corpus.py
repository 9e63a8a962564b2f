"""What of a corpus is used: documents that pass the filters, no two alike, split before anything is made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from longread.synth.alike import Alike
from longread.synth.avoid import NOTHING, Avoided
from longread.synth.facts import Fact
from longread.synth.facts.keyed import SURROGATE
from longread.synth.pages import base_of, read
from longread.synth.runner import ALONE, Runner
from longread.synth.splits import splits
from longread.types import Document

_LEAST = 200
"""Characters below which a document has nothing to ask for."""
_READABLE = 0.4
"""Share of a document's characters that must be letters or digits."""
AVOIDED = "stands in a file to be avoided"


class Left(NamedTuple):
    """A document that is not used, and why."""

    source: str
    reason: str


class Chosen(NamedTuple):
    """The documents that are used, each with its split and what it states, and those that are not."""

    documents: tuple[Document, ...]
    splits: dict[str, str]
    left: tuple[Left, ...]
    stated: dict[str, list[Fact]]


def choose(documents: Iterable[Document], avoid: Avoided = NOTHING, runner: Runner = ALONE) -> Chosen:
    """Filters, removes exact and near duplicates (the first of those alike stays), and splits by source."""
    kept: list[Document] = []
    left: list[Left] = []
    texts: dict[str, str] = {}
    alike = Alike()
    for document in documents:
        if reason := _unfit(document) or (AVOIDED if avoid.holds(document) else None):
            left.append(Left(document.source, reason))
            continue
        digest = hashlib.sha256(document.text.encode()).hexdigest()
        if digest in texts:
            left.append(Left(document.source, f"the same as {texts[digest]}"))
            continue
        twin = alike.add(document.text)
        if twin is not None:
            left.append(Left(document.source, f"nearly the same as {kept[twin].source}"))
            continue
        texts[digest] = document.source
        kept.append(document)
    sources = {document.id: document.source for document in kept}
    stated = read(kept, runner)
    return Chosen(tuple(kept), splits(sources, base_of(kept, stated)), tuple(left), stated)


def _unfit(document: Document) -> str | None:
    if SURROGATE.search(document.text):
        return "broken Unicode"
    if len(document.text) < _LEAST:
        return f"shorter than {_LEAST} characters"
    readable = sum(map(str.isalnum, document.text))
    if readable < _READABLE * len(document.text):
        return f"only {readable / len(document.text):.0%} letters and digits"
    return None
