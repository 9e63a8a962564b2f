"""The work of stages on Ray Data: items travel in a dataset, and what a lost worker had is done by another."""

from __future__ import annotations

import io
import logging
import os
import pickle
import re
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TextIO

import pyarrow as pa
import ray
import ray.data

from longread.config import one_line
from longread.errors import UsageError
from longread.synth.runner import I, K, M, Work

_PATIENCE = 10
"""Seconds in which a cluster must answer."""
_TOLD = 120
"""Characters of what Ray tells."""
_COLOUR = re.compile(r"\x1b\[\d*m")


@contextmanager
def joined(address: str, workers: int | None) -> Iterator[OnRay]:
    """Joins the Ray at an address, or without one starts one that ends with this process; leaves it at the end.

    Nothing is told to anybody of how Ray is used, and no page of its own is served; its logs stay in its files.

    Errors: UsageError where no Ray answers.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    own: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        if ":" in address:  # Ray itself asks for minutes
            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), _PATIENCE).close()
        ray.init(address or "local", **own, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, OverflowError) as error:
        if not address:
            raise
        raise UsageError(
            f"--runner ray:{address}: no Ray can be joined there: {one_line(str(error))}; "
            "give --runner ray for one on this machine"
        ) from error
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):  # the other one writes to a file
            handler.setLevel(logging.CRITICAL)
    try:
        with redirect_stdout(_Output(sys.stdout)):
            yield OnRay(workers)
    finally:
        ray.shutdown()


class _Output(io.TextIOBase):
    """Standard output, on which Ray tells at length of workers that were lost: one line of it, as an error."""

    def __init__(self, own: TextIO) -> None:
        self._own = own

    def write(self, text: str) -> int:
        """What is not Ray's as it is."""
        if threading.current_thread().name != "ray_listen_error_messages":
            return self._own.write(text)
        if told := _COLOUR.sub("", text).strip():
            print(one_line(told.splitlines()[0], _TOLD), file=sys.stderr)  # noqa: T201
        return len(text)

    def flush(self) -> None:
        """That which is under it."""
        self._own.flush()


@dataclass(frozen=True)
class OnRay:
    """On the workers of the Ray that this process has joined.

    A task whose worker is lost is done again by any other, as often as it takes (Ray Data's default).

    Args:
        workers: Tasks at once, at most; as many as there are CPUs where it is None.
    """

    workers: int | None = None

    def map(self, work: Work[K, I, M], shared: K, items: Sequence[I], together: int = 1) -> Iterator[M]:
        """A dataset of items, `together` in a block; each block is a task."""
        if not items:
            return
        rows = [{"item": pickle.dumps(item)} for item in items]
        dataset = ray.data.from_items(rows, override_num_blocks=-(-len(items) // together)).map_batches(
            _block,
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.TaskPoolStrategy(self.workers),
            fn_kwargs={"known": ray.put((work, shared))},
        )
        context = dataset.context
        context.execution_options.preserve_order = True
        context.execution_no_progress_timeout_s = -1  # a task takes as long as it takes
        context.raise_original_map_exception = True
        context.enable_progress_bars = False
        for block in dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for made in block["item"].to_pylist():
                yield pickle.loads(made)  # noqa: S301 -- what our own worker wrote


def _block(items: pa.Table, known: ray.ObjectRef[Any]) -> pa.Table:
    """What a worker does with a block of a dataset."""
    do = _doing(known)
    made = [pickle.dumps(do(pickle.loads(item))) for item in items["item"].to_pylist()]  # noqa: S301 -- so is this
    return pa.table({"item": made})


@lru_cache(maxsize=1)
def _doing(known: ray.ObjectRef[Any]) -> Callable[[Any], Any]:
    """What is done with an item, worked out once in a process for a stage."""
    work, shared = ray.get(known)
    return work(shared)  # type: ignore[no-any-return]
