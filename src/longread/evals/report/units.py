"""What counts as one: an item over its epochs, or all the items of a twin together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import NamedTuple

from longread.evals.results import Result, RunResults

Measure = Callable[[Result], float | None]
"""Reads one number off a result; None where it has none."""

_RIGHT = 1 - 1e-9


class Key(NamedTuple):
    """Names a unit: the same in every run of a benchmark."""

    twin: bool
    id: str


class Unit(NamedTuple):
    """One item, or one twin."""

    key: Key
    groups: Mapping[str, str]
    """Where twins differ, both values, joined by ` + `."""
    values: tuple[float, ...]
    """One for each epoch done. A twin's is 1 where all its items are right, else 0."""

    @property
    def value(self) -> float:
        """The mean over its epochs."""
        return sum(self.values) / len(self.values)

    @property
    def right(self) -> int:
        """The epochs that are wholly right."""
        return sum(value >= _RIGHT for value in self.values)


class Units(NamedTuple):
    """All of a run's."""

    done: list[Unit]
    pending: int
    """Twins that are left out since not all their items are done."""


def score(result: Result) -> float:
    """What counts: nothing, if the item failed."""
    return 0.0 if result.failure is not None else result.score


def once(run: RunResults) -> dict[tuple[str, int], Result]:
    """The results by item and epoch; of one that stands twice, the last."""
    return {(result.id, result.epoch): result for result in run.results}


def complete(run: RunResults) -> bool:
    """Whether all that was to be done is done."""
    return len(once(run)) == run.total


def units(run: RunResults, measure: Measure = score) -> Units:
    """The units of a run, in the order of its results.

    A twin has at least two items, and in an interrupted run as many as the largest one there.
    """
    members: dict[Key, dict[str, dict[int, Result]]] = defaultdict(lambda: defaultdict(dict))
    for (item, epoch), result in once(run).items():
        key = Key(True, result.twin) if result.twin else Key(False, item)
        members[key][item][epoch] = result
    size = 2
    if not complete(run):
        size = max([size, *(len(items) for key, items in members.items() if key.twin)])
    done, pending = [], 0
    for key, items in members.items():
        values = _values(items, measure) if not key.twin or len(items) >= size else ()
        if values:
            results = [result for epochs in items.values() for result in epochs.values()]
            done.append(Unit(key, _groups(results), values))
        elif key.twin:
            pending += 1
    return Units(done, pending)


def _values(items: Mapping[str, Mapping[int, Result]], measure: Measure) -> tuple[float, ...]:
    """One value for each epoch in which every item has one."""
    shared = set.intersection(*(set(epochs) for epochs in items.values()))
    values = []
    for epoch in sorted(shared):
        numbers = [number for epochs in items.values() if (number := measure(epochs[epoch])) is not None]
        if len(numbers) < len(items):
            continue
        if len(numbers) == 1:
            values.append(float(numbers[0]))
        else:
            values.append(float(all(number >= _RIGHT for number in numbers)))
    return tuple(values)


def _groups(results: list[Result]) -> dict[str, str]:
    names = {name: None for result in results for name in result.groups}
    return {
        name: " + ".join(sorted({result.groups[name] for result in results if name in result.groups}))
        for name in names
    }
