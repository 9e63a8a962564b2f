"""What all extractors together know of some documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from longread.synth.base import Base
from longread.synth.entities import build
from longread.synth.facts import Fact, code, dialogue, facts, tables
from longread.synth.runner import ALONE, Runner
from longread.types import Document

_TOGETHER = 8
"""Documents that are handed out at once."""


def read(documents: Sequence[Document], runner: Runner = ALONE) -> dict[str, list[Fact]]:
    """What each document states by itself, by its id."""
    ids = [document.id for document in documents]
    return dict(zip(ids, runner.map(_reading, None, documents, _TOGETHER), strict=True))


def base_of(documents: Sequence[Document], stated: Mapping[str, Sequence[Fact]] | None = None) -> Base:
    """The pages of records, code, conversations and tables; of what they state, where it was `read` before."""
    stated = read(documents) if stated is None else stated
    records = build({document.id: own for document in documents if (own := stated[document.id])})
    pages = (*records.pages, *code.pages(documents), *dialogue.pages(documents))
    return Base((*pages, *tables.pages(documents, (page.name for page in pages))), records.merged)


def _reading(_: None) -> Callable[[Document], list[Fact]]:
    return lambda document: list(facts(document))
