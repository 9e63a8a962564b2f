"""A server that misbehaves: the answer is the same, or there is a clear error and the journal is kept."""

from __future__ import annotations

import json
import random
import signal
import threading

import pytest

from tests.servers.model import FAULTS, ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(12_000, 2, seed=21)


FLIGHTS = {"sequential": 1, "speculative": 16, "rounds": 16}
"""The most calls that a strategy has in flight."""
STRATEGIES = [
    "sequential",
    *(pytest.param(name, marks=pytest.mark.slow) for name in ("speculative", "rounds")),
]


def command(
    server: ModelServer, *more: str, question: str = WORLD.question, strategy: str = "sequential"
) -> list[str]:
    return [
        "ask", question, "world.txt", "--model", "scripted", "--base-url", server.base_url, "--json",
        "--chunk-tokens", "500", "--window", "8192", "--strategy", strategy, "--set", "early_exit=false", *more,
    ]  # fmt: skip


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_changes_nothing(world: Cli, fault: str, strategy: str) -> None:
    last = 0

    def at(number: int, prompt: str) -> str | None:
        """Faults at the first and a middle call, and the first time the answer is asked for."""
        nonlocal last
        answer = "\nSECTION " not in prompt
        first = answer and not last
        last += answer
        return fault if number in (1, 5) or first else None

    with ModelServer(planted.read, at) as server:
        done = world(*command(server, "--set", "timeout=0.5", strategy=strategy))
        clean = len(server.replied)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    if fault != "untagged":  # as an answer, prose without labels is as good as any
        assert data["answer"] == f"{WORLD.answer} [1][2]"
        assert [c["text"] for c in data["citations"]] == list(WORLD.hops)
    assert clean >= data["chunks"]["total"]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_stays_is_a_clear_error_and_the_run_goes_on_later(
    world: Cli, fault: str, strategy: str
) -> None:
    broken = True

    def at(number: int, prompt: str) -> str | None:
        return fault if broken and "\nSECTION 8 OF" in prompt else None

    with ModelServer(planted.read, at) as server:
        given = [
            word for setting in ("timeout=0.3", "retries=1", "attempts=2") for word in ("--set", setting)
        ]
        args = command(server, *given, strategy=strategy)
        done = world(*args)
        if fault == "untagged":  # prose is kept as an unverified note
            assert done.returncode == 0
            assert json.loads(done.stdout)["answer"] == f"{WORLD.answer} [1][2]"
            return
        assert done.returncode == 1, done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert "longread runs resume" in done.stderr
        before = server.replied.copy()
        assert len(before) >= 7
        broken = False
        resumed = world(*args)
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["answer"] == f"{WORLD.answer} [1][2]"
    assert "goes on" in resumed.stderr
    repeated = sum(server.replied[prompt] - count for prompt, count in before.items())
    assert repeated < FLIGHTS[strategy]  # those in flight when the run stopped


@pytest.mark.slow
@pytest.mark.parametrize("strategy", FLIGHTS)
def test_kill_at_20_moments_repeats_at_most_the_calls_in_flight(world: Cli, strategy: str) -> None:
    long = planted.plant(60_000, 2, seed=22)
    (world.folder / "world.txt").write_text(long.text)
    rng = random.Random(5)
    process = kill = None
    due = 0

    def on_call(number: int) -> None:
        nonlocal kill
        if process is None:
            return
        if number == due:  # somewhere between this call and the next ones
            kill = threading.Timer(rng.uniform(0, 0.03), process.kill)
            kill.start()
        elif number == due + 4:  # before the reading is over, however late the timer is
            kill.join()

    with ModelServer(planted.read) as server:
        server.on_call = on_call
        args = command(server, question=long.question, strategy=strategy)
        for _ in range(20):
            process = world.start(*args)  # first: calls of the one before may still be coming in
            due = server.calls + rng.randint(1, 2)
            process.communicate()
            assert process.returncode == -signal.SIGKILL
        process = None
        done = world(*args)
        repeated = sum(server.received.values()) - len(server.received)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data["answer"] == f"{long.answer} [1][2]"
    assert [c["text"] for c in data["citations"]] == list(long.hops)
    assert repeated <= 20 * FLIGHTS[strategy]
    if strategy != "speculative":  # what was asked in vain is not always recorded
        assert data["usage"]["calls"] == len(server.received)


def test_ctrl_c_keeps_the_run_and_says_how_to_go_on(world: Cli) -> None:
    process = None

    def on_call(number: int) -> None:
        if number == 4 and process is not None:
            process.send_signal(signal.SIGINT)

    with ModelServer(planted.read) as server:
        server.on_call = on_call
        process = world.start(*command(server))
        out, err = process.communicate()
        assert process.returncode == 130, err
        assert out == ""
        assert "Traceback" not in err
        run = err.split("longread runs resume ")[1].split()[0]
        assert "interrupted" in world("runs").stdout
        resumed = world("runs", "resume", run, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["run_id"] == run
    assert sum(server.received.values()) <= len(server.received) + 1


def test_a_server_that_refuses_schemas_costs_no_call_on_resume(world: Cli) -> None:
    process = None

    def on_call(number: int) -> None:
        if number == 9 and process is not None:
            process.send_signal(signal.SIGINT)

    with ModelServer(planted.read) as server:
        server.refuses = "response_format"
        server.on_call = on_call
        args = command(server, "--set", "structured=true")
        process = world.start(*args)
        process.communicate()
        assert process.returncode == 130
        done = world(*args)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == f"{WORLD.answer} [1][2]"
    assert sum(server.received.values()) <= len(server.received) + 1


def test_a_killed_run_goes_on_although_the_server_reports_another_window(world: Cli) -> None:
    process = None

    def on_call(number: int) -> None:
        if number == 9 and process is not None:
            process.kill()

    with ModelServer(planted.read) as server:
        entry = {"id": "scripted", "object": "model", "max_model_len": 4096}
        server.routes["/v1/models"] = {"object": "list", "data": [entry]}
        server.on_call = on_call
        args = [a for a in command(server) if a not in ("--window", "8192", "--chunk-tokens", "500")]
        process = world.start(*args)
        process.communicate()
        entry["max_model_len"] = 32_768
        done = world(*args)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == f"{WORLD.answer} [1][2]"
    assert sum(server.received.values()) <= len(server.received) + 1
    assert len(server.received) > 10
