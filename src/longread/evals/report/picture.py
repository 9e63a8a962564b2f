"""The picture: accuracy against length, a line a run, a panel a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, log2
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longread.evals.report.lengths import label
from longread.evals.report.records import Curve, Report
from longread.printable import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#882255", "#117733")
"""Okabe and Ito's, told apart by the colour-blind too; the baseline is grey."""
BASELINE = "#555555"
MARKERS = "osD^vP*X"
_ACROSS = 4
_TICKS = 8


def draw(report: Report, path: Path) -> None:
    """Writes the picture, of the kind that the suffix names (.png, .svg). The same report gives the same bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    panels: dict[str, dict[str, list[Curve]]] = {}
    for curve in report.curves:
        panels.setdefault(curve.benchmark, {}).setdefault(curve.task, []).append(curve)
    across = min(_ACROSS, max((len(tasks) for tasks in panels.values()), default=1))
    down = sum(ceil(len(tasks) / across) for tasks in panels.values()) or 1
    with rc_context({"svg.hashsalt": "longread", "font.size": 9, "font.family": "DejaVu Sans"}):
        styles = _styles(report.curves)
        names = {line: _plain(line, 60) for line in styles}
        width = max(5.0, 0.4 + 2.8 * across)
        beside = max(1, int(width * 13 / (max(map(len, names.values()), default=0) + 8)))
        height = 0.5 + max(2.5, 2.1 * down) + 0.22 * ceil(len(names) / beside)
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        first = 1
        for benchmark, tasks in panels.items():
            for place, (task, curves) in enumerate(tasks.items()):
                axes = figure.add_subplot(down, across, first + place)
                title = f"{benchmark}, {task or 'all'}" if len(tasks) > 1 else benchmark
                axes.set_title(_plain(title, 38), fontsize=9, fontweight="normal" if task else "bold")
                _panel(axes, curves, styles)
            first += ceil(len(tasks) / across) * across
        if panels:
            figure.supxlabel("length, tokens (bars: 95 % intervals)", fontsize=9)
            figure.supylabel("accuracy, %", fontsize=9)
            handles = [
                Line2D([], [], markersize=4, label=names[line], **look) for line, look in styles.items()
            ]
            figure.legend(
                handles=handles, loc="outside upper center", ncols=min(beside, len(handles)), frameon=False
            )
        else:
            figure.text(0.5, 0.5, "No items with a length in tokens.", ha="center", va="center")
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(path.suffix.lower())
        figure.savefig(path, dpi=150, metadata=metadata)


Style = dict[str, Any]


def _styles(curves: Sequence[Curve]) -> dict[str, Style]:
    """How each line looks, the same in every panel."""
    styles: dict[str, Style] = {}
    usual = 0
    for curve in curves:
        if curve.line in styles:
            continue
        marker = MARKERS[len(styles) % len(MARKERS)]
        if curve.baseline:
            styles[curve.line] = {"color": BASELINE, "marker": marker, "linestyle": "--"}
        else:
            dash = ("-", ":", "-.")[usual // len(COLOURS) % 3]
            styles[curve.line] = {"color": COLOURS[usual % len(COLOURS)], "marker": marker, "linestyle": dash}
            usual += 1
    return styles


def _panel(axes: Axes, curves: Sequence[Curve], styles: Mapping[str, Style]) -> None:
    lengths = sorted({point.length for curve in curves for point in curve.points})
    step = _step(lengths, len(curves))
    for place, curve in enumerate(curves):
        shift = 2 ** (step * (place - (len(curves) - 1) / 2))
        shown = [point.accuracy for point in curve.points]
        below = [0.0 if part.low is None else max(0.0, part.value - part.low) for part in shown]
        above = [0.0 if part.high is None else max(0.0, part.high - part.value) for part in shown]
        axes.errorbar(
            [point.length * shift for point in curve.points],
            [100 * part.value for part in shown],
            yerr=[[100 * size for size in below], [100 * size for size in above]],
            markersize=3.5,
            linewidth=1.3,
            elinewidth=0.8,
            ecolor=(styles[curve.line]["color"], 0.6),
            capsize=1.5,
            clip_on=False,
            zorder=2 if curve.baseline else 3,
            **styles[curve.line],
        )
    axes.set_xscale("log", base=2)
    axes.set_xlim(lengths[0] / 1.6, lengths[-1] * 1.6)
    axes.set_xticks(_ticks(lengths), [label(length) for length in _ticks(lengths)])
    axes.minorticks_off()
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 25))
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.tick_params(axis="y", labelsize=8, length=3)
    axes.tick_params(axis="x", labelsize=7, length=3)
    axes.spines[["top", "right"]].set_visible(False)


def _step(lengths: Sequence[int], lines: int) -> float:
    """How far lines are moved aside from one another, in octaves, so that none hides another's bars."""
    octaves = log2(lengths[-1] / lengths[0]) + 1.4
    gap = min((log2(after / before) for before, after in pairwise(lengths)), default=octaves)
    return min(0.018 * octaves, 0.6 * gap / max(1, lines - 1))


def _ticks(lengths: Sequence[int]) -> list[int]:
    """The lengths with a label: all, or from the longest down those with room for one."""
    room = (lengths[-1] / lengths[0]) ** (1 / _TICKS) if len(lengths) > 1 else 1.0
    ticks: list[int] = []
    for length in reversed(lengths):
        if not ticks or ticks[-1] / length >= room * 0.999:
            ticks.append(length)
    return ticks[::-1]


def _plain(text: str, longest: int) -> str:
    """Text that matplotlib shows as it is (`$` would start a formula), in one line."""
    text = printable(" ".join(text.split()))
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    return text.replace("$", r"\$")
