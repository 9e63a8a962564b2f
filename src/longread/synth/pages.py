"""What all extractors together know of some documents."""

from __future__ import annotations

from collections.abc import Sequence

from longread.synth.base import Base
from longread.synth.entities import build
from longread.synth.facts import code, dialogue, facts, tables
from longread.types import Document


def base_of(documents: Sequence[Document]) -> Base:
    """The pages of records, code, conversations and tables."""
    records = build({document.id: own for document in documents if (own := list(facts(document)))})
    pages = (*records.pages, *code.pages(documents), *dialogue.pages(documents))
    return Base((*pages, *tables.pages(documents, (page.name for page in pages))), records.merged)
