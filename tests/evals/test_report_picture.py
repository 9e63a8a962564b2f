"""The picture: written, the same each time, and with what it must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from longread.evals.report import draw, report
from longread.evals.results import Result, RunResults

pytest.importorskip("matplotlib")


def made(model: str = "m", lengths: tuple[str, ...] = ("8K", "128K", "1M")) -> list[RunResults]:
    runs = []
    for strategy in ("sequential", "search"):
        results = tuple(
            Result(f"{task}{length}{i}", 1, {"task": task, "length": length}, float(i % 3 == 0), 0.0)
            for task in ("count", "multi-hop")
            for length in lengths
            for i in range(6)
        )
        runs.append(
            RunResults(
                "longbook", "Longbook", model, strategy, len(results), results, splits=("task", "length")
            )
        )
    return runs


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_same_report_gives_the_same_bytes(tmp_path: Path, suffix: str, start: bytes):
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    draw(report(made()), first)
    draw(report(made()), second)
    assert first.read_bytes().startswith(start)
    assert first.read_bytes() == second.read_bytes()
    assert b"dc:date" not in first.read_bytes()


def test_a_panel_for_all_tasks_and_one_a_task_with_a_line_a_run(tmp_path: Path):
    curves = report(made()).curves
    assert [(curve.task, curve.line) for curve in curves] == [
        (task, line) for task in ("", "count", "multi-hop") for line in ("m (sequential)", "m (search)")
    ]
    assert [point.length for point in curves[0].points] == [8192, 131072, 1048576]
    assert [point.accuracy.n for point in curves[0].points] == [12, 12, 12]
    assert [point.accuracy.n for point in curves[2].points] == [6, 6, 6]
    draw(report(made()), tmp_path / "a.svg")
    svg = (tmp_path / "a.svg").read_text()
    for words in ("Longbook, all", "Longbook, multi-hop", "128K", "accuracy, %"):
        assert f"<!-- {words} -->" in svg
    assert svg.count("<!-- m (search) -->") == 1


@pytest.mark.parametrize("model", ["$x^{$", "_hidden", "a\nb", "x" * 300])
def test_any_name_can_stand_in_the_legend(tmp_path: Path, model: str):
    draw(report(made(model, ("8K",))), tmp_path / "a.svg")
    shown = "a b" if "\n" in model else model[:20]
    assert shown in (tmp_path / "a.svg").read_text().replace("\\$", "$")


def test_nothing_to_draw_is_said(tmp_path: Path):
    draw(report([]), tmp_path / "a.svg")
    assert "No items with a length in tokens." in (tmp_path / "a.svg").read_text()
