"""A table for each benchmark by its own splits.

Where items have a length and another split (task, needles), tasks are rows and lengths are columns;
otherwise the values of all splits stand side by side, as in LongBench-v2's own table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from longread.evals.report.columns import MACRO, PER_TASK, key_of
from longread.evals.report.entries import Entry, Scored
from longread.evals.report.intervals import Estimate
from longread.evals.report.lengths import label, tokens
from longread.evals.report.records import Cell, Row, Table, with_baseline
from longread.evals.report.units import Unit

_ORDER = {"easy": 0, "hard": 2, "short": 0, "medium": 1, "long": 2}


def split_tables(rows: Sequence[Entry]) -> list[Table]:
    """The tables, for benchmarks that have splits or were run in several epochs."""
    keys = dict.fromkeys(key for row in rows for key in row.runs)
    tables = []
    for key in keys:
        own = [(row, row.scored[key]) for row in rows if key in row.runs and row.scored[key].units.done]
        splits = tuple(dict.fromkeys(name for _, run in own for name in run.run.splits))
        if own and (splits or any(run.run.epochs > 1 for _, run in own)):
            length = length_split(splits, [unit for _, run in own for unit in run.units.done])
            crossed = length is not None and len(splits) > 1
            table = _crossed(own, splits, length or "") if crossed else _side_by_side(own, splits)
            tables.append(with_baseline(table))
    return tables


def length_split(splits: Sequence[str], units: Sequence[Unit]) -> str | None:
    """The split by length in tokens, if there is one."""
    for name in splits:
        values = {unit.groups[name] for unit in units if name in unit.groups}
        if name in ("length", "bin") and values and all(tokens(value) is not None for value in values):
            return name
    return None


def in_order(values: Iterable[str]) -> list[str]:
    """Values of a split as one would list them: by length or number, easy before hard, else by letters."""

    def rank(value: str) -> tuple[int, list[tuple[int, float, str]]]:
        if value.lower() in _ORDER:
            return _ORDER[value.lower()], []
        if re.match(r"[\[(≤<>]?\d", value) and (length := tokens(value)) is not None:
            return 3, [(0, length, value)]
        parts = re.split(r"(\d+)", value.lower())
        return 4, [(0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts]

    return sorted(values, key=rank)


def _crossed(own: Sequence[tuple[Entry, Scored]], splits: Sequence[str], length: str) -> Table:
    """Tasks by lengths."""
    everything = [unit for _, run in own for unit in run.units.done]
    lengths = sorted({tokens(unit.groups[length]) or 0 for unit in everything if length in unit.groups})
    others = [name for name in splits if name != length]
    epochs = max(run.run.epochs for _, run in own)
    lines = []
    for row, run in own:
        parts = [("all", run.units.done)]
        for name in others:
            for value in in_order({unit.groups[name] for unit in run.units.done if name in unit.groups}):
                shown = value if len(others) == 1 else f"{name}: {value}"
                parts.append((shown, [unit for unit in run.units.done if unit.groups.get(name) == value]))
        for shown, chosen in parts:
            by_length = (
                [unit for unit in chosen if length in unit.groups and tokens(unit.groups[length]) == size]
                for size in lengths
            )
            cells = (*_overall(run, chosen, epochs), *(run.mean(units) for units in by_length))
            lines.append(Row((*row.labels, shown), cells, row.baseline))
    labels = ("model", "strategy", others[0] if len(others) == 1 else "part")
    columns = (*_overall_columns(own[0][1], epochs), *map(label, lengths))
    return _table(own[0][1], labels, columns, lines)


def _side_by_side(own: Sequence[tuple[Entry, Scored]], splits: Sequence[str]) -> Table:
    """All values of all splits."""
    everything = [unit for _, run in own for unit in run.units.done]
    epochs = max(run.run.epochs for _, run in own)
    parts = [
        (name, value)
        for name in splits
        for value in in_order({unit.groups[name] for unit in everything if name in unit.groups})
    ]
    values = [value for _, value in parts]
    reserved = {"n", "all"}
    shown = [
        value if values.count(value) == 1 and value not in reserved else f"{name}: {value}"
        for name, value in parts
    ]
    per_task = bool(splits) and key_of(own[0][1].run) in PER_TASK
    lines = []
    for row, run in own:
        cells: list[Cell] = [*_overall(run, run.units.done, epochs)]
        if per_task:
            cells.append(run.macro(run.units.done))
        for name, value in parts:
            cells.append(run.mean([unit for unit in run.units.done if unit.groups.get(name) == value]))
        lines.append(Row(row.labels, tuple(cells), row.baseline))
    columns = [*_overall_columns(own[0][1], epochs), *(["per-task mean"] if per_task else []), *shown]
    return _table(own[0][1], ("model", "strategy"), columns, lines)


def _overall(run: Scored, chosen: Sequence[Unit], epochs: int) -> list[Cell]:
    macro = key_of(run.run) in MACRO and bool(run.sets)
    score: Estimate | None = run.macro(chosen) if macro else run.mean(chosen)
    return [len(chosen), score, *([run.passed(chosen)] if epochs > 1 else [])]


def _overall_columns(run: Scored, epochs: int) -> list[str]:
    macro = key_of(run.run) in MACRO and bool(run.sets)
    return ["n", "average over sets" if macro else "all", *([f"pass@{epochs}"] if epochs > 1 else [])]


def _table(run: Scored, labels: tuple[str, ...], columns: Sequence[str], lines: Sequence[Row]) -> Table:
    return Table(f"benchmark:{key_of(run.run)}", run.title, labels, tuple(columns), tuple(lines))
