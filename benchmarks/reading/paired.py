"""How sure a difference is: the paired bootstrap over items."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.reading.oracle import Traits
from benchmarks.reading.records import Record

_DRAWS = 4_000


class Difference(NamedTuple):
    """Mean of (ours - theirs) over the items that both were asked, with its 95 % interval."""

    ours: str
    theirs: str
    capture: float
    overwrite: float
    items: int
    mean: float
    low: float
    high: float


def differences(records: Iterable[Record], ours: Sequence[str], theirs: Sequence[str]) -> list[Difference]:
    """Retention of each of our strategies less each rival's, in each cell of the sweep."""
    retained: dict[tuple[str, Traits], dict[tuple[int, str], float]] = {}
    for one in records:
        if one.part == "sweep":
            retained.setdefault((one.contender, one.traits), {})[one.seed, one.item] = one.retained
    found = []
    for (name, traits), mine in retained.items():
        for other in theirs:
            if name in ours and (yours := retained.get((other, traits))):
                values = np.array([mine[key] - yours[key] for key in sorted(mine) if key in yours])
                low, high = interval(values)
                cell = (traits.capture, traits.overwrite)
                found.append(Difference(name, other, *cell, len(values), float(values.mean()), low, high))
    return found


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The 95 % percentile interval of the mean; items are drawn anew, with a fixed seed."""
    rng = np.random.default_rng(0)
    means = rng.choice(values, (_DRAWS, len(values))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return float(low), float(high)
