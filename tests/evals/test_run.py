"""`longread eval run` and plain `inspect eval`, with a server behind them that sees nothing but its prompts."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from longread.evals.benchmarks import Item, Options, get_benchmark
from longread.evals.logs import read_runs
from longread.evals.results import Found
from longread.worlds.lengths import parse_length
from tests.evals.oracle import Oracle
from tests.servers.model import ModelServer
from tests.support.cli import Cli

SMALL = ("longbook", "--lengths", "4K", "--samples", "2")
KEPT = ("single", "forward", "update", "absent")
"""Tasks whose evidence fits the notes of a small window."""


@pytest.fixture(scope="module")
def items() -> list[Item]:
    return list(get_benchmark("longbook").items(Options(lengths=(parse_length("4K"),), samples=2)))


@pytest.fixture(scope="module")
def oracle(items: list[Item]) -> Oracle:
    return Oracle(items)


@pytest.fixture
def server(oracle: Oracle) -> Iterator[ModelServer]:
    with ModelServer(oracle) as served:
        yield served


def asks(server: ModelServer, *more: str) -> tuple[str, ...]:
    return ("eval", "run", *SMALL, "--model", "scripted", "--base-url", server.base_url, *more)


def folder(cli: Cli) -> Path:
    (made,) = (cli.folder / "longread-evals").iterdir()
    return made


@pytest.mark.slow
def test_a_reader_that_knows_is_right_and_its_evidence_is_followed(cli: Cli, server: ModelServer) -> None:
    done = cli(*asks(server, "--strategy", "sequential", "--window", "32768", "--set", "chunk_tokens=1500"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("# Evaluation report")
    assert "(search baseline)" in done.stdout
    runs = {run.strategy: run for run in read_runs([folder(cli) / "logs"])}
    assert set(runs) == {"sequential", "search"}
    run = runs["sequential"]
    assert run.total == len(run.results) == 22
    for result in run.results:
        assert result.failure is None
        assert result.calls == result.critical > 3
        if result.groups["task"] in KEPT:
            assert result.score == 1.0, result
            assert result.found == (None if result.golds == ("not in the documents",) else Found(1, 1, 1))
    assert [r for r in run.results if r.golds == ("not in the documents",)]


@pytest.mark.slow
def test_the_same_command_asks_nothing_again(cli: Cli, server: ModelServer) -> None:
    first = cli(*asks(server, "--strategy", "direct", "--window", "65536"))
    assert first.returncode == 0, first.stderr
    calls, logs = server.calls, sorted((folder(cli) / "logs").iterdir())
    again = cli(*asks(server, "--strategy", "direct", "--window", "65536"))
    assert again.returncode == 0, again.stderr
    assert "44 answers to be had, of which 44 are kept from before" in again.stderr
    assert sorted((folder(cli) / "logs").iterdir()) == logs
    assert server.calls == calls
    assert again.stdout == first.stdout
    reported = cli("eval", "report", str(folder(cli)), "--format", "json", "--picture", "a.png")
    assert reported.returncode == 0, reported.stderr
    assert json.loads(reported.stdout)["complete"]
    assert (cli.folder / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_killed_run_goes_on_without_repeating_a_finished_call(cli: Cli, server: ModelServer) -> None:
    command = asks(
        server, "--strategy", "sequential", "--window", "32768", "--set", "chunk_tokens=1500", "--no-baseline"
    )
    process = cli.start(*command)
    server.on_call = lambda number: process.kill() if number == 60 else None
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    half = cli("eval", "report", str(folder(cli)))
    if half.returncode == 0:  # Inspect had begun its log
        assert half.stdout.startswith("INCOMPLETE: "), half.stdout[:200]
    server.on_call = lambda number: None
    before = server.calls
    assert 60 <= before < 100
    done = cli(*command)
    assert done.returncode == 0, done.stderr
    repeated = [prompt for prompt, times in server.replied.items() if times > 1]
    assert len(repeated) <= 8  # those in flight
    assert server.calls > before


@pytest.mark.slow
def test_an_interrupted_run_says_so_counts_no_failure_and_goes_on(cli: Cli) -> None:
    asked = ("eval", "run", "longbook", "--model", "extractive", "--lengths", "8K", "--limit", "11")
    process = cli.start(*asked)
    assert process.stderr is not None
    for line in process.stderr:
        if "answered" in line:
            process.send_signal(signal.SIGINT)
            break
    said = process.stderr.read()
    assert process.wait(timeout=60) == 130, said
    assert "interrupted" in said and "failed" not in said
    report = cli("eval", "report", str(next((cli.folder / "longread-evals").iterdir())))
    assert "failed" not in report.stdout.split("## Runs")[0], report.stdout
    assert cli(*asked).returncode == 0


@pytest.mark.slow
def test_failures_count_as_wrong_are_listed_and_tried_again(
    cli: Cli, oracle: Oracle, items: list[Item]
) -> None:
    question = items[0].material.open().question
    with ModelServer(oracle, fault=lambda _, prompt: "500" if question in prompt else None) as server:
        command = asks(
            server, "--strategy", "direct", "--window", "65536", "--set", "retries=0", "--no-baseline"
        )
        done = cli(*command)
        assert done.returncode == 1
        assert "1 failed" in done.stderr
        assert re.search(rf"^.*{items[0].id}.*1.*500", done.stdout, re.MULTILINE), done.stdout
        (run,) = read_runs([folder(cli)])
        (failed,) = [r for r in run.results if r.failure]
        assert (failed.id, failed.score) == (items[0].id, 0.0)
        assert len(run.results) == run.total
        server.fault = lambda number, prompt: None
        before = server.calls
        assert cli(*command).returncode == 0
        assert server.calls == before + 1


@pytest.mark.slow
def test_epochs_draw_anew(cli: Cli, server: ModelServer) -> None:
    done = cli(
        *asks(
            server,
            "--strategy",
            "direct",
            "--window",
            "65536",
            "--limit",
            "3",
            "--epochs",
            "2",
            "--no-baseline",
        )
    )
    assert done.returncode == 0, done.stderr
    (run,) = read_runs([folder(cli)])
    assert (run.total, len(run.results), run.epochs) == (6, 6, 2)
    assert server.calls == 6


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["direct", "sequential"])
def test_the_tasks_run_under_plain_inspect(
    cli: Cli, server: ModelServer, strategy: str, items: list[Item]
) -> None:
    command = [
        str(Path(sys.executable).with_name("inspect")), "eval", "longread/longbook",
        "--model", "openai-api/scripted/scripted", "-T", "lengths=4K", "-T", "samples=2",
        "--solver", "longread/reader", "-S", f"strategy={strategy}", "-S", "window=65536", "-S", "chunk_tokens=1500",
        "--log-dir", "logs", "--display", "none", "--limit", "4",
    ]  # fmt: skip
    env = cli.env | {"SCRIPTED_BASE_URL": server.base_url, "SCRIPTED_API_KEY": "none"}
    done = subprocess.run(command, cwd=cli.folder, env=env, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = read_runs([cli.folder / "logs"])
    assert (run.benchmark, run.strategy, run.total) == ("longbook", strategy, 4)
    assert [r.score for r in run.results] == [1.0] * 4, run.results
    calls = server.calls
    again = subprocess.run(command, cwd=cli.folder, env=env, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert server.calls == calls  # what was done is known


@pytest.mark.slow
def test_extractive_needs_no_server(cli: Cli) -> None:
    done = cli("eval", "run", *SMALL, "--model", "extractive", "--limit", "6")
    assert done.returncode == 0, done.stderr
    runs = read_runs([folder(cli)])
    assert {run.strategy for run in runs} == {"auto", "search"}
    assert all(
        r.found is not None or r.golds == ("not in the documents",) for run in runs for r in run.results
    )


def test_asking_imports_no_inspect(cli: Cli) -> None:
    (cli.folder / "a.txt").write_text("The mill was built by Ada Lomis.")
    code = (
        "import sys; sys.argv = ['longread', 'ask', 'Who built the mill?', 'a.txt', '--model', 'extractive']\n"
        "from longread.cli import main\n"
        "try:\n    main()\nfinally:\n    assert not {'inspect_ai', 'matplotlib', 'pyarrow'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cli.folder, env=cli.env, capture_output=True, text=True
    )
    assert "Ada Lomis" in done.stdout
    assert "Assertion" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("eval", "run", "longbok"), "there is no benchmark 'longbok'"),
        (("eval", "run", "longbook", "--strategy", "magic"), "there is no strategy 'magic'"),
        (("eval", "run", "longbook", "--lengths", "1K"), "4K"),
        (
            ("eval", "run", "longbook", "--model", "extractive", "--strategy", "direct"),
            "needs a language model",
        ),
        (("eval", "run", "longbook", "--judge-url", "http://localhost:1/v1"), "--judge-url needs --judge"),
        (
            ("eval", "run", "longbook", "--model", "extractive", "--lengths", "4K", "--judge", "x"),
            "model 'x' needs an endpoint",
        ),
        (("eval", "run", "mrcr", "--data", "nowhere", "--model", "extractive"), "nowhere"),
        (("eval", "report", "nowhere"), "nowhere: there is no such run"),
        (("eval", "report", "."), "holds no log"),
        (("eval", "report", ".", "--format", "xml"), "markdown or json"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, args: tuple[str, ...], told: str) -> None:
    done = cli(*args)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert not done.stdout
    assert [path.name for path in cli.folder.iterdir()] in ([], [".state"])
