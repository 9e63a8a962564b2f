"""How far the evidence got, how it was cited, and what that took."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longread.evals.report.entries import Entry, Scored
from longread.evals.report.intervals import Estimate, mean
from longread.evals.report.lengths import label, length_of
from longread.evals.report.records import Cell, Row, Table, with_baseline
from longread.evals.results import Result

_LABELS = ("model", "strategy", "benchmark", "length")


def evidence_table(rows: Sequence[Entry]) -> Table | None:
    """Means over the items that have evidence; None where none has."""
    columns: dict[str, Callable[[Result], float | None]] = {
        "reached": lambda result: result.found.reached if result.found else None,
        "captured": lambda result: result.found.captured if result.found else None,
        "retained": lambda result: result.found.retained if result.found else None,
        "citation precision": lambda result: result.cited.precision if result.cited else None,
        "citation recall": lambda result: result.cited.recall if result.cited else None,
    }
    lines = []
    for row, run, length, results in _parts(rows):
        known = [result for result in results if result.found or result.cited]
        if known:
            items = len({result.twin or result.id for result in known})
            cells: tuple[Cell, ...] = (items, *(_item_mean(run, known, read) for read in columns.values()))
            lines.append(Row((*row.labels, run.title, length), cells, row.baseline))
    if not lines:
        return None
    note = "shares of the evidence; items without a response have none and are left out"
    return with_baseline(Table("evidence", "Evidence", _LABELS, ("n", *columns), tuple(lines), (note,)))


def cost_table(rows: Sequence[Entry]) -> Table | None:
    """Calls and tokens, a sample and in all; None where nothing is known of them."""
    lines = []
    unknown = 0
    for row, run, length, results in _parts(rows):
        if any(result.calls or result.input_tokens or result.output_tokens for result in results):
            reads: list[list[int | None]] = [
                [result.calls for result in results],
                [result.input_tokens for result in results],
                [result.output_tokens for result in results],
                [result.critical for result in results],
            ]
            if length == "all":
                unknown += sum(None in (result.input_tokens, result.output_tokens) for result in results)
            cells = (len(results), *(cell for numbers in reads for cell in _sums(numbers)))
            lines.append(Row((*row.labels, run.title, length), cells, row.baseline))
    if not lines:
        return None
    columns = [
        f"{name}{part}"
        for name in ("calls", "input tokens", "output tokens", "critical path")
        for part in ("", ", total")
    ]
    notes = ["means a sample; a sample is an item in an epoch; critical path: the longest chain of calls"]
    if unknown:
        notes.append(f"token counts unknown for {unknown:,} samples: means and totals are over the others")
    return with_baseline(Table("cost", "Cost", _LABELS, ("samples", *columns), tuple(lines), tuple(notes)))


def _parts(rows: Sequence[Entry]) -> list[tuple[Entry, Scored, str, list[Result]]]:
    """Each run as a whole and by length."""
    parts = []
    for row in rows:
        for run in row.scored.values():
            parts.append((row, run, "all", run.results))
            by_length: dict[int, list[Result]] = {}
            for result in run.results:
                if (length := length_of(result.groups)) is not None:
                    by_length.setdefault(length, []).append(result)
            if len(by_length) > 1:
                parts += [(row, run, label(length), by_length[length]) for length in sorted(by_length)]
    return parts


def _item_mean(
    run: Scored, results: Sequence[Result], read: Callable[[Result], float | None]
) -> Estimate | None:
    """The mean over items of their means over epochs; the items of a twin go together."""
    items: dict[str, list[float]] = {}
    for result in results:
        if (value := read(result)) is not None:
            items.setdefault(result.twin or result.id, []).append(value)
    return run.marked(mean([sum(values) / len(values) for values in items.values()]))


def _sums(numbers: Sequence[int | None]) -> tuple[float | None, int | None]:
    known = [number for number in numbers if number is not None]
    return (sum(known) / len(known), sum(known)) if known else (None, None)
