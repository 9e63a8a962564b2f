"""What a report says of runs, against numbers worked by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from longread.errors import UsageError
from longread.evals.report import Estimate, Report, report, to_json, to_markdown
from longread.evals.results import Cited, Found, Result, RunResults


def result(
    id: str, score: float = 1.0, epoch: int = 1, *, more: dict[str, Any] | None = None, **groups: str
) -> Result:
    return Result(id, epoch, groups, **{"score": score, "rule": score, **(more or {})})


def run(
    benchmark: str, *results: Result, model: str = "m", strategy: str = "full", **fields: Any
) -> RunResults:
    fields = {"title": benchmark.title(), "total": len(results), **fields}
    return RunResults(benchmark=benchmark, model=model, strategy=strategy, results=results, **fields)


def cell(made: Report, table: str, row: int, column: str) -> Any:
    found = made.table(table)
    assert found is not None
    return found.rows[row].cells[found.columns.index(column)]


def value(made: Report, table: str, row: int, column: str) -> float:
    found = cell(made, table, row, column)
    assert isinstance(found, Estimate)
    return round(found.value, 9)


def six(strategy: str = "full", **fields: Any) -> list[RunResults]:
    """The paper's six, with scores 1, 0, 1, 1/2, 0 and the average 3/4 over sets."""
    return [
        run("docmath", result("a", 1), strategy=strategy, **fields),
        run("longbench_v2", result("a", 0), strategy=strategy, **fields),
        run("frames", result("a", 1), strategy=strategy, **fields),
        run("mrcr", result("a", 0.5, bin="(65536, 131072]"), strategy=strategy, **fields),
        run("corpusqa", result("a", 0, length="128K"), strategy=strategy, **fields),
        run(
            "longbench_v1",
            *(result(f"h{i}", i % 2, set="hotpotqa") for i in range(4)),
            result("q", 1, set="qasper"),
            strategy=strategy,
            splits=("set",),
            **fields,
        ),
    ]


def test_the_average_needs_all_six():
    made = report(six())
    # (1 + 0 + 1 + 1/2 + 0 + 3/4) / 6; the last is the average over sets, not 3 of 5 items.
    assert value(made, "main", 0, "avg") == round(3.25 / 6, 9)
    assert value(made, "main", 0, "LBv1-QA") == 0.75
    five = report(six()[:-1])
    assert cell(five, "main", 0, "avg") is None
    assert "| m | full | - | 100.00 [20.65, 100.00] | 0.00 [0.00, 79.35] |" in to_markdown(five)


def test_the_main_table_has_the_papers_columns_in_order():
    made = report(
        [*six(), run("ruler", result("a")), run("longmemeval", result("a")), run("oolong", result("a"))]
    )
    assert made.table("main").columns == (
        *(
            "avg",
            "DocMath",
            "LBv2",
            "Frames",
            "MRCR",
            "CorpusQA",
            "LBv1-QA",
            "LongMemEval",
            "RULER",
            "Oolong",
        ),
    )


def test_the_main_table_takes_mrcr_and_corpusqa_up_to_128k_and_the_rest_stands_apart():
    made = report(
        [
            run(
                "mrcr",
                result("a", 1.0, bin="[4096, 8192]"),
                result("b", 0.5, bin="(65536, 131072]"),
                result("c", 0.25, bin="(131072, 262144]"),
                result("d", 0.75, bin="(262144, 524288]"),
                result("e", 0.1, bin="(524288, 1048576]"),
            ),
            run(
                "corpusqa",
                *(result(at, 1 / n, length=at) for n, at in enumerate(("128K", "1M", "4M", "10M"), 1)),
            ),
        ]
    )
    assert (value(made, "main", 0, "MRCR"), value(made, "main", 0, "CorpusQA")) == (0.75, 1)
    columns = ("MRCR 128K-512K", "MRCR 512K-1M", "CorpusQA 1M", "CorpusQA 4M", "CorpusQA 10M")
    assert made.table("ultra_long").columns == columns
    assert [value(made, "ultra_long", 0, name) for name in columns] == [0.5, 0.1, 0.5, round(1 / 3, 9), 0.25]
    assert report(six()).table("ultra_long") is None


def test_mrcr_without_lengths_is_told_and_not_guessed():
    made = report([run("mrcr", result("a"), result("b", length="long"))])
    assert made.table("main") is None
    assert any("2 items have no length" in note for note in made.notes)


def ultra(model: str, scores: tuple[float, float, float], strategy: str = "sequential") -> list[RunResults]:
    first, second, third = scores
    return [
        run("mrcr", result("a", first, length="1M"), model=model, strategy=strategy),
        run(
            "corpusqa",
            result("b", second, length="1M"),
            result("c", third, length="4M"),
            model=model,
            strategy=strategy,
        ),
    ]


def test_the_gain_is_the_mean_of_three_columns_over_the_base_with_the_same_strategy():
    runs = [
        *ultra("trained", (0.9, 0.5, 0.4)),
        *ultra("old", (0.3, 0.4, 0.2)),
        *ultra("trained", (1, 1, 1), "search"),
    ]
    made = report(runs, base="old")
    assert value(made, "ultra_long", 0, "gain over old") == 0.3
    assert [cell(made, "ultra_long", row, "gain over old") for row in (1, 2)] == [None, None]
    assert "+30.00" in to_markdown(made)
    assert "gain" not in " ".join(report(runs).table("ultra_long").columns)
    lacking = report([*ultra("trained", (0.9, 0.5, 0.4)), *ultra("old", (0.3, 0.4, 0.2))[:1]], base="old")
    assert cell(lacking, "ultra_long", 0, "gain over old") is None


def test_an_unknown_base_is_an_error_that_names_the_rows():
    with pytest.raises(UsageError, match=r"'other'.*choose among m"):
        report(six(), base="other")


def test_stages_stand_in_the_order_given():
    runs = [
        run("mrcr", result("z", 0.2, length="1M"), strategy="sequential", variant="stage 1"),
        *six(variant="base"),
        run("mrcr", result("z", 0.1, length="1M"), strategy="sequential", variant="base"),
        run("mrcr", result("z", 0.3, length="1M"), strategy="search", variant="base"),
    ]
    made = report(runs)
    assert [row.labels for row in made.table("stages").rows] == [
        ("stage 1", "sequential"),
        ("base", "sequential"),
        ("base (search baseline)", "search"),
    ]
    assert [value(made, "stages", row, "memory agent, MRCR 512K-1M") for row in range(3)] == [0.2, 0.1, 0.3]
    assert cell(made, "stages", 0, "full-context avg of 6") is None
    assert value(made, "stages", 1, "full-context avg of 6") == round(3.25 / 6, 9)
    assert report(six()).table("stages") is None


def test_the_search_baseline_stands_last_and_its_absence_is_told():
    runs = [run("frames", result("a"), strategy=name) for name in ("search", "full", "sequential")]
    rows = report(runs).table("main").rows
    assert [row.labels for row in rows] == [
        ("m", "full"),
        ("m", "sequential"),
        ("m (search baseline)", "search"),
    ]
    assert "search baseline: not run" not in to_markdown(report(runs))
    without = report(runs[1:])
    assert all("search baseline: not run" in table.notes for table in without.tables if table.name != "runs")


def test_general_benchmarks_have_a_table_with_bfcl_memory_apart():
    general = [
        run("mmlu_pro", result("a"), result("b", 0), strategy="-", general=True),
        run("aime2025", result("a", 0), strategy="-", general=True),
        run("bfcl_memory_kv", result("a", 1), strategy="-", general=True),
        run("bfcl_memory", result("b", 0, of="vector"), result("c", 0.5, of="rec_sum"), strategy="-", general=True),
        run("drop", result("a", 0.25), strategy="-", general=True),
        run("longmemeval", result("a", 1)),
    ]  # fmt: skip
    made = report(general)
    columns = ("MMLU-Pro", "AIME25", "BFCL memory mean", "BFCL kv", "BFCL vector", "BFCL rec_sum", "Drop")
    assert [value(made, "general", 0, name) for name in columns] == [0.5, 0, 0.5, 1, 0, 0.5, 0.25]
    assert cell(made, "general", 0, "GPQA-Diamond") is None
    assert value(made, "general", 1, "LongMemEval") == 1
    assert cell(report(general[:3]), "general", 0, "BFCL memory mean") is None
    assert made.table("main").columns == ("LongMemEval",)
    assert report(six()).table("general") is None


def test_failures_count_as_wrong_and_are_listed():
    failed = [result(f"f{i}", 1.0, more={"failure": "time | out\nlate"}) for i in range(22)]
    made = report([run("frames", result("a"), result("b"), *failed)])
    assert value(made, "main", 0, "Frames") == round(2 / 24, 9)
    assert cell(made, "main", 0, "Frames").n == 24
    text = to_markdown(made)
    assert "## Failures: 22, counted as wrong" in text
    assert "| Frames | m (full) | f19 | 1 | time \\| out late |" in text
    assert "| f20 |" not in text
    assert "… and 2 more." in text
    assert len(to_json(made)["failures"]) == 22


def test_incomplete_runs_are_the_first_lines_and_what_is_missing_is_not_wrong():
    part = run(
        "mrcr", *(result(f"{i}", 0.5, length="8K") for i in range(37)), model="qwen3", strategy="sequential"
    )
    runs = [
        run("frames", result("a")),
        RunResults(**{**vars(part), "total": 240}),
        run("ruler", total=5, model="qwen3"),
    ]
    made = report(runs)
    lines = [line for line in to_markdown(made).splitlines() if line]
    assert lines[:3] == [
        "INCOMPLETE: mrcr with qwen3 (sequential): 37 of 240 done",
        "INCOMPLETE: ruler with qwen3 (full): 0 of 5 done",
        "# Evaluation report",
    ]
    assert value(made, "main", 1, "MRCR") == 0.5
    assert "| 50.00† |" in to_markdown(made)
    assert to_json(made)["complete"] is False
    assert to_markdown(report(runs[:1])).startswith("# Evaluation report\n")


def test_twins_count_only_together():
    def item(id: str, score: float, twin: str, **more: Any) -> Result:
        return result(id, score, more={"twin": twin, **more}, task="single", length="8K")

    items = [
        item("a1", 1, "a"), item("a2", 1, "a"),
        item("b1", 1, "b"), item("b2", 0, "b"),
        item("c1", 1, "c"), item("c2", 1, "c", failure="late"),
        item("d", 1, ""),
    ]  # fmt: skip
    made = report([run("longbook", *items, splits=("task", "length"))])
    found = cell(made, "main", 0, "Longbook")
    assert (found.value, found.n) == (0.5, 4)  # a and d of a, b, c, d
    assert (found.low, found.high) == pytest.approx((0.150, 0.850), abs=5e-4)  # Wilson of 2 of 4
    assert [cell(made, "benchmark:longbook", row, "n") for row in (0, 1)] == [4, 4]
    assert made.curves[0].points[0].accuracy == found


def test_a_twin_that_is_not_all_done_is_left_out_and_told():
    items = [result(id, 1, more={"twin": id[0]}) for id in ("a1", "a2", "b1")]
    made = report([run("longbook", *items, total=4)])
    found = cell(made, "main", 0, "Longbook")
    assert (found.value, found.n) == (1, 1)
    assert any("1 twins left out" in note for note in made.notes)
    alone = report([run("longbook", items[0], items[2])])
    assert (alone.table("main"), "2 twins left out" in " ".join(alone.notes)) == (None, True)
    three = [result(id, 1, more={"twin": id[0]}) for id in ("a1", "a2", "a3", "b1", "b2")]
    assert cell(report([run("longbook", *three, total=6)]), "main", 0, "Longbook").n == 1
    assert cell(report([run("longbook", *three)]), "main", 0, "Longbook").n == 2


def test_an_item_of_several_epochs_counts_as_their_mean():
    scores = {"a": (1, 1, 0, 0), "b": (0, 0, 0, 0), "c": (1, 0, 0, 0)}
    items = [result(id, score, epoch) for id, each in scores.items() for epoch, score in enumerate(each, 1)]
    made = report([run("frames", *items, epochs=4)])
    found = cell(made, "main", 0, "Frames")
    assert (found.value, found.n) == (0.25, 3)
    assert (found.low, found.high) == (0.0, 0.5)  # resampled items, not epochs
    assert value(made, "benchmark:frames", 0, "pass@4") == round(2 / 3, 9)
    assert "pass@1" not in to_markdown(report(six()))
    cut = report([run("frames", *items[:-1], epochs=4, total=12)])
    assert cell(cut, "benchmark:frames", 0, "pass@4").n == 2


def test_twins_of_several_epochs_must_be_right_in_the_same_epoch():
    scores = {"a1": (1, 0), "a2": (0, 1), "b1": (1, 1), "b2": (1, 0)}
    items = [
        result(id, score, epoch, more={"twin": id[0]})
        for id, each in scores.items()
        for epoch, score in enumerate(each)
    ]
    made = report([run("longbook", *items, epochs=2)])
    assert value(made, "main", 0, "Longbook") == 0.25
    assert value(made, "benchmark:longbook", 0, "pass@2") == 0.5


def test_a_twin_counts_in_the_epochs_in_which_all_of_it_is_done():
    done = [("a1", 1, 1), ("a1", 0, 2), ("a2", 1, 1)]
    made = report([run("longbook", *(result(*each, more={"twin": "a"}) for each in done), epochs=2, total=4)])
    assert value(made, "main", 0, "Longbook") == 1
    assert cell(made, "benchmark:longbook", 0, "pass@2") is None


def test_evidence_of_twins_goes_together():
    items = [
        result(id, more={"twin": twin, "found": Found(1.0, 1.0, kept)})
        for id, twin, kept in (("a1", "a", 1.0), ("a2", "a", 0.0), ("b", "", 0.25))
    ]
    found = cell(report([run("longbook", *items)]), "evidence", 0, "retained")
    assert (found.value, found.n) == (0.375, 2)


def test_tasks_are_crossed_with_lengths():
    items = [
        result(f"{needles}{at}", score, needles=needles, bin=at)
        for needles, at, score in (("2", "8K", 1), ("2", "1M", 0.5), ("8", "8K", 0.5), ("10", "8K", 0))
    ]
    table = report([run("mrcr", *items, splits=("needles", "bin"))]).table("benchmark:mrcr")
    assert table.columns == ("n", "all", "8K", "1M")
    assert [row.labels[-1] for row in table.rows] == ["all", "2", "8", "10"]
    shown = [[each.value if isinstance(each, Estimate) else each for each in row.cells] for row in table.rows]
    assert shown == [[4, 0.5, 0.5, 0.5], [2, 0.75, 1, 0.5], [1, 0.5, 0.5, None], [1, 0, 0, None]]


def test_splits_that_are_no_lengths_stand_side_by_side():
    items = [
        result(
            f"{i}", i % 2, difficulty="hard" if i % 3 else "easy", length=("long", "short", "medium")[i % 3]
        )
        for i in range(6)
    ]
    made = report([run("longbench_v2", *items, splits=("difficulty", "length"))])
    table = made.table("benchmark:longbench_v2")
    assert table.columns == ("n", "all", "easy", "hard", "short", "medium", "long")
    assert made.curves == ()


def test_longmemeval_tells_the_mean_over_tasks_beside_the_overall_score():
    items = [*(result(f"t{i}", 1, type="temporal") for i in range(3)), result("p", 0, type="preference")]
    made = report([run("longmemeval", *items, splits=("type",))])
    assert value(made, "main", 0, "LongMemEval") == 0.75
    assert value(made, "benchmark:longmemeval", 0, "per-task mean") == 0.5


def test_evidence_and_cost_by_length():
    def item(id: str, at: str, retained: float, **more: Any) -> Result:
        kept = {
            "found": Found(1.0, 0.5, retained),
            "cited": Cited(0.5, 0.25),
            "calls": 3,
            "critical": 2,
            **more,
        }
        return result(id, length=at, more=kept)

    items = [
        item("a", "8K", 1.0, input_tokens=100, output_tokens=10),
        item("b", "1M", 0.5, input_tokens=None, output_tokens=30, calls=8),
        result("c", 0, length="1M", more={"failure": "late", "calls": 1}),
    ]
    made = report([run("ruler", *items), run("frames", result("a"))])
    table = made.table("evidence")
    assert [row.labels[2:] for row in table.rows] == [("RULER", "all"), ("RULER", "8K"), ("RULER", "1M")]
    assert cell(made, "evidence", 0, "n") == 2
    columns = ("reached", "captured", "retained", "citation precision", "citation recall")
    assert [value(made, "evidence", 0, name) for name in columns] == [1, 0.5, 0.75, 0.5, 0.25]
    assert value(made, "evidence", 2, "retained") == 0.5
    costs = {name: cell(made, "cost", 0, name) for name in made.table("cost").columns}
    assert costs == {
        "samples": 3,
        "calls": 4, "calls, total": 12,
        "input tokens": 50, "input tokens, total": 100,
        "output tokens": pytest.approx(40 / 3), "output tokens, total": 40,
        "critical path": pytest.approx(4 / 3), "critical path, total": 4,
    }  # fmt: skip
    assert any("unknown for 1 samples" in note for note in made.table("cost").notes)
    assert report(six()).table("evidence") is None


def test_rule_judge_and_maximum_stand_apart():
    def item(id: str, rule: float, judge: float | None, **more: Any) -> Result:
        score = max(rule, judge or 0)
        return result(id, more={"score": score, "rule": rule, "judge": judge, "strict": 0.0, **more})

    items = [item("a", 1, None), item("b", 0, 1.0), item("c", 0, 0.0), item("d", 1, 1.0, failure="late")]
    made = report([run("frames", *items, judge_model="judge-1"), run("ruler", result("a"))])
    assert len(made.table("graders").rows) == 1
    columns = ("score", "rule", "strict", "judge", "no verdict")
    assert [value(made, "graders", 0, name) for name in columns] == [0.5, 0.25, 0, 0.5, round(1 / 3, 9)]
    assert cell(made, "graders", 0, "n judged") == 2
    assert cell(made, "graders", 0, "judge model") == "judge-1"
    assert cell(made, "graders", 0, "contains") is None
    loose = report(
        [run("longbook", result("a", 0, more={"contains": 1.0}), result("b", 0, more={"contains": 0.0}))]
    )
    assert value(loose, "graders", 0, "contains") == 0.5


def test_runs_are_compared_item_by_item_with_the_baseline():
    ours = run(
        "frames", *(result(f"{i}", 1) for i in range(4)), result("only ours", 0), strategy="sequential"
    )
    theirs = run("frames", *(result(f"{i}", i % 2) for i in range(4)), strategy="search")
    made = report([ours, theirs])
    (row,) = made.table("paired").rows
    assert row.labels == ("Frames", "m (sequential)", "m (search)")
    assert cell(made, "paired", 0, "n") == 4
    gain = cell(made, "paired", 0, "difference")
    assert (gain.value, gain.low, gain.high) == (0.5, 0.0, 1.0)
    assert "+50.00 [+0.00, +100.00]" in to_markdown(made)
    assert report([ours]).table("paired") is None


def test_runs_of_other_items_are_joined_and_a_run_made_again_has_its_own_row():
    made = report([
        run("ruler", result("a", 1, length="8K")),
        run("ruler", result("b", 0, length="1M")),
        run("ruler", result("a", 0, length="8K"), seed=1),
    ])  # fmt: skip
    assert [row.labels for row in made.table("main").rows] == [("m", "full"), ("m (run 2)", "full")]
    assert value(made, "main", 0, "RULER") == 0.5
    assert len(made.table("runs").rows) == 3


def test_a_result_that_stands_twice_counts_once():
    made = report([run("frames", result("a", 0), result("a", 1), total=1)])
    assert (value(made, "main", 0, "Frames"), made.incomplete) == (1, ())
    assert any("1 results stand twice" in note for note in made.notes)


def test_names_and_reasons_cannot_break_the_tables():
    name = "a|b\n`c` <i> *d* _e_ [x](y) $z$ \\ &amp;"
    made = report([run("frames", result("x|y\nz", more={"failure": "| a |\n| b |"}), model=name)])
    lines = to_markdown(made).splitlines()
    shown = "a\\|b \\`c\\` &lt;i&gt; \\*d\\* \\_e\\_ \\[x\\](y) \\$z\\$ \\\\ &amp;amp;"
    assert any(line.startswith(f"| {shown} | full |") for line in lines)
    assert f"| Frames | {shown} (full) | x\\|y z | 1 | \\| a \\| \\| b \\| |" in lines
    assert "longbench_v2" in to_markdown(report([run("longbench_v2", total=1)]))


def test_json_holds_what_the_tables_show_unrounded():
    thirds = run("frames", *(result(f"{i}", i % 3 == 0) for i in range(9)), splits=("kind",), total=9)
    made = to_json(report([thirds]))
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    row = made["tables"]["main"]["rows"][0]
    assert row["labels"] == {"model": "m", "strategy": "full"}
    assert row["cells"]["Frames"]["value"] == 1 / 3
    assert row["cells"]["Frames"]["n"] == 9


def test_the_same_runs_give_the_same_report():
    runs = [run("frames", *(result(f"{i}", i / 7) for i in range(7)))]
    assert report(runs) == report(runs)


@pytest.mark.parametrize("runs", [[], [run("frames")], [run("mrcr", splits=("needles", "bin"), total=3)]])
def test_nothing_done_is_no_crash(runs: list[RunResults]):
    made = report(runs)
    assert "# Evaluation report" in to_markdown(made)
    assert json.dumps(to_json(made))
