"""How much of the evidence for an answer lies in notes: what evaluation reports and training credits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rapidfuzz import fuzz

from longread.reading.notes import Notes
from longread.types import Evidence, Span

_STANDS = 80.0
"""Percent of likeness from which a quote counts as standing in a free-text memory."""


def share(evidence: Sequence[Evidence], spans: Iterable[Span]) -> float:
    """Share of the evidence that some span lies on."""
    by_document: dict[str, list[Span]] = {}
    for span in spans:
        by_document.setdefault(span.doc, []).append(span)
    hit = sum(any(matches(s, one.span) for s in by_document.get(one.doc, ())) for one in evidence)
    return hit / len(evidence)


def matches(a: Span, b: Span) -> bool:
    """Whether two spans share at least half of the shorter one: a quote may be part of a sentence, or more."""
    shared = min(a.end, b.end) - max(a.start, b.start)
    return a.doc == b.doc and 2 * shared >= max(1, min(a.end - a.start, b.end - b.start))


def spans(notes: Notes) -> set[Span]:
    """Spans of all entries."""
    return {entry.span for entry in notes.entries if entry.span}


def standing(notes: Notes) -> set[Span]:
    """Spans of what the notes say at the end. A free-text memory holds only what its text still says."""
    if not notes.memory:
        return spans(notes)
    return {entry.span for entry in notes.entries if entry.span and _stands(entry.quote, notes.memory)}


def _stands(quote: str, memory: str) -> bool:
    # A part of the memory may be like the quote, never a part of the quote like the memory.
    like = fuzz.partial_ratio if len(memory) >= len(quote) else fuzz.ratio
    return like(quote, memory) >= _STANDS
