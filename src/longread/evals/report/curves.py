"""Accuracy against length, for the picture."""

from __future__ import annotations

from collections.abc import Sequence

from longread.evals.report.entries import Entry, Scored
from longread.evals.report.lengths import length_of
from longread.evals.report.records import Curve, Point
from longread.evals.report.splits import in_order, length_split
from longread.evals.report.units import Unit


def curves(rows: Sequence[Entry]) -> list[Curve]:
    """One for each run over all tasks, then one for each run and task; grouped by benchmark."""
    lines = []
    for key in dict.fromkeys(key for row in rows for key in row.runs):
        own = [(row, row.scored[key]) for row in rows if key in row.runs]
        everything = [unit for _, run in own for unit in run.units.done]
        splits = dict.fromkeys(name for _, run in own for name in run.run.splits)
        length = length_split(tuple(splits), everything)
        others = [name for name in splits if name not in (length, "length", "bin")]
        parts = [("", "", "")]
        for name in others:
            values = in_order({unit.groups[name] for unit in everything if name in unit.groups})
            parts += [(_task(name, value), name, value) for value in values]
        for task, name, value in parts:
            for row, run in own:
                chosen = [unit for unit in run.units.done if not name or unit.groups.get(name) == value]
                points = _points(run, chosen)
                if points:
                    lines.append(Curve(run.title, task, row.line, row.baseline, points))
    return lines


def _task(name: str, value: str) -> str:
    return f"{value} {name}" if value.isdecimal() else value


def _points(run: Scored, chosen: Sequence[Unit]) -> tuple[Point, ...]:
    by_length: dict[int, list[Unit]] = {}
    for unit in chosen:
        if (length := length_of(unit.groups)) is not None:
            by_length.setdefault(length, []).append(unit)
    estimates = ((length, run.mean(by_length[length])) for length in sorted(by_length))
    return tuple(Point(length, estimate) for length, estimate in estimates if estimate)
