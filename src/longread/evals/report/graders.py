"""Rule, judge and their maximum apart, and the stricter and looser readings beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from longread.evals.report.entries import Entry, Scored
from longread.evals.report.intervals import Estimate, mean
from longread.evals.report.records import Cell, Row, Table, with_baseline
from longread.evals.report.units import score, units
from longread.evals.results import Result

Read = Callable[[Result], float | None]

COLUMNS = ("score", "rule", "strict", "contains", "judge", "n judged", "no verdict", "judge model")


def graders_table(rows: Sequence[Entry]) -> Table | None:
    """Runs where a judge was asked or a second reading differs; None where there are none."""
    lines = []
    for row in rows:
        for run in row.scored.values():
            if any(_worth_telling(result) for result in run.results):
                lines.append(Row((*row.labels, run.title), _cells(run), row.baseline))
    if not lines:
        return None
    notes = (
        "plain means, over all of a run's items: no average over sets, no limit of length; twins count as everywhere",
        "judge: over the items with a verdict; no verdict: the share of samples with a response for which no judge "
        "was asked or its reply held none",
    )
    labels = ("model", "strategy", "benchmark")
    return with_baseline(Table("graders", "Rule and judge", labels, COLUMNS, tuple(lines), notes))


def _worth_telling(result: Result) -> bool:
    differs = result.strict is not None and result.strict != result.rule
    return result.judge is not None or result.contains is not None or differs


def _cells(run: Scored) -> tuple[Cell, ...]:
    judged = _mean(run, lambda result: None if result.failure is not None else result.judge)
    answered = [result for result in run.results if result.failure is None]
    silent = [float(result.judge is None) for result in answered] if judged else []
    return (
        _mean(run, score),
        _mean(run, _zero_if_failed(lambda result: result.rule)),
        _known(run, lambda result: result.strict),
        _known(run, lambda result: result.contains),
        judged,
        judged.n if judged else None,
        Estimate(sum(silent) / len(silent), None, None, len(silent)) if silent else None,
        run.run.judge_model if judged else None,
    )


def _known(run: Scored, read: Read) -> Estimate | None:
    """The mean of a reading that not every benchmark has."""
    there = any(read(result) is not None for result in run.results)
    return _mean(run, _zero_if_failed(read)) if there else None


def _zero_if_failed(read: Read) -> Read:
    return lambda result: 0.0 if result.failure is not None else read(result)


def _mean(run: Scored, read: Read) -> Estimate | None:
    estimate = mean([unit.value for unit in units(run.run, read).done])
    return replace(estimate, partial=True) if estimate and run.partial else estimate
