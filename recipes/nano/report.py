"""The table of what `evaluate.py` measured, in Markdown.

    python recipes/nano/report.py RESULTS [--lengths]

A stage that several seeds trained has the mean of them, and half the width of its 95 % interval (Student's t).
With `--lengths` each way of reading has a row of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from longread.worlds.nano.questions import TASKS

_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""Of 95 % for means of so many."""

Row = dict[str, Any]


def shown(values: list[float]) -> str:
    """Percent, as a mean and its half-width where there are several; empty where there are none."""
    if not values:
        return ""
    mean = 100 * statistics.mean(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    half = 100 * _T[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of the table: stages as they were measured, and for each the tasks, their mean, and what notes give."""
    measured = _measured(rows)
    cells = list(dict.fromkeys(cell for of in measured.values() for cell in of))
    noted = {row["cell"] for row in rows if "kept" in row}
    head = [
        "after",
        *TASKS,
        "average",
        *(
            f"{cell}{what}"
            for cell in cells[1:]
            for what in (["", ", evidence kept"] if cell in noted else [""])
        ),
    ]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for name, of in measured.items():
        runs = [list(of.get(cell, {}).values()) for cell in cells]
        columns = [shown([run[task]["right"] for run in runs[0] if task in run]) for task in TASKS]
        columns.append(_average(runs[0], "right"))
        for cell, own in zip(cells[1:], runs[1:], strict=True):
            columns += [_average(own, what) for what in (["right", "kept"] if cell in noted else ["right"])]
        lines.append(f"| {name} | {' | '.join(columns)} |")
    return lines


def lengths(rows: Iterable[Row]) -> list[str]:
    """Lines of the table that has a row for each way of reading, and how many planted facts the notes still held."""
    lines = [f"| after | read as | {' | '.join(TASKS)} | average | samples of a task | facts kept |"]
    lines.append(f"|{'---|' * (len(TASKS) + 5)}")
    for name, of in _measured(rows).items():
        for cell, runs in of.items():
            own = list(runs.values())
            every = [row for run in own for row in run.values()]
            columns = [shown([run[task]["right"] for run in own if task in run]) for task in TASKS]
            facts, retained = (sum(row.get(what, 0) for row in every) for what in ("facts", "retained"))
            columns += [_average(own, "right"), str(min(row["samples"] for row in every))]
            columns.append(f"{retained} of {facts}" if facts else "")
            lines.append(f"| {name} | {cell} | {' | '.join(columns)} |")
    return lines


def _measured(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, dict[str, Row]]]]:
    """By stage, way of reading, run and task."""
    measured: dict[str, dict[str, dict[str, dict[str, Row]]]] = {}
    for row in rows:
        run, stage = Path(row["model"]).parts[-3:-1]
        name = f"{run.rpartition('-')[0] or run}: {stage}"
        measured.setdefault(name, {}).setdefault(row["cell"], {}).setdefault(run, {})[row["task"]] = row
    return measured


def _average(runs: list[dict[str, Row]], what: str) -> str:
    return shown([statistics.mean(row[what] for row in run.values()) for run in runs])


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--lengths", action="store_true", help="A row for each way of reading.")
    given = parser.parse_args()
    rows = [json.loads(row) for row in given.results.read_text("utf-8").splitlines()]
    print("\n".join((lengths if given.lengths else table)(rows)))


if __name__ == "__main__":
    main()
