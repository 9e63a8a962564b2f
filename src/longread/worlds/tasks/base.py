"""What a task makes, and what its solver gets."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from longread.errors import LongreadError
from longread.types import Corpus, Document, Evidence
from longread.worlds.filler import Filler

RANKS = 10
"""Sentences among which the right one is, at every length: 50 samples put it at each place five times."""
NO_ANSWER = 'If the documents do not say, answer "not in the documents".'


@dataclass(frozen=True)
class Brief:
    """What is to be made. `key` seeds everything, together with the task's name."""

    size: int
    """Bytes."""
    seed: str
    """Of all samples of this task, length and seed."""
    index: int
    filler: Filler | None = None

    def rng(self, *more: object) -> random.Random:
        """A generator for this sample."""
        return random.Random("/".join(map(str, (self.seed, self.index, *more))))  # noqa: S311


class Puzzle(NamedTuple):
    """A question with the documents that answer it."""

    question: str
    answer: str
    ending: str
    chance: float
    candidates: tuple[str, ...]
    """What somebody who knows the form of the facts and not how to read them could take for the answer."""
    plan: str
    documents: tuple[Document, ...]
    evidence: tuple[Evidence, ...]


class Task(NamedTuple):
    """A task of Longbook."""

    family: str
    """Task of training: multi_hop, reading, dialogue or numerical."""
    make: Callable[[Brief], Puzzle]
    solve: Callable[[str, Sequence[str]], str]
    """The answer to a question from the evidence's own words."""
    prove: Callable[[str, Corpus], str]
    """The answer from all of the text, found by parsing it."""


class Unsolvable(LongreadError):  # noqa: N818 -- a defect of a generator, which tests look for
    """The text does not have exactly one answer."""


def one(found: Sequence[str], what: str) -> str:
    """The only one of them."""
    different = sorted(dict.fromkeys(found))
    if len(different) != 1:
        raise Unsolvable(f"{len(different)} answers to {what}: {different[:3]}")
    return different[0]


def ending(noun: str, *, absent: bool = True) -> str:
    """How to word an answer."""
    text = f'Give only the {noun}. End with: "The answer is {noun.upper()}".'
    return f"{text} {NO_ANSWER}" if absent else text
