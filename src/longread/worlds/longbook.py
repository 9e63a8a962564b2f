"""Longbook: a long-document benchmark that is generated, of any length, with evidence and a proof of every answer.

What is left out: questions that need an opinion or knowledge of the world, because their answers cannot be proved.
"""

from __future__ import annotations

from typing import NamedTuple

from longread.errors import UsageError
from longread.models.tokens import BYTES_PER_TOKEN
from longread.types import Corpus, Sample
from longread.worlds.filler import Filler
from longread.worlds.lengths import check_length, default_count, parse_length, show_length
from longread.worlds.tasks.base import Brief, Task, Unsolvable
from longread.worlds.tasks.chains import BACKWARD, FORWARD
from longread.worlds.tasks.code import CODE
from longread.worlds.tasks.contradiction import CONTRADICTION
from longread.worlds.tasks.dialogue import ORDINAL
from longread.worlds.tasks.entries import AGGREGATE, COUNT_TASK
from longread.worlds.tasks.records import ABSENT_TASK, SINGLE, UPDATE
from longread.worlds.tasks.tables import TABLE

__all__ = [
    "TASKS", "Book", "Filler", "default_count", "make", "parse_length", "prove", "show_length", "solve",
]  # fmt: skip

_TASKS: dict[str, Task] = {
    "single": SINGLE,
    "forward": FORWARD,
    "backward": BACKWARD,
    "ordinal": ORDINAL,
    "count": COUNT_TASK,
    "aggregate": AGGREGATE,
    "table": TABLE,
    "update": UPDATE,
    "contradiction": CONTRADICTION,
    "absent": ABSENT_TASK,
    "code": CODE,
}
TASKS: tuple[str, ...] = tuple(_TASKS)


class Book(NamedTuple):
    """One question with its documents."""

    sample: Sample
    corpus: Corpus
    ending: str
    """How the answer is to be worded; follows the question."""
    chance: float
    """Expected score of a guess among the candidates; for twins, of guessing both."""
    twin: str = ""
    """The same for two samples that count only when both are right; empty for others."""
    candidates: tuple[str, ...] = ()
    """What the answer could be, as far as its form goes; for sums, a part of it."""


def make(task: str, tokens: int, seed: int, index: int, filler: Filler | None = None) -> Book:
    """The sample of that number; the same arguments give the same bytes everywhere.

    Args:
        task: One of `TASKS`.
        tokens: Length of the documents together, in tokens of four bytes; see `parse_length`.
        seed: Chooses another set of samples.
        index: Number of the sample, from 0. Of `absent`, each odd one is the twin of the one before.
        filler: What the questions are hidden in; chronicles made up for it when None. Tasks in which nothing can
            be hidden in prose do without (code) or mix it with what they need (table).

    Raises:
        UsageError: There is no such task, or the length is outside 4K to 10M.
    """
    if task not in _TASKS:
        raise UsageError(f"unknown task {task!r}: it is one of {', '.join(TASKS)}")
    check_length(tokens)
    length = show_length(tokens)
    key = f"longbook/{task}/{tokens}/{seed}" + (f"/{filler.digest}" if filler else "")
    puzzle = _TASKS[task].make(Brief(tokens * BYTES_PER_TOKEN, key, index, filler))
    name = f"longbook-{task}-{length}-s{seed}"
    sample = Sample(
        id=f"{name}-{index}",
        task=_TASKS[task].family,
        type=task,
        question=puzzle.question,
        answer=puzzle.answer,
        grader="longbook",
        documents=tuple(document.id for document in puzzle.documents),
        evidence=puzzle.evidence,
        plan=puzzle.plan,
        source=f"longbook, {filler.source}" if filler and task != "code" else "longbook",
        seed=seed,
    )
    twin = f"{name}-{index // 2 * 2}" if task == "absent" else ""
    return Book(sample, Corpus(puzzle.documents), puzzle.ending, puzzle.chance, twin, puzzle.candidates)


def solve(book: Book) -> str:
    """The answer, parsed out of the evidence's own words."""
    sample = book.sample
    texts = [book.corpus.text(each.span) for each in sample.evidence]
    if sample.type == "code":
        paths = [book.corpus.document(each.doc).source for each in sample.evidence]
        texts = [f"{path}\n{text}" for path, text in zip(paths, texts, strict=True)]
    return _TASKS[sample.type].solve(sample.question, texts)


def prove(book: Book) -> str:
    """The answer, parsed out of all of the text.

    Raises:
        Unsolvable: Evidence and text lead to different answers, or the text to none or several.
    """
    sample = book.sample
    answer = _TASKS[sample.type].prove(sample.question, book.corpus)
    if answer != solve(book):
        raise Unsolvable(f"{sample.id}: the text says {answer!r}, its evidence {solve(book)!r}")
    return answer
