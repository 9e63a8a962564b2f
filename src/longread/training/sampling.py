"""Which questions a batch holds: bins by difficulty, balance over tasks, retrospective selection."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from longread.errors import InputError

T = TypeVar("T")


def equal_draw(
    items: Sequence[T],
    rates: Sequence[float],
    bins: Sequence[float],
    source: Callable[[T], Hashable],
    seed: int,
) -> list[T]:
    """The same number from every bin of every source (recipe §3.1), as many as the smallest has.

    Args:
        rates: pass@k of each item, in [0, 1].
        bins: upper bounds, rising; a rate belongs to the first bin that it does not exceed. Rates above all of
            them are left out.
    """
    cells: defaultdict[tuple[Hashable, int], list[T]] = defaultdict(list)
    for item, rate in zip(items, rates, strict=True):
        place = next((at for at, bound in enumerate(bins) if rate <= bound), None)
        if place is not None:
            cells[source(item), place].append(item)
    drawing = random.Random(seed)  # noqa: S311 -- no secret
    least = min(map(len, cells.values()), default=0)
    return [item for key in cells for item in drawing.sample(cells[key], least)]


def retrospective(items: Sequence[T], passed: Sequence[int], k: int, count: int, seed: int) -> list[T]:
    """Harder questions for the next stage (recipe §4): without those solved k of k or 0 of k times.

    The rest are drawn without replacement, each with weight 1 - pass rate; all of them when there are no more than
    `count`.
    """
    drawing = random.Random(seed)  # noqa: S311
    keyed = [
        (drawing.random() ** (1 / (1 - solved / k)), at)  # Efraimidis and Spirakis: the largest keys win
        for at, solved in enumerate(passed)
        if 0 < solved < k
    ]
    chosen = sorted(at for _, at in sorted(keyed, reverse=True)[:count])
    return [items[at] for at in chosen]


class BalancedSampler(Generic[T]):
    """Batches that hold the same number of questions of each task (recipe §3.1), or shares by weight.

    A task's questions come in random order, each once before any comes twice; a small task begins anew as often as
    it must. What a batch's size leaves over goes round the tasks.

    Args:
        items: questions by task; no task may be empty.
        size: questions of a batch.
        weights: of tasks; equal where not given.

    Raises:
        InputError: There is nothing to draw from.
    """

    def __init__(
        self,
        items: Mapping[str, Sequence[T]],
        size: int,
        seed: int,
        weights: Mapping[str, float] | None = None,
    ) -> None:
        if not items or not all(items.values()):
            raise InputError("there are no samples to train on; check the data set and its `split`")
        self._items = items
        self._size = size
        self._seed = seed
        self._tasks = sorted(items)
        total = sum((weights or {}).get(task, 1.0) for task in self._tasks)
        self._shares = {task: size * (weights or {}).get(task, 1.0) / total for task in self._tasks}
        self._owed = dict.fromkeys(self._tasks, 0.0)
        self._drawn = dict.fromkeys(self._tasks, 0)
        self._orders: dict[str, tuple[int, list[int]]] = {}
        """Of each task, a turn and the order of its questions."""

    def batch(self) -> list[T]:
        """The next batch, task by task."""
        for task in self._tasks:
            self._owed[task] += self._shares[task]
        counts = {task: int(self._owed[task] + 1e-9) for task in self._tasks}
        ranked = sorted(self._tasks, key=lambda task: counts[task] - self._owed[task])
        for task in ranked[: self._size - sum(counts.values())]:
            counts[task] += 1
        batch = []
        for task in self._tasks:
            self._owed[task] -= counts[task]
            batch += [self._next(task) for _ in range(counts[task])]
        return batch

    def _next(self, task: str) -> T:
        items = self._items[task]
        turn, place = divmod(self._drawn[task], len(items))
        self._drawn[task] += 1
        held, order = self._orders.get(task, (-1, []))
        if held != turn:
            order = list(range(len(items)))
            random.Random(f"{self._seed} {task} {turn}").shuffle(order)  # noqa: S311
            self._orders[task] = turn, order
        return items[order[place]]

    @property
    def state(self) -> dict[str, Any]:
        """All that `restore` needs to go on with the same batches; plain JSON."""
        return {"owed": dict(self._owed), "drawn": dict(self._drawn)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; InputError when it is that of other tasks."""
        if set(state["drawn"]) != set(self._tasks):
            raise InputError("the checkpoint's tasks are not those of the data set; train from the start")
        self._owed, self._drawn = dict(state["owed"]), dict(state["drawn"])
