"""Nobody scores on Longbook without reading.

Scores are corrected for chance: (score - chance) / (1 - chance). Twins count when both are right.
"""

from __future__ import annotations

import random

import pytest

from longread.grading.gold import Gold
from longread.grading.graders import grade
from longread.worlds.longbook import TASKS
from longread.worlds.mentions import mentions
from longread.worlds.shortcuts import SHORTCUTS, Shortcut
from tests.worlds.books import book

_COUNT = 50
_BAR = 0.05
_GUESSES = ("random candidate", "random of the kind")
"""Their luck is averaged over several draws."""
_PICKS = ("most frequent mention", "rarest mention")
"""Pick one mention of the entity by a property that golds do not have more or less often than others: right as
often as by chance, up to luck, which with 50 samples is worth 4 points (a standard deviation)."""


def corrected(task: str, length: str, shortcut: Shortcut, seed: int = 7, draws: int = 1) -> float:
    books = [book(task, length, seed, index) for index in range(_COUNT)]
    chance = sum(one.chance for one in books) / _COUNT
    total = 0.0
    for draw in range(draws):
        scores = []
        for one in books:
            response = shortcut(one.sample.question, one.corpus, random.Random(f"{one.sample.id}/{draw}"))
            scores.append(grade("longbook", response, Gold((one.sample.answer, *one.sample.aliases))).score)
        if task == "absent":
            scores = [min(scores[at], scores[at + 1]) for at in range(0, _COUNT, 2) for _ in range(2)]
        total += sum(scores) / _COUNT / draws
    return (total - chance) / (1 - chance)


def check(task: str, length: str) -> None:
    for name, shortcut in SHORTCUTS.items():
        bar = _BAR if name not in _PICKS else 0.15
        assert corrected(task, length, shortcut, draws=5 if name in _GUESSES else 1) <= bar, name


@pytest.mark.parametrize("task", TASKS)
def test_no_shortcut_is_worth_more_than_chance(task: str):
    check(task, "4K")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("length", ["8K", "32K", "128K"])
@pytest.mark.parametrize("task", TASKS)
def test_no_shortcut_is_worth_more_than_chance_in_longer_texts(task: str, length: str):
    check(task, length)


@pytest.mark.parametrize("task", ["forward", "backward"])
def test_search_does_not_replace_following_a_chain(task: str):
    assert corrected(task, "4K", SHORTCUTS["BM25"]) <= _BAR


@pytest.mark.parametrize("task", ["single", "update", "ordinal"])
def test_first_and_last_mention_are_right_as_often_as_chance_has_it(task: str):
    for name in ("first mention", "last mention"):
        assert abs(corrected(task, "4K", SHORTCUTS[name])) < 1e-9


@pytest.mark.parametrize("task", TASKS)
def test_shortcuts_do_find_candidates(task: str):
    # Else their failure would prove nothing.
    for index in range(9):
        one = book(task, "4K", 7, index)
        values = [mention.value for mention in mentions(one.sample.question, one.corpus)]
        assert len(values) >= 7
        found = one.sample.answer in one.sample.plan
        if task in ("single", "forward", "backward", "ordinal", "update", "code"):
            found = one.sample.answer in values
        if task == "contradiction":
            found = set(one.sample.answer.split("; ")) <= set(values)
        assert found


def test_counts_are_drawn_from_a_wide_range():
    for length, least in (("4K", 30), ("8K", 40)):
        golds = [int(book("count", length, 7, index).sample.answer) for index in range(50)]
        assert len(set(golds)) >= least
        assert max(golds) - min(golds) >= 30
