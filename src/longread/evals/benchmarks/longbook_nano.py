"""Longbook in the language of the nano models (`longread.worlds.nano`), with the names kept for evaluation."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from longread.errors import UsageError
from longread.evals.benchmarks.base import Benchmark, Item, Options, Text, register
from longread.grading import Gold
from longread.types import Corpus
from longread.worlds.lengths import default_count, parse_length, show_length
from longread.worlds.nano.questions import TASKS, make

LENGTHS = tuple(map(parse_length, ("1K", "4K")))
_BYTES = 36
"""Of a line, about."""
_LEAST, _MOST = parse_length("64"), parse_length("10M")
_TRIED = 3


@dataclass(frozen=True)
class _Text:
    """A sample to be made."""

    task: str
    tokens: int
    seed: int
    index: int
    made: str

    def open(self) -> Text:
        """Question, answer and documents."""
        item = make(self.task, self.tokens * 4 // _BYTES, self.seed, self.index, "evaluation")
        sample = item.sample
        option = re.sub(r" \(\d\)$", "", sample.answer)
        return Text(
            Corpus(item.documents),
            evidence=sample.evidence,
            question=sample.question,
            gold=Gold(tuple(dict.fromkeys((sample.answer, option)))),
        )


def items(options: Options) -> Iterator[Item]:
    """Every task at every length; questions and golds come with the texts."""
    lengths = options.lengths or LENGTHS
    for tokens in lengths:
        if not _LEAST <= tokens <= _MOST:
            raise UsageError(f"a length of {show_length(tokens)} is out of reach; choose one from 64 to 10M")
    return _items(lengths, options)


def _items(lengths: tuple[int, ...], options: Options) -> Iterator[Item]:
    for tokens in dict.fromkeys(lengths):
        for task in TASKS:
            for index in range(options.samples or default_count(tokens)):
                yield Item(
                    id=f"longbook_nano-{task}-{show_length(tokens)}-s{options.seed}-{index}",
                    question="",
                    ending="",
                    gold=Gold(()),
                    groups={"length": show_length(tokens), "task": task},
                    material=_Text(task, tokens, options.seed, index, _made(task, options.seed)),
                )


@lru_cache(maxsize=256)
def _made(task: str, seed: int) -> str:
    """Stands for what the generator makes: outcomes hold as long as it makes the same."""
    digest = hashlib.sha256()
    for index in range(_TRIED):
        digest.update(repr(make(task, 1, seed, index, "evaluation").sample).encode())
    return digest.hexdigest()[:16]


register(
    Benchmark(
        name="longbook-nano",
        title="Longbook nano",
        about="generated: Longbook in the small language of the nano models, texts of 64 to 10M tokens",
        grader="longbook",
        items=items,
        splits=("length", "task"),
    )
)
