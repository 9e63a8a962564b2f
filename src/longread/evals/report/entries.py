"""Runs become the rows of tables: one for each model and strategy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from longread.evals.report.columns import MACRO, key_of, title_of
from longread.evals.report.intervals import Estimate, average, mean
from longread.evals.report.records import line
from longread.evals.report.units import Unit, Units, complete, once, units
from longread.evals.results import Result, RunResults
from longread.grading.pass_at_k import pass_at_k

Where = Callable[[Unit], bool]


@dataclass(frozen=True)
class Scored:
    """A run with its units."""

    run: RunResults

    @property
    def title(self) -> str:
        """What the benchmark is called in tables."""
        return title_of(self.run)

    @cached_property
    def partial(self) -> bool:
        """Whether the run is not complete."""
        return not complete(self.run)

    @cached_property
    def results(self) -> list[Result]:
        """What was done, each item and epoch once."""
        return list(once(self.run).values())

    @cached_property
    def units(self) -> Units:
        """What counts as one."""
        return units(self.run)

    @property
    def sets(self) -> str:
        """The group that names the sets or tasks of the benchmark; empty where none does."""
        return self.run.splits[0] if self.run.splits else ""

    def score(self, where: Where | None = None) -> Estimate | None:
        """The score by the benchmark's own rule, of some of the items; None where there are none."""
        chosen = [unit for unit in self.units.done if where is None or where(unit)]
        return self.macro(chosen) if key_of(self.run) in MACRO and self.sets else self.mean(chosen)

    def mean(self, chosen: Sequence[Unit]) -> Estimate | None:
        """The plain mean."""
        return self.marked(mean([unit.value for unit in chosen]))

    def macro(self, chosen: Sequence[Unit]) -> Estimate | None:
        """The average over the sets."""
        sets: dict[str, list[float]] = {}
        for unit in chosen:
            sets.setdefault(unit.groups.get(self.sets, ""), []).append(unit.value)
        return self.marked(average([part for values in sets.values() if (part := mean(values))]))

    def passed(self, chosen: Sequence[Unit]) -> Estimate | None:
        """pass@k with k the number of epochs, over the items that have them all."""
        k = self.run.epochs
        whole = [pass_at_k(k, unit.right, k) for unit in chosen if len(unit.values) == k]
        return self.marked(mean(whole))

    def marked(self, estimate: Estimate | None) -> Estimate | None:
        """The estimate, marked if the run is not complete."""
        return replace(estimate, partial=True) if estimate and self.partial else estimate


@dataclass
class Entry:
    """One row: a model, or what the user calls it, with a strategy."""

    name: str
    strategy: str
    number: int = 1
    """Above 1 where the same benchmark was run again."""
    runs: dict[str, RunResults] = field(default_factory=dict)
    """By key of benchmark."""
    variant: bool = False
    """Whether the user named it."""

    @property
    def baseline(self) -> bool:
        """Whether it is the search baseline."""
        return self.strategy == "search"

    @property
    def labels(self) -> tuple[str, str]:
        """How it stands in tables."""
        name = self.name if self.number == 1 else f"{self.name} (run {self.number})"
        return name + (" (search baseline)" if self.baseline else ""), self.strategy

    @property
    def line(self) -> str:
        """How it stands in one line."""
        return line(self.name if self.number == 1 else f"{self.name} (run {self.number})", self.strategy)

    @cached_property
    def scored(self) -> dict[str, Scored]:
        """The runs with their units, by key of benchmark. Ask once all runs are in."""
        return {key: Scored(run) for key, run in self.runs.items()}

    def score(self, key: str, where: Where | None = None) -> Estimate | None:
        """The score on one benchmark; None where it was not run."""
        return self.scored[key].score(where) if key in self.scored else None


def name_of(run: RunResults) -> str:
    """What the model is called in tables."""
    return run.variant or run.model


def entries(runs: Sequence[RunResults]) -> list[Entry]:
    """The rows in the order given, search baselines last.

    Runs of a benchmark whose items do not overlap, such as one for each length, are joined; a benchmark run
    again starts a second row.
    """
    rows: list[Entry] = []
    for run in runs:
        alike = [row for row in rows if (row.name, row.strategy) == (name_of(run), run.strategy)]
        for row in alike:
            joined = _joined(row.runs.get(key_of(run)), run)
            if joined is not None:
                row.runs[key_of(run)] = joined
                break
        else:
            row = Entry(name_of(run), run.strategy, len(alike) + 1, {key_of(run): run}, bool(run.variant))
            rows.append(row)
    return sorted(rows, key=lambda row: row.baseline)


def _joined(first: RunResults | None, second: RunResults) -> RunResults | None:
    """Both runs as one; None if they are not parts of one."""
    if first is None:
        return second
    if (first.epochs, first.judge_model, first.revision) != (
        second.epochs,
        second.judge_model,
        second.revision,
    ):
        return None
    if {result.id for result in first.results} & {result.id for result in second.results}:
        return None
    return replace(first, total=first.total + second.total, results=(*first.results, *second.results))
