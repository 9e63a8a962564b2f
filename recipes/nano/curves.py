"""Reward, entropy and length of replies by step, as one picture: the stages of the recipe, and its ablations.

    python recipes/nano/curves.py OUT PICTURE

OUT is what `run.sh` and `compare.sh` left there. A line is the mean over seeds, whose number stands in brackets, and
of three steps. Texts grow from stage to stage, with which rewards fall, and the recipe's fourth is read with notes.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

from longread.training.trainer import METRICS

METERS = {"reward": "reward", "entropy": "entropy, nats", "length": "tokens of a reply"}
CHAINS = {"rl": "the recipe", "naive": "plain GRPO", "resampled": "rejection sampling"}
_SMOOTH = 3

Rows = list[dict[str, Any]]


def read(out: Path) -> dict[str, dict[str, list[Rows]]]:
    """By column and line: the metrics of each seed's run, those of stages that follow one another in a row."""
    columns: dict[str, dict[str, list[Rows]]] = {
        part: defaultdict(list) for part in ("all stages", "stage 1 with other settings", "memory")
    }
    for kind, name in CHAINS.items():
        for run in sorted(out.glob(f"{kind}-*")):
            stages = [_rows(file) for file in sorted(run.glob(f"*/{METRICS}"))]
            columns["all stages"][name].append([row for rows in stages for row in rows])
    for file in sorted(out.glob(f"compared-*/*/{METRICS}")):
        name = file.parent.name
        part = "memory" if name.startswith("memory") else "stage 1 with other settings"
        columns[part][name].append(_rows(file))
    return {part: dict(lines) for part, lines in columns.items() if lines}


def curve(runs: list[Rows], meter: str) -> list[float]:
    """The mean of all runs at each step that all have, of this and the steps just before."""
    steps = [statistics.mean(row[meter] for row in rows) for rows in zip(*runs, strict=False)]
    return [statistics.mean(steps[max(0, at + 1 - _SMOOTH) : at + 1]) for at in range(len(steps))]


def draw(columns: dict[str, dict[str, list[Rows]]], picture: Path) -> None:
    """Writes the picture."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "longread"
    from matplotlib import pyplot

    size = 5 * len(columns), 8
    figure, axes = pyplot.subplots(len(METERS), len(columns), figsize=size, squeeze=False, sharex="col")
    for across, (part, lines) in enumerate(columns.items()):
        for axis, (meter, unit) in zip(axes[:, across], METERS.items(), strict=True):
            for at, (name, runs) in enumerate(lines.items()):
                values = curve(runs, meter)
                colour = pyplot.colormaps["tab10"](at)
                label = f"{name} ({len(runs)})"
                axis.plot(range(1, len(values) + 1), values, linewidth=1, color=colour, label=label)
            axis.set_ylabel(unit)
        axes[0, across].set_title(part, fontsize="medium")
        axes[-1, across].set_xlabel("step")
        axes[0, across].margins(y=0.3)  # room for the names
        axes[0, across].legend(fontsize="x-small", ncols=2)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)


def _rows(file: Path) -> Rows:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines()]


def main() -> None:
    """Draws it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    draw(read(given.out), given.picture)


if __name__ == "__main__":
    main()
