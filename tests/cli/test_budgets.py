"""Estimates before a run, and caps that hold during it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.model import ModelServer
from tests.servers.real import RealServer
from tests.support import planted
from tests.support.cli import Cli
from tests.support.generated import ROOT

WORLD = planted.plant(12_000, 2, seed=31)
CHUNKS = ("--chunk-tokens", "500", "--window", "8192", "--strategy", "sequential")


@pytest.fixture
def server():
    with ModelServer(planted.read) as server:
        yield server


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


def command(server: ModelServer, *more: str) -> list[str]:
    return [
        "ask", WORLD.question, "world.txt", "--model", "scripted", "--base-url", server.base_url, "--json",
        *CHUNKS, *more,
    ]  # fmt: skip


def inputs(folder: Path, sparse: str) -> list[tuple[str, ...]]:
    """Ten varied inputs: lengths, languages, formats, strategies, one question and several."""
    worlds = {
        f"w{i}.txt": planted.plant(n, h, seed=40 + i) for i, (n, h) in enumerate([(9_000, 1), (3_000, 3)])
    }
    for name, world in worlds.items():
        (folder / name).write_text(world.text)
    first, second = worlds.values()
    (folder / "code").mkdir()
    for module in ("json/decoder.py", "textwrap.py", "shlex.py"):
        source = Path(os.__file__).parent / module
        (folder / "code" / source.name).write_text(source.read_text())
    (folder / "rows.csv").write_text(
        "name,year,sum\n" + "".join(f"Ann {i},{i},{i * i}\n" for i in range(2_700))
    )
    (folder / "data.json").write_text(json.dumps([{"id": i, "tag": "x" * (i % 50)} for i in range(300)]))
    (folder / "zh.txt").write_text("公司由她在那座城市创立。" * 700)
    (folder / "page.html").write_text("<p>" + "</p><p>".join(second.text.split(". ")) + "</p>")
    (folder / "short.txt").write_text(first.text[:3_000])
    small = ("--strategy", "sequential", "--chunk-tokens", "1500")
    # Where nothing is noted, a run has neither a review nor an answer to ask for: two calls fewer than estimated.
    smaller = ("--strategy", "sequential", "--chunk-tokens", sparse)
    one, two = first.question, second.question
    return [
        (one, "w0.txt", *small),
        (two, "w1.txt", *small),
        (two, "w1.txt", "--strategy", "full"),
        (one, "w0.txt", "--strategy", "search"),
        (one, "code", *smaller),
        (one, "rows.csv", *smaller),
        (one, "data.json", "zh.txt", *smaller),
        (one, "page.html", "short.txt"),
        ("--question", one, "--question", two, "w0.txt", "w1.txt", *small),
        ("--question", one, "--question", two, "w0.txt", "w1.txt", "--strategy", "search"),
    ]


def deviations(cli: Cli, *common: str, sparse: str) -> list[tuple[float, float]]:
    """For each of the ten inputs, estimated tokens and calls as a share of the real ones."""
    shares = []
    for number, given in enumerate(inputs(cli.folder, sparse)):
        fresh = {
            "LONGREAD_STATE_DIR": str(cli.folder / f".state-{number}")
        }  # nothing learned from runs before
        dry = cli("ask", *given, *common, "--dry-run", "--json", **fresh)
        assert dry.returncode == 0, dry.stderr
        estimate = json.loads(dry.stdout)
        done = cli("ask", *given, *common, "--json", **fresh)
        assert done.returncode in (0, 3), done.stderr
        data = json.loads(done.stdout)
        usage = (data[0] if isinstance(data, list) else data)["usage"]
        tokens = estimate["input_tokens"] + estimate["output_tokens"]
        shares.append(
            (tokens / (usage["input_tokens"] + usage["output_tokens"]), estimate["calls"] / usage["calls"])
        )
        assert estimate["seconds"] > 0
    print([f"{tokens:.3f} {calls:.3f}" for tokens, calls in shares])
    return shares


@pytest.mark.slow
def test_estimates_are_close_on_ten_varied_inputs(cli: Cli, server: ModelServer) -> None:
    shares = deviations(
        cli, "--model", "scripted", "--base-url", server.base_url, "--window", "16384", sparse="600"
    )
    assert all(abs(share - 1) <= 0.15 for pair in shares for share in pair), shares


@pytest.mark.slow
@pytest.mark.timeout(900)  # some hundred calls of a real model: three minutes of a core
def test_estimates_are_close_with_a_real_server(cli: Cli, real_server: RealServer) -> None:
    # What a model with random weights says never has the form, so one attempt is all that makes sense.
    limits = ("--notes-tokens", "64", "--set", "answer_tokens=24", "--set", "thinking_tokens=0")
    shares = deviations(
        cli, "--model", real_server.model, "--base-url", real_server.base_url, "--window", "16384",
        "--set", "attempts=1", *limits, sparse="800",
    )  # fmt: skip
    assert all(abs(share - 1) <= 0.15 for pair in shares for share in pair), shares


def test_a_dry_run_counts_the_second_look_at_what_is_noted(world: Cli, server: ModelServer) -> None:
    ledger = (ROOT / "src/longread/reading/prompts/ledger.toml").read_text()
    calls = []
    for wants in ("", "confirm = true\n"):
        (world.folder / "mine.toml").write_text(f"exact = true\n{wants}{ledger}")
        dry = world(*command(server, "--dry-run", "--prompts", "mine.toml"))
        calls.append(json.loads(dry.stdout)["calls"])
    assert calls[1] == calls[0] + 3


def test_a_dry_run_assumes_no_longer_memory_than_there_is_room_for(world: Cli, server: ModelServer) -> None:
    written, given = [], []
    for room in ("64", "128", "1000"):
        dry = world(*command(server, "--dry-run", "--prompts", "text", "--notes-tokens", room))
        assert dry.returncode == 0, dry.stderr
        written.append(json.loads(dry.stdout)["output_tokens"])
        given.append(json.loads(dry.stdout)["input_tokens"])
    assert written[0] < written[1] < written[2]
    # What is written is given back with the next section.
    assert given[1] - given[0] == pytest.approx(written[1] - written[0], rel=0.05)
    assert given[2] - given[1] == pytest.approx(written[2] - written[1], rel=0.05)


def test_a_dry_run_counts_what_may_follow_from_a_section_with_a_memory_too(
    world: Cli, server: ModelServer
) -> None:
    calls = []
    for skip in (False, True):
        (world.folder / "mine.toml").write_text(planted.prompts(of="text", skip=skip))
        dry = world(*command(server, "--dry-run", "--prompts", "mine.toml"))
        calls.append(json.loads(dry.stdout)["calls"])
    assert calls[1] == calls[0] + 3


def test_a_dry_run_asks_no_question_and_keeps_nothing(world: Cli, server: ModelServer) -> None:
    price = ("--set", "price={input=1, output=2}")
    done = world(*[word for word in command(server, "--dry-run", *price) if word != "--json"])
    assert done.returncode == 0, done.stderr
    assert "calls          " in done.stdout and "strategy sequential" in done.stdout
    assert "unknown" not in done.stdout
    assert all("Tell in three sentences" in prompt for prompt in server.received)
    assert sum(hop in prompt for prompt in server.received for hop in WORLD.hops) < len(WORLD.hops)
    assert "no runs yet" in world("runs").stderr


def test_the_cost_of_what_has_no_price_is_unknown(world: Cli, server: ModelServer) -> None:
    assert json.loads(world(*command(server, "--dry-run")).stdout)["cost"] is None
    priced = world(*command(server, "--dry-run", "--set", "prices={scripted={input=2, output=0}}"))
    data = json.loads(priced.stdout)
    assert data["cost"] == pytest.approx(data["input_tokens"] * 2 / 1e6)
    free = json.loads(world("ask", "Why?", "world.txt", "--dry-run", "--json").stdout)
    assert (free["calls"], free["cost"], free["model"]) == (0, 0.0, "extractive")


@pytest.mark.parametrize(
    ("cap", "low", "high"),
    [("--max-calls", "7", "100"), ("--max-total-tokens", "9000", "900000"), ("--max-cost", "0.009", "9")],
)
def test_a_cap_stops_the_run_and_a_higher_one_repeats_nothing(
    world: Cli, server: ModelServer, cap: str, low: str, high: str
) -> None:
    price = ("--set", "price={input=1, output=1}")
    stopped = world(*command(server, *price, cap, low))
    assert stopped.returncode == 4, stopped.stderr
    assert stopped.stdout == ""
    assert cap.strip("-").replace("-", "_") in stopped.stderr.splitlines()[-1]
    used = sum(len(prompt) // 4 for prompt in server.replied)
    calls = server.replied.total()
    assert calls <= 7 if cap == "--max-calls" else used <= 9_000 * 1.1
    assert calls > 3

    run = json.loads(json.dumps(stopped.stderr.split("longread runs resume ")[1].split()[0]))
    again = world("runs", "resume", run)  # with the cap it was begun with
    assert again.returncode == 4 and server.replied.total() == calls
    resumed = world("runs", "resume", run, cap, high, "--json")
    assert resumed.returncode == 0, resumed.stderr
    data = json.loads(resumed.stdout)
    assert data["answer"] == f"{WORLD.answer} [1][2]"
    assert max(server.replied.values()) == 1
    assert data["usage"]["calls"] == server.replied.total()
    # The follow-up has the cap that the run ended with, and not the one that it was begun with.
    assert world("ask", "-c", WORLD.question, *price).returncode == 0


def test_a_cap_of_the_environment_is_raised_there(world: Cli, server: ModelServer) -> None:
    stopped = world(*command(server), LONGREAD_MAX_CALLS="3")
    assert stopped.returncode == 4, stopped.stderr
    run = stopped.stderr.split("longread runs resume ")[1].split()[0]
    assert world("runs", "resume", run, LONGREAD_MAX_CALLS="500").returncode == 0


def test_the_same_command_with_a_higher_cap_goes_on_too(world: Cli, server: ModelServer) -> None:
    assert world(*command(server, "--max-calls", "3")).returncode == 4
    assert world(*command(server, "--max-calls", "300")).returncode == 0
    assert max(server.replied.values()) == 1


def test_a_cap_on_cost_needs_a_price(world: Cli, server: ModelServer) -> None:
    done = world(*command(server, "--max-cost", "1"))
    assert done.returncode == 2
    assert "price" in done.stderr.splitlines()[-1]
    assert not server.received


class Elsewhere:
    """Makes the loopback server count as another machine, in a process of its own."""

    CODE = "import longread.reading.opening as o, longread.models.transport as t, sys\n" \
           "t.is_loopback = lambda url: False\n" \
           "from longread.cli import main\nmain()"  # fmt: skip

    @classmethod
    def ask(cls, cli: Cli, *args: str, answer: str | None = None) -> tuple[int, str]:
        """Exit code and what was shown; with `answer`, on a terminal where it is typed."""
        run = [sys.executable, "-c", cls.CODE, *args]
        if answer is None:
            done = subprocess.run(
                run, cwd=cli.folder, env=cli.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
            )
            return done.returncode, done.stderr
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            run, cwd=cli.folder, env=cli.env, stdin=theirs, stdout=theirs, stderr=theirs
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
                if b"[y/N]" in shown and answer:
                    os.write(ours, f"{answer}\n".encode())
                    answer = ""
        except OSError:
            pass  # the terminal closes when the process ends
        os.close(ours)
        return process.wait(), shown.decode()


LONG = planted.plant(230_000, 1, seed=33)


@pytest.fixture
def long(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(LONG.text)
    return cli


def far(server: ModelServer, *more: str) -> list[str]:
    return [
        "ask", LONG.question, "world.txt", "--model", "scripted", "--base-url", server.base_url,
        "--chunk-tokens", "20000", "--window", "65536", "--strategy", "sequential", *more,
    ]  # fmt: skip


def test_much_text_goes_to_an_unpriced_server_only_with_consent(long: Cli, server: ModelServer) -> None:
    code, shown = Elsewhere.ask(long, *far(server))
    assert code == 2 and "--yes" in shown.splitlines()[-1] and "127.0.0.1" in shown
    assert "unknown" in shown.splitlines()[-1]
    assert not server.received

    code, shown = Elsewhere.ask(long, *far(server), answer="n")
    assert code == 1 and "nothing was sent" in shown and not server.received
    code, shown = Elsewhere.ask(long, *far(server), answer="y")
    assert code == 0 and LONG.answer in shown
    calls = server.calls
    assert Elsewhere.ask(long, *far(server))[0] == 0  # the stored answer needs no consent
    assert server.calls == calls


@pytest.mark.parametrize("given", [("--yes",), ("--max-calls", "50"), ("--set", "price={input=0, output=0}")])
def test_consent_a_cap_or_a_price_of_nothing_is_enough(
    long: Cli, server: ModelServer, given: tuple[str, ...]
) -> None:
    code, shown = Elsewhere.ask(long, *far(server, *given))
    assert code == 0, shown


def test_the_cap_of_a_project_file_is_no_consent(long: Cli, server: ModelServer) -> None:
    (long.folder / "longread.toml").write_text("max_calls = 1000000000\nmax_total_tokens = 1000000000\n")
    code, shown = Elsewhere.ask(long, *far(server))
    assert code == 2 and "--yes" in shown.splitlines()[-1]
    assert not server.received


def test_little_text_goes_without_asking_and_a_dry_run_sends_nothing(world: Cli, server: ModelServer) -> None:
    assert Elsewhere.ask(world, *command(server, "--dry-run"))[0] == 0
    assert not server.received
    assert Elsewhere.ask(world, *command(server))[0] == 0
