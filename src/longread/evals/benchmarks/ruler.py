"""RULER's tasks that need no data, generated: see `longread.worlds.ruler`.

As with Longbook, texts are made when they are read, and `made` stands for what the generator makes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from longread.evals.benchmarks.base import Benchmark, Item, Options, Text, register
from longread.evals.benchmarks.entries import Pack, Source
from longread.grading import Gold
from longread.worlds.lengths import check_length, default_count, parse_length, show_length
from longread.worlds.ruler import make, tasks

LENGTHS = tuple(map(parse_length, ("4K", "8K", "16K", "32K", "64K", "128K")))
_TRIED = 3


@dataclass(frozen=True)
class _Sample:
    """A sample to be made."""

    task: str
    tokens: int
    seed: int
    index: int
    made: str

    def open(self) -> Text:
        """Question, golds and one document."""
        sample = make(self.task, self.tokens, self.seed, self.index)
        places = tuple((place.start, place.end) for place in sample.evidence)
        text = Pack((Source(f"{self.task}.txt", sample.text, evidence=places),)).text()
        if places == ((0, len(sample.text)),):  # each word counts, none alone decides
            text = text._replace(evidence=tuple(one._replace(role="coverage") for one in text.evidence))
        return text._replace(question=sample.question, gold=Gold(sample.golds))


def items(options: Options) -> Iterator[Item]:
    """Every task at every length; questions and golds come with the texts."""
    lengths = tuple(dict.fromkeys(options.lengths or LENGTHS))
    for tokens in lengths:
        check_length(tokens)
    return _items(lengths, options)


def _items(lengths: tuple[int, ...], options: Options) -> Iterator[Item]:
    for tokens in lengths:
        for task in tasks():
            made = _made(task, options.seed)
            for index in range(options.samples or default_count(tokens)):
                yield Item(
                    id=f"ruler-{task}-{show_length(tokens)}-s{options.seed}-{index}",
                    question="",
                    ending="",
                    gold=Gold(()),
                    groups={"length": show_length(tokens), "task": task},
                    material=_Sample(task, tokens, options.seed, index, made),
                )


@lru_cache(maxsize=256)
def _made(task: str, seed: int) -> str:
    samples = [make(task, min(LENGTHS), seed, index) for index in range(_TRIED)]
    return hashlib.sha256(repr(samples).encode()).hexdigest()[:16]


register(
    Benchmark(
        name="ruler",
        title="RULER",
        about="generated: needles, variables and frequent words in noise",
        grader="ruler",
        items=items,
        splits=("length", "task"),
    )
)
