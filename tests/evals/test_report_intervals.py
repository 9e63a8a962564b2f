"""Intervals against known values."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.evals.report.intervals import Estimate, average, bootstrap, difference, mean, wilson
from longread.evals.report.lengths import label, tokens


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (8, 10, 0.490, 0.943),
        (0, 10, 0.0, 0.278),
        (10, 10, 0.722, 1.0),
        (1, 1, 0.207, 1.0),
        (50, 100, 0.404, 0.596),
    ],
)
def test_wilson(right: int, n: int, low: float, high: float):
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-4)


def test_wilson_of_nothing_says_nothing():
    assert wilson(0, 0) == (0, 1)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share(case: tuple[int, int]):
    low, high = wilson(*case)
    assert 0 <= low <= case[0] / case[1] <= high <= 1


def test_right_and_wrong_get_wilsons_and_fractions_a_bootstrap():
    assert mean([1, 1, 1, 1, 1, 1, 1, 1, 0, 0]) == Estimate(0.8, *wilson(8, 10), 10)
    values = [(i * 37 % 100) / 100 for i in range(400)]
    found = mean(values)
    assert found is not None
    assert (found.low, found.high) == bootstrap(values)
    half = 1.96 * math.sqrt(sum((value - found.value) ** 2 for value in values) / 400) / math.sqrt(400)
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half), abs=3e-3)


def test_no_spread_is_no_interval():
    assert mean([]) is None
    assert mean([0.5]) == Estimate(0.5, None, None, 1)
    assert mean([0.5, 0.5]) == Estimate(0.5, None, None, 2)
    assert difference([], []) is None
    assert difference([1.0], [0.0]) == Estimate(1.0, None, None, 1, signed=True)


def test_the_bootstrap_of_many_items_is_made_in_blocks():
    values = [(i % 10) / 10 for i in range(3001)]
    low, high = bootstrap(values) or (0, 0)
    assert low < 0.45 < high
    assert high - low == pytest.approx(2 * 1.96 * 0.2872 / math.sqrt(3001), rel=0.1)


def test_an_average_joins_the_intervals_of_its_parts():
    parts = [Estimate(0.5, 0.2, 0.9, 10), Estimate(0.9, 0.5, 1.0, 20)]
    found = average(parts)
    assert found is not None
    assert (found.value, found.n) == (pytest.approx(0.7), 30)
    assert found.low == pytest.approx(0.7 - math.hypot(0.3, 0.4) / 2)
    assert found.high == pytest.approx(0.7 + math.hypot(0.4, 0.1) / 2)
    assert average([parts[0], Estimate(0.5, None, None, 1)]) == Estimate(0.5, None, None, 11)
    assert average([]) is None


def test_pairs_that_go_together_give_a_narrower_difference():
    first = [(i % 11) / 10 for i in range(110)]
    second = [max(0.0, value - (0.1 if i % 2 else 0.2)) for i, value in enumerate(first)]
    paired = difference(first, second)
    crossed = difference(first, second[::-1])
    assert paired is not None and crossed is not None
    assert paired.value == pytest.approx(crossed.value)
    assert paired.high - paired.low < (crossed.high - crossed.low) / 3


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("8K", 8192), ("128k", 131072), ("1M", 1048576), ("0.5M", 524288), ("(65536, 131072]", 131072),
        ("[4096, 8192]", 8192), ("(65536,131072]", 131072), ("131,072", 131072), ("512K-1M", 1048576),
        ("short", None), ("", None), ("128K tokens", 131072), ("100000", 100000),
    ],
)  # fmt: skip
def test_lengths_as_benchmarks_write_them(text: str, length: int | None):
    assert tokens(text) == length


@pytest.mark.parametrize(
    ("length", "text"), [(8192, "8K"), (131072, "128K"), (4194304, "4M"), (100000, "100K"), (7, "7")]
)
def test_lengths_as_tables_write_them(length: int, text: str):
    assert label(length) == text
