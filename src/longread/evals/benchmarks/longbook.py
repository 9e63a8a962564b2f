"""Longbook, which is generated: see `longread.worlds.longbook`.

Items are told apart without their texts, which are made when they are read. What came of an item is known again as
long as the generator makes the same of it: `made` stands for short samples of its task, with the filler.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from longread.errors import LongreadError
from longread.evals.benchmarks.base import Benchmark, Item, Options, Text, register
from longread.grading import Gold
from longread.worlds.filler import Filler
from longread.worlds.lengths import check_length, default_count, parse_length, show_length
from longread.worlds.longbook import TASKS, make

LENGTHS = tuple(map(parse_length, ("8K", "32K", "128K", "1M")))
PAIRED = "absent"
"""The task whose samples come in pairs, one with the answer and one without."""
_SHORTEST = parse_length("4K")
_TRIED = 3


@dataclass(frozen=True)
class _Book:
    """A sample to be made."""

    task: str
    tokens: int
    seed: int
    index: int
    made: str
    filler: Path | None = field(default=None, repr=False, compare=False)

    def open(self) -> Text:
        """Question, answer and documents."""
        if self.made != _made(self.task, self.seed, self.filler):
            raise LongreadError(f"the texts in {self.filler} changed during the run; run again")
        book = make(self.task, self.tokens, self.seed, self.index, _filler(self.filler))
        sample = book.sample
        return Text(
            book.corpus,
            evidence=sample.evidence,
            question=sample.question,
            ending=book.ending,
            gold=Gold((sample.answer, *sample.aliases)),
        )


def items(options: Options) -> Iterator[Item]:
    """Every task at every length; questions and golds come with the texts."""
    lengths = options.lengths or LENGTHS
    for tokens in lengths:
        check_length(tokens)
    _filler.cache_clear()  # what the folder holds may have changed since the last run of this process
    _made.cache_clear()
    return _items(lengths, options)


def _items(lengths: tuple[int, ...], options: Options) -> Iterator[Item]:
    for tokens in dict.fromkeys(lengths):
        for task in TASKS:
            count = options.samples or default_count(tokens)
            count += count % 2 if task == PAIRED else 0
            name = f"longbook-{task}-{show_length(tokens)}-s{options.seed}"
            made = _made(task, options.seed, options.filler)
            for index in range(count):
                yield Item(
                    id=f"{name}-{index}",
                    question="",
                    ending="",
                    gold=Gold(()),
                    groups={"length": show_length(tokens), "task": task},
                    material=_Book(task, tokens, options.seed, index, made, options.filler),
                    twin=f"{name}-{index // 2 * 2}" if task == PAIRED else "",
                )


@lru_cache(maxsize=1)
def _filler(path: Path | None) -> Filler | None:
    return None if path is None else Filler.from_folder(path)


@lru_cache(maxsize=256)
def _made(task: str, seed: int, path: Path | None) -> str:
    filler = _filler(path)
    digest = hashlib.sha256()
    for index in range(_TRIED):
        book = make(task, _SHORTEST, seed, index, filler)
        digest.update(repr((book.sample, book.ending)).encode())  # documents' ids stand for their texts
    return digest.hexdigest()[:16]


register(
    Benchmark(
        name="longbook",
        title="Longbook",
        about="generated: short answers from texts of 4K to 10M tokens, with proof and evidence",
        grader="longbook",
        items=items,
        splits=("length", "task"),
    )
)
