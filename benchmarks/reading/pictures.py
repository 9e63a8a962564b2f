"""Two pictures: what a memory keeps, and how long the critical path grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.reading.records import Record


def draw(records: Sequence[Record], folder: Path) -> list[Path]:
    """Writes `retention.svg` and `path.svg`; the same records give the same bytes."""
    mpl.rcParams["svg.hashsalt"] = "longread"
    folder.mkdir(parents=True, exist_ok=True)
    sweep = [one for one in records if one.part == "sweep" and one.traits.capture == 1]
    path = [one for one in records if one.part == "path"]
    return [
        _picture(
            folder / "retention.svg", sweep, lambda one: one.traits.overwrite, lambda one: 100 * one.retained,
            "a held fact is lost in one rewriting with this probability", "evidence retained, %", log=False,
        ),
        _picture(
            folder / "path.svg", path, lambda one: one.tokens, lambda one: one.summary.rounds,
            "tokens of the text", "critical path, calls", log=True,
        ),
    ]  # fmt: skip


def _picture(
    target: Path,
    records: Sequence[Record],
    x: Callable[[Record], float],
    y: Callable[[Record], float],
    across: str,
    up: str,
    *,
    log: bool,
) -> Path:
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes: Axes = figure.add_subplot()
    for number, name in enumerate(dict.fromkeys(one.contender for one in records)):
        points: dict[float, list[float]] = {}
        for one in records:
            if one.contender == name:
                points.setdefault(x(one), []).append(y(one))
        at = sorted(points)
        ours = name.startswith("longread")
        axes.plot(
            at, [mean(points[p]) for p in at], "o-" if ours else "s--", lw=2 if ours else 1, ms=4, label=name,
            color=mpl.colormaps["tab20"](number),
        )  # fmt: skip
    if log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(target, metadata={"Date": None})
    return target
