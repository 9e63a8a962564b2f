"""What a reader is given to do, and what it hands over."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike
from typing import NamedTuple

from longread.errors import UsageError
from longread.reading.journal import Journal
from longread.reading.notes import Notes
from longread.reading.policy import Draft, Policy, Turn
from longread.types import Citation, Corpus, Document

Questions = list[str] | tuple[str, ...]

_FOLLOWED = 10
"""Runs, each following up on the one before, whose questions and answers are looked at."""
_SAMPLES = 4
_SAMPLE, _SCRAP = 8_000, 400
"""Characters of text that token counts are calibrated with, and of a scrap of it."""


class Job(NamedTuple):
    """All that decides what is read and asked."""

    questions: tuple[str, ...]
    corpus: Corpus
    policy: Policy
    key: str
    """Hash of the rest."""
    history: tuple[Turn, ...] = ()
    inherited: Notes = Notes()
    parent: str | None = None


def make_job(
    question: str | Questions,
    corpus: Corpus | Iterable[Document],
    policy: Policy,
    *,
    follow: str | None,
    journal: Journal | None,
    reads_as: Sequence[str | bool | int],
) -> Job:
    """A job.

    Args:
        question: One, or several to be answered in one read.
        corpus: What to read.
        policy: Who reads.
        follow: The run in `journal` that is followed up: its answers and notes are taken over.
        journal: Where that run is kept.
        reads_as: The strategy that was asked for, and what it heeds.

    Raises:
        UsageError: A question is empty, the corpus is a path, or there is no such run.
    """
    asked = (question,) if isinstance(question, str) else tuple(question)
    if not asked or not all(one.strip() for one in asked):
        raise UsageError("a question is empty; give one in quotes before the paths")
    questions = tuple(one.encode("utf-8", "replace").decode() for one in asked)
    if isinstance(corpus, str | PathLike):
        raise UsageError(f"{corpus} is a path; give load({str(corpus)!r})")
    if not isinstance(corpus, Corpus):
        corpus = Corpus(tuple(corpus))
    history: tuple[Turn, ...] = ()
    inherited = Notes()
    if follow is not None:
        if journal is None:
            raise UsageError(f"run {follow} cannot be followed up without a journal")
        history = _history(journal, follow)
        inherited = _still_there(journal.notes(follow), corpus)
    parts = [
        questions,
        *reads_as,
        policy.fingerprint,
        [d.id for d in corpus.documents],
        history,
        inherited.entries,
        inherited.memory,
    ]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return Job(questions, corpus, policy, key, history, inherited, follow)


def samples(corpus: Corpus) -> list[str]:
    """A few pieces from all over the text, each long enough to count tokens by."""
    documents = corpus.documents[:: max(1, len(corpus.documents) // _SAMPLES)][:_SAMPLES]
    middles = [(d.text, max(0, len(d.text) // 2 - _SAMPLE // 2)) for d in documents]
    return [text[start : start + _SAMPLE] for text, start in middles]


def mixture(corpus: Corpus) -> str:
    """One piece of text made of many, evenly spread, so that each kind of text has its share."""
    step = max(_SCRAP, sum(len(d.text) for d in corpus) * _SCRAP // _SAMPLE)
    scraps, at = [], 0  # `at` counts from the beginning of the current document
    for document in corpus:
        while at < len(document.text):
            scraps.append(document.text[at : at + _SCRAP])
            at += step
        at -= len(document.text)
    return "".join(scraps)


def citations(draft: Draft, corpus: Corpus) -> tuple[Citation, ...]:
    """The passages a draft cites, in the order of its markers, as the documents have them."""
    spans = {entry.id: entry.span for entry in draft.notes.entries}
    cited = []
    for id in draft.cited:
        if span := spans.get(id):
            document = corpus.document(span.doc)
            line, page, part = document.locate(span.start)
            cited.append(Citation(document.source, span.start, span.end, line, page, corpus.text(span), part))
    return tuple(cited)


def _history(journal: Journal, run: str) -> tuple[Turn, ...]:
    """The conversation that ends with a run: a follow-up may refer to what an earlier one refers to."""
    turns: tuple[Turn, ...] = ()
    following: str | None = run
    for _ in range(_FOLLOWED):
        if following is None:
            break
        try:
            row = journal.get(following)
        except KeyError:
            if following == run:
                raise UsageError(
                    f"run {run}, which the question follows up on, was deleted; ask anew"
                ) from None
            break
        turns = (*(Turn(q, a.text) for q, a in zip(row.questions, row.answers, strict=False)), *turns)
        following = row.parent
    return turns


def _still_there(notes: Notes, corpus: Corpus) -> Notes:
    """Notes without the entries whose documents have changed or gone."""
    documents = {document.id for document in corpus.documents}
    kept = tuple(entry for entry in notes.entries if entry.span is None or entry.span.doc in documents)
    return replace(notes, entries=kept)
