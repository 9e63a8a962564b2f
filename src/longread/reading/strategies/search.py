"""The retrieval baseline: the passages that match the query best (BM25), then one pass over those."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import bm25s
import numpy as np

from longread.reading.notes import Notes
from longread.reading.policy import NOT_ANSWERED, Draft
from longread.reading.section import Sections
from longread.reading.strategies.base import Reading, strategy
from longread.reading.terms import terms
from longread.types import Chunk, Span

_PASSAGE = 512
"""Tokens of a passage, about."""
_MOST = 16_000
"""Tokens of passages put before the model, as far as its window allows."""


@strategy("search")
async def search(reading: Reading) -> Draft:
    """Reads the best passages and nothing else; what they do not hold is not found."""
    task = await reading.policy.begin(reading.query, reading.sections, withhold=False)
    spans = list(passages(reading.sections))
    tokens = [reading.policy.count(reading.sections.corpus.text(span)) for span in spans]
    room = min(_MOST, reading.policy.room or _MOST)
    chosen: list[int] = []
    for best in await asyncio.to_thread(rank, reading.query, reading.sections, spans):
        if tokens[best] <= room:
            chosen.append(best)
            room -= tokens[best]
    reading.total, reading.read = len(spans), len(chosen)
    if not chosen:
        return Draft(NOT_ANSWERED, False, (), Notes())
    chosen.sort()
    chunk = Chunk(0, tuple(spans[i] for i in chosen), sum(tokens[i] for i in chosen))
    draft = await reading.whole(task, Sections(reading.sections.corpus, [chunk])[0])
    cited = [entry.span for entry in draft.notes.entries if entry.span]
    reading.noted = sum(any(_within(span, spans[i]) for span in cited) for i in chosen)
    return draft


def passages(sections: Sections) -> Iterator[Span]:
    """All text in passages that end at line ends where there are any."""
    size = 4 * _PASSAGE
    for chunk in sections.chunks:
        for span in chunk.spans:
            text = sections.corpus.text(span)
            start = 0
            while start < len(text):
                end = min(start + size, len(text))
                if end < len(text) and (newline := text.rfind("\n", start + size // 2, end)) >= 0:
                    end = newline + 1
                yield Span(span.doc, span.start + start, span.start + end)
                start = end


def rank(query: str, sections: Sections, spans: list[Span]) -> list[int]:
    """Indices of the passages that share a term with the query, best first."""
    asked = list(dict.fromkeys(terms(query)))
    vocabulary = {term: i for i, term in enumerate(asked)}
    other = len(vocabulary)  # all other terms count for length alone
    ids = [[vocabulary.get(term, other) for term in terms(sections.corpus.text(span))] for span in spans]
    if not spans or not asked:
        return []
    index = bm25s.BM25()
    index.index(bm25s.tokenization.Tokenized(ids, {**vocabulary, "\0": other}), show_progress=False)
    scores = index.get_scores(asked)
    return [int(i) for i in np.argsort(-scores, kind="stable") if scores[i] > 0]


def _within(span: Span, passage: Span) -> bool:
    return span.doc == passage.doc and passage.start <= span.start < passage.end
