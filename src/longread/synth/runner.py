"""Where the work of a stage is done whose items need nothing of each other: here, or in processes beside."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

K = TypeVar("K")
I = TypeVar("I")  # noqa: E741
M = TypeVar("M")
Work = Callable[[K], Callable[[I], M]]
"""From what all items share to what is done with one; the first is called once in a process."""


class Runner(Protocol):
    """Does the work of stages."""

    def map(self, work: Work[K, I, M], shared: K, items: Sequence[I], together: int = 1) -> Iterator[M]:
        """What comes of each item, in their order, as soon as it and all before it are done.

        Args:
            work: A function of a module, as processes find it by its name.
            shared: What all items need.
            items: All of them.
            together: How many are handed to a worker at once; more than one where one is little work.
        """


@dataclass(frozen=True)
class Local:
    """On this machine."""

    processes: int = 1

    def map(self, work: Work[K, I, M], shared: K, items: Sequence[I], together: int = 1) -> Iterator[M]:
        """In processes that end with the stage; in this one where it is alone or starting others is not worth it."""
        if self.processes == 1 or len(items) < 2 or together > 1:
            yield from map(work(shared), items) if items else ()
            return
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.processes, context, _begin, (work, shared)) as pool:
            yield from pool.map(_do, items)


ALONE = Local()
_doing: list[Callable[[Any], Any]] = []
"""What a process does with an item."""


def _begin(work: Work[Any, Any, Any], shared: object) -> None:
    _doing.append(work(shared))


def _do(item: object) -> Any:
    return _doing[0](item)
