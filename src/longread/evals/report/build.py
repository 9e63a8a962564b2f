"""Runs become a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from longread.evals.report.columns import WITHIN_WINDOW, key_of, title_of
from longread.evals.report.curves import curves
from longread.evals.report.entries import entries, name_of
from longread.evals.report.evidence import cost_table, evidence_table
from longread.evals.report.graders import graders_table
from longread.evals.report.lengths import length_of
from longread.evals.report.paired import paired_table
from longread.evals.report.paper import general_table, main_table, stage_table, ultra_long_table
from longread.evals.report.records import Failure, Incomplete, Report, Row, Table, line
from longread.evals.report.splits import split_tables
from longread.evals.report.units import complete, once, units
from longread.evals.results import RunResults


def report(runs: Sequence[RunResults], base: str | None = None) -> Report:
    """All tables, failures and curves of some runs.

    Args:
        runs: In the order in which they are to stand.
        base: The model or variant that gains are measured against.
    """
    rows = entries(runs)
    tables = [
        main_table(rows),
        ultra_long_table(rows, base),
        stage_table(rows),
        general_table(rows),
        *split_tables(rows),
        paired_table(rows, base),
        graders_table(rows),
        evidence_table(rows),
        cost_table(rows),
        runs_table(runs),
    ]
    return Report(
        incomplete=tuple(_incomplete(runs)),
        notes=(*_general_notes(runs), *(note for run in runs for note in _notes(run))),
        tables=tuple(table for table in tables if table),
        failures=tuple(failure for run in runs for failure in _failures(run)),
        curves=tuple(curves(rows)),
    )


def runs_table(runs: Sequence[RunResults]) -> Table | None:
    """What the runs were; None of no runs."""
    lines = []
    for run in runs:
        results = once(run).values()
        failed = sum(result.failure is not None for result in results)
        settings = "; ".join(f"{name}={value}" for name, value in run.settings.items())
        cells = (
            len(results),
            run.total,
            failed,
            run.epochs,
            str(run.seed),
            run.judge_model,
            run.revision,
            settings,
        )
        lines.append(
            Row((title_of(run), name_of(run), run.model, run.strategy), cells, run.strategy == "search")
        )
    labels = ("benchmark", "name", "model", "strategy")
    columns = ("done", "of", "failed", "epochs", "seed", "judge", "revision", "settings")
    return Table("runs", "Runs", labels, columns, tuple(lines)) if lines else None


def _incomplete(runs: Sequence[RunResults]) -> Iterator[Incomplete]:
    for run in runs:
        if not complete(run):
            yield Incomplete(run.benchmark, name_of(run), run.strategy, len(once(run)), run.total)


def _failures(run: RunResults) -> Iterator[Failure]:
    for result in once(run).values():
        if result.failure is not None:
            yield Failure(title_of(run), name_of(run), run.strategy, result.id, result.epoch, result.failure)


def _general_notes(runs: Sequence[RunResults]) -> Iterator[str]:
    if any(result.twin for run in runs for result in run.results):
        yield "Twins, items that differ in what decides the answer, count as one: right when all of them are right"
    if any(run.epochs > 1 for run in runs):
        yield "Items of several epochs count as their mean; pass@k: right in any of the k epochs"


def _notes(run: RunResults) -> Iterator[str]:
    """What a reader of the tables must know about a run."""
    name = f"{title_of(run)} with {line(name_of(run), run.strategy)}"
    counted = units(run)
    if counted.pending:
        yield f"{name}: {counted.pending} twins left out, since not all of their items are done"
    twice = sum(count - 1 for count in Counter((result.id, result.epoch) for result in run.results).values())
    if twice:
        yield f"{name}: {twice} results stand twice; the last of each counts"
    if key_of(run) in WITHIN_WINDOW:
        unknown = sum(length_of(unit.groups) is None for unit in counted.done)
        if unknown:
            yield f"{name}: {unknown} items have no length and stand in no table by length, nor in the main table"
