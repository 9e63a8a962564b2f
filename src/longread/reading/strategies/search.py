"""The retrieval baseline: the passages that match the query best (BM25), then one pass over those."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

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
async def search(reading: Reading) -> Sequence[Draft]:
    """Reads the best passages for each query and nothing else; what they do not hold is not found."""
    spans = list(passages(reading.sections))
    tokens = [reading.policy.count(reading.sections.corpus.text(span)) for span in spans]
    reading.total = len(spans)
    seen: set[int] = set()
    noted: set[int] = set()
    drafts = []
    for number, task in enumerate(await reading.begin(withhold=False)):
        room = min(_MOST, reading.policy.room or _MOST)
        chosen: list[int] = []
        for best in await asyncio.to_thread(rank, task.question, reading.sections, spans):
            if tokens[best] <= room:
                chosen.append(best)
                room -= tokens[best]
        if not chosen:
            drafts.append(Draft(NOT_ANSWERED, False, (), Notes()))
            continue
        chosen.sort()
        chunk = Chunk(number, tuple(spans[i] for i in chosen), sum(tokens[i] for i in chosen))
        drafts.append(await reading.one(number, task, Sections(reading.sections.corpus, [chunk])[0]))
        seen.update(chosen)
        cited = [entry.span for entry in drafts[-1].notes.entries if entry.span]
        noted.update(i for i in chosen if any(_within(span, spans[i]) for span in cited))
        reading.read, reading.noted = len(seen), len(noted)
    return drafts


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
    import bm25s  # with numpy, half of what it takes to start a run that may need neither
    import numpy as np

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
