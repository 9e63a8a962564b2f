from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.models.tokens import Estimator, calibrate, utf8_length

ENGLISH = "The estimate learns from what the server reports. " * 100


@given(st.text(), st.floats(0.5, 4.0))
def test_count_is_a_ratio_of_the_bytes(text: str, ratio: float) -> None:
    assert Estimator(ratio).count(text) == math.ceil(len(text.encode()) / 4 * ratio)


def test_lone_surrogates_are_counted() -> None:
    assert utf8_length("a\ud800") == 4


@given(st.lists(st.floats(0.6, 3.5), min_size=1, max_size=60))
def test_later_counts_err_slightly_high(ratios: list[float]) -> None:
    estimator = Estimator()
    size = len(ENGLISH)
    for ratio in ratios:
        estimator.observe(size, round(size / 4 * ratio))
    median = sorted(ratios[-32:])[len(ratios[-32:]) // 2]
    assert median <= estimator.ratio <= max(ratios[-32:]) * 1.021


def test_one_odd_report_moves_it_little() -> None:
    estimator = Estimator()
    for tokens in [1200] * 10 + [5000] + [1200] * 10:
        estimator.observe(4000, tokens)
    assert estimator.ratio == pytest.approx(1.2 * 1.02)


def test_a_server_that_reports_only_part_of_a_prompt_cannot_ruin_it() -> None:
    estimator = Estimator()
    for _ in range(40):
        estimator.observe(400_000, 2050)
    assert estimator.ratio == 0.5


def test_short_prompts_teach_nothing() -> None:
    estimator = Estimator()
    assert not estimator.observe(800, 400)
    assert estimator.ratio == 1.0


async def test_a_tokenizer_sets_the_ratio_and_its_absence_changes_nothing() -> None:
    async def bytewise(text: str) -> int:
        return len(text)

    async def absent(text: str) -> None:
        return None

    estimator = Estimator()
    assert not await calibrate(estimator, absent, [ENGLISH])
    assert estimator.ratio == 1.0
    assert await calibrate(estimator, bytewise, [ENGLISH])
    assert estimator.count(ENGLISH) >= len(ENGLISH)
