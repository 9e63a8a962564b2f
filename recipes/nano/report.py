"""The table of what `evaluate.py` measured, in Markdown.

    python recipes/nano/report.py RESULTS

A stage that several seeds trained has the mean of them, and half the width of its 95 % interval (Student's t).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections import defaultdict
from pathlib import Path

from longread.worlds.nano.questions import TASKS

_T = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78}
"""Of 95 % for means of so many."""


def shown(values: list[float]) -> str:
    """Percent, as a mean and its half-width where there are several."""
    mean = 100 * statistics.mean(values)
    if len(values) == 1:
        return f"{mean:.1f}"
    half = 100 * _T[len(values)] * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


def table(rows: list[dict[str, object]]) -> list[str]:
    """Lines of the table: stages as they were measured, and for each the tasks, their mean, and what notes give."""
    right: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    kept: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    cells: dict[str, None] = {}
    for row in rows:
        run, stage = Path(str(row["model"])).parts[-3:-1]
        kind = run.rpartition("-")[0] or run
        of = right.setdefault(f"{kind}: {stage}", {}).setdefault(str(row["cell"]), {}).setdefault(run, {})
        of[str(row["task"])] = float(str(row["right"]))
        cells[str(row["cell"])] = None
        if "kept" in row:
            kept[f"{kind}: {stage}", str(row["cell"]), run].append(float(str(row["kept"])))
    first, *others = cells
    head = [
        "after",
        *TASKS,
        "average",
        *(f"{cell}{what}" for cell in others for what in ("", ", evidence kept")),
    ]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for stage, measured in right.items():
        full = list(measured.get(first, {}).values())
        columns = [shown([run[task] for run in full]) if full else "" for task in TASKS]
        columns.append(shown([statistics.mean(run.values()) for run in full]) if full else "")
        for cell in others:
            runs = measured.get(cell, {})
            columns.append(shown([statistics.mean(run.values()) for run in runs.values()]) if runs else "")
            columns.append(shown([statistics.mean(kept[stage, cell, run]) for run in runs]) if runs else "")
        lines.append(f"| {stage} | {' | '.join(columns)} |")
    return lines


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    rows = parser.parse_args().results.read_text("utf-8").splitlines()
    print("\n".join(table([json.loads(row) for row in rows])))


if __name__ == "__main__":
    main()
