"""What a report holds: tables of cells, curves, and what must be told beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from longread.evals.report.intervals import Estimate

Cell = Estimate | int | float | str | None
"""A share, a count, a mean, a word, or nothing known."""

NO_BASELINE = "search baseline: not run"


class Row(NamedTuple):
    """One line of a table."""

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    baseline: bool = False
    """Whether it is the search baseline."""


@dataclass(frozen=True)
class Table:
    """Rows under labels and columns; the names of both are unique."""

    name: str
    title: str
    labels: tuple[str, ...]
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


class Incomplete(NamedTuple):
    """A run that did not do all it was to do."""

    benchmark: str
    model: str
    strategy: str
    done: int
    total: int

    def __str__(self) -> str:
        return f"INCOMPLETE: {self.benchmark} with {self.model}{_by(self.strategy)}: {self.counts}"

    @property
    def counts(self) -> str:
        """How much is done."""
        return f"{self.done} of {self.total} done"


class Failure(NamedTuple):
    """An item without a response; it counts as wrong."""

    benchmark: str
    model: str
    strategy: str
    id: str
    epoch: int
    reason: str


class Point(NamedTuple):
    """Accuracy at one length."""

    length: int
    """Nominal tokens."""
    accuracy: Estimate


class Curve(NamedTuple):
    """One line in one panel of the picture."""

    benchmark: str
    """Its title."""
    task: str
    """Empty for all tasks together."""
    line: str
    """Model and strategy."""
    baseline: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Report:
    """All that came of some runs."""

    incomplete: tuple[Incomplete, ...]
    notes: tuple[str, ...]
    tables: tuple[Table, ...]
    failures: tuple[Failure, ...]
    curves: tuple[Curve, ...]

    def table(self, name: str) -> Table | None:
        """The table of that name, if there is one."""
        return next((table for table in self.tables if table.name == name), None)


def with_baseline(table: Table) -> Table:
    """The table, with a line that says so if the search baseline is not in it."""
    if any(row.baseline for row in table.rows):
        return table
    return replace(table, notes=(*table.notes, NO_BASELINE))


def line(model: str, strategy: str) -> str:
    """A run's name where it must fit in one line."""
    return f"{model}{_by(strategy)}"


def _by(strategy: str) -> str:
    return f" ({strategy})" if strategy not in ("", "-") else ""
