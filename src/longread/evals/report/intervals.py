"""Means with their 95 % intervals.

Which interval: scores that are all 0 or 1 get Wilson's; fractional scores a percentile bootstrap over items
(seeded, 2,000 resamples), which is somewhat narrow below some twenty items; averages of independent means
combine the intervals of their parts (MOVER: Zou and Donner 2008), which keeps them asymmetric near 0 and 1.
Where the bootstrap sees no spread (one item, or all alike) there is no interval rather than one of no width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

Z = 1.959963984540054
RESAMPLES = 2000
SEED = 0
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Estimate:
    """A mean from 0 to 1, or a difference of two."""

    value: float
    low: float | None
    """Of the 95 % interval; None where nothing can be said."""
    high: float | None
    n: int
    """Items, or pairs of them, that it rests on."""
    signed: bool = False
    """Whether it is a difference."""
    partial: bool = False
    """Whether it comes from a run that is not complete."""


def wilson(right: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of `right` out of `n`."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = right / n, Z * Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    low = 0.0 if right == 0 else max(0.0, middle - half)
    high = 1.0 if right == n else min(1.0, middle + half)
    return low, high


def bootstrap(values: Sequence[float]) -> tuple[float, float] | None:
    """The percentile bootstrap's 95 % interval of the mean; None where all values are alike."""
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2 or np.ptp(array) == 0:
        return None
    generator = np.random.default_rng(SEED)
    rows = max(1, _BLOCK // len(array))
    means = [
        array[generator.integers(0, len(array), (min(rows, RESAMPLES - done), len(array)), np.int32)].mean(1)
        for done in range(0, RESAMPLES, rows)
    ]
    low, high = np.percentile(np.concatenate(means), [2.5, 97.5])
    return float(low), float(high)


def mean(values: Sequence[float]) -> Estimate | None:
    """The mean of scores; None of no scores."""
    n = len(values)
    if n == 0:
        return None
    middle = float(np.mean(values))
    if all(value in (0, 1) for value in values):
        return Estimate(middle, *wilson(sum(values), n), n)
    low, high = bootstrap(values) or (None, None)
    return Estimate(middle, low, high, n)


def difference(first: Sequence[float], second: Sequence[float]) -> Estimate | None:
    """How much better `first` is than `second` on the same items: the paired bootstrap; None of no items."""
    if not first:
        return None
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    low, high = bootstrap(differences.tolist()) or (None, None)
    return Estimate(float(differences.mean()), low, high, len(first), signed=True)


def average(parts: Sequence[Estimate]) -> Estimate | None:
    """The plain average of independent means; None of no means.

    MOVER: low = x̄ − √Σ(xᵢ − lᵢ)² / m, high = x̄ + √Σ(uᵢ − xᵢ)² / m.
    """
    m = len(parts)
    if m == 0:
        return None
    value = sum(part.value for part in parts) / m
    low: float | None = None
    high: float | None = None
    if all(part.low is not None and part.high is not None for part in parts):
        low = value - sqrt(sum((part.value - (part.low or 0.0)) ** 2 for part in parts)) / m
        high = value + sqrt(sum(((part.high or 0.0) - part.value) ** 2 for part in parts)) / m
    return Estimate(
        value,
        low,
        high,
        sum(part.n for part in parts),
        signed=any(part.signed for part in parts),
        partial=any(part.partial for part in parts),
    )
