"""`longread ask` with a real transformer (random weights): behind a real server, and in its own process.

What it says is noise, and that is the point: every step must cope, to the end, and count what the server counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.servers.real import RealServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(2_000, 2, seed=41, decoys=10)
LIMITS = (
    "--window", "8192", "--chunk-tokens", "900", "--notes-tokens", "64",
    "--set", "answer_tokens=24", "--set", "thinking_tokens=0", "--set", "attempts=2",
)  # fmt: skip


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


def complete(done, strategy: str) -> dict:
    """The object of a run that came to its end, with or without an answer."""
    assert done.returncode in (0, 3), done.stderr
    data = json.loads(done.stdout)
    assert data["strategy"] == strategy
    assert data["run_id"]
    for citation in data["citations"]:
        assert WORLD.text[citation["start"] : citation["end"]] == citation["text"]
    return data


@pytest.mark.parametrize("stream", ["true", pytest.param("false", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "strategy",
    [
        "full",
        "sequential",
        "search",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("speculative", "rounds")),
    ],
)
def test_each_strategy_completes_against_a_real_server(
    world: Cli, real_server: RealServer, strategy: str, stream: str
) -> None:
    done = world(
        "ask", WORLD.question, "world.txt", "--model", real_server.model, "--base-url", real_server.base_url,
        "--strategy", strategy, "--set", f"stream={stream}", "--json", *LIMITS,
    )  # fmt: skip
    usage = complete(done, strategy)["usage"]
    assert usage["calls"] >= (1 if strategy in ("full", "search") else 3)
    assert usage["input_tokens"] > 500
    assert usage["output_tokens"] > 0
    assert usage["cost"] is None


def test_auto_asks_a_real_server_for_its_model(world: Cli, real_server: RealServer) -> None:
    done = world("ask", WORLD.question, "world.txt", "--base-url", real_server.base_url, "--json", *LIMITS)
    assert real_server.model in done.stderr.splitlines()[0]
    complete(done, "full")


@pytest.mark.parametrize("strategy", ["full", pytest.param("sequential", marks=pytest.mark.slow)])
def test_a_checkpoint_in_this_process_completes(world: Cli, tiny_checkpoint: Path, strategy: str) -> None:
    done = world(
        "ask", WORLD.question, "world.txt", "--model", f"local:{tiny_checkpoint}", "--strategy", strategy,
        "--json", *LIMITS,
    )  # fmt: skip
    usage = complete(done, strategy)["usage"]
    assert usage["input_tokens"] > 500
    again = world(
        "ask", WORLD.question, "world.txt", "--model", f"local:{tiny_checkpoint}", "--strategy", strategy,
        "--json", *LIMITS,
    )  # fmt: skip
    assert json.loads(again.stdout)["stored"]
