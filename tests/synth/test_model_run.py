"""`longread synth run --model` from end to end: a real model that says rubbish, consent, caps, options in a file."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from longread.config import Settings
from longread.reading.language import LanguagePolicy
from longread.reading.opening import open_policy
from longread.synth import dataset
from longread.synth.pipeline import CARD, Recipe, prove, run
from longread.synth.roles import asking, cast
from longread.synth.roles.cast import Cast
from longread.synth.roles.kept import PARAPHRASES, TRIPLES, VIEWS
from tests.servers.model import ModelServer
from tests.servers.real import RealServer
from tests.support.cli import Cli
from tests.synth import pages
from tests.synth.test_views import talks

NOTHING = '{"proposals": [], "views": [], "triples": []}'
FAR = (
    "import longread.reading.opening, longread.models.transport as t\n"
    "t.is_loopback = lambda url: False\n"
    "from longread.cli import main\nmain()"
)


@pytest.mark.slow
def test_what_a_real_model_says_at_random_is_all_rejected_and_the_run_ends_well(
    real_server: RealServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(asking, "_TOKENS", 48)
    monkeypatch.setattr(cast, "_SHOWN", 4)
    documents = [*pages.documents(3, 24, 16), *(document for document, *_ in talks()[:4])]
    recipe = Recipe(4, (4096,), 1, ("numerical", "ordering", "viewpoint"))
    given = {"answer_tokens": 48, "thinking_tokens": 0, "attempts": 1}
    settings = Settings.model_validate({"model": real_server.model, "base_url": real_server.base_url} | given)
    plain = run(documents, recipe, tmp_path / "plain")
    with asyncio.Runner() as runner:
        opened = runner.run(open_policy(settings))
        assert isinstance(opened.policy, LanguagePolicy)
        actors = Cast(24, opened.policy.model, runner.run, settings, paraphrase=True, tries=1)
        out = run(documents, recipe, tmp_path / "out", cast=actors)
        runner.run(opened.policy.model.close())
    samples = dataset.SAMPLES.format(0)
    made, before = ([one.sample for one in dataset.read_samples(folder / samples)] for folder in (out, plain))
    assert made == before  # nothing proposed, nothing reworded, nothing known and so nothing dropped
    assert not any(faults for _, faults in prove(out))
    assert json.loads((out / TRIPLES).read_text())["triples"] == []
    assert json.loads((out / VIEWS).read_text())["rejected"]
    assert not (out / PARAPHRASES).exists()
    tried = dataset.read_tries(out / samples)
    assert tried and tried.keys() <= {sample.id for sample in made}
    card = (out / CARD).read_text()
    assert (
        "proposed: no JSON" in card and "| views | 0 | no JSON: " in card and "| paraphrases | 0 | " in card
    )


def ask(cli: Cli, *args: str) -> subprocess.CompletedProcess[str]:
    """The command, to which a server on this machine is another machine."""
    command = [sys.executable, "-c", FAR, "synth", "run", "pages", *args]
    return subprocess.run(
        command, cwd=cli.folder, env=cli.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )


@pytest.fixture
def world(cli: Cli) -> Cli:
    pages.write(cli.folder)
    (cli.folder / "set.toml").write_text(
        'size = 2\ntypes = "comparison"\ntarget-tokens = "4K"\nmodel = "scripted"\ntries = 0\n'
    )
    return cli


@pytest.mark.slow
def test_another_machine_is_asked_with_consent_or_a_cap_alone(world: Cli):
    with ModelServer(lambda prompt: NOTHING) as server:
        args = ("--config", "set.toml", "--base-url", server.base_url)
        done = ask(world, *args, "--out", "a")
        assert (done.returncode, done.stdout, server.calls) == (2, "", 0)
        told = done.stderr.splitlines()[-1]
        assert told.startswith("longread: up to 200 calls with text of the documents would go to 127.0.0.1:")
        assert told.endswith("; give --yes, or a cap such as --max-calls")
        (world.folder / "longread.toml").write_text("max_calls = 5\n")
        assert ask(world, *args, "--out", "b").returncode == 2 and server.calls == 0
        (world.folder / "longread.toml").unlink()
        done = ask(world, *args, "--out", "c", "--max-calls", "3")
        assert (done.returncode, server.calls) == (0, 3), done.stderr


@pytest.mark.slow
def test_a_file_names_the_model_and_a_cap_stops_the_run_which_goes_on_with_a_higher_one(world: Cli):
    with ModelServer(lambda prompt: NOTHING) as server:
        file = world.folder / "set.toml"
        text = f'{file.read_text()}base-url = "{server.base_url}"\nmax-calls = 6\n'
        file.write_text(f"{text}max-total-tokens = 20_000\n")
        command = ("synth", "run", "pages", "--config", "set.toml", "--out", "out", "--processes", "1")
        done = world(*command)
        assert (done.returncode, done.stdout) == (4, "")
        assert "max_total_tokens allows 20,000; the replies are kept" in done.stderr.splitlines()[-1]
        begun = server.calls
        assert 0 < begun < 6
        assert world(*command).returncode == 4 and server.calls == begun
        done = world(*command, "--max-total-tokens", "900000")
        assert (done.returncode, server.calls) == (0, 6), done.stderr
        assert max(server.received.values()) == 1
        costly = world(*command[:-3], "costly", "--max-cost", "1")
        assert costly.returncode == 2 and "price" in costly.stderr.splitlines()[-1]
        assert server.calls == 6


@pytest.mark.slow
def test_calls_that_fail_are_counted_and_too_few_for_what_is_wished_are_told_before_any(world: Cli):
    with ModelServer(lambda prompt: NOTHING, lambda number, prompt: "500" if number == 1 else None) as server:
        args = ("--config", "set.toml", "--base-url", server.base_url, "--max-calls", "4", "--processes", "1")
        for wish in (("--tries", "1", "--balance"), ("--tries", "2")):
            few = world("synth", "run", "pages", "--out", "few", *args, *wish)
            assert few.returncode == 2 and "give --max-calls" in few.stderr.splitlines()[-1]
        assert server.calls == 0
        done = world("synth", "run", "pages", "--out", "out", *args, LONGREAD_RETRIES="0")
    assert done.returncode == 0, done.stderr
    assert "failed calls: 1; the last one: scripted at 127.0.0.1:" in done.stderr


@pytest.mark.slow
def test_show_tells_how_often_a_model_was_right(world: Cli):
    with ModelServer(
        lambda prompt: NOTHING if prompt.startswith("Propose") else "ANSWER: I cannot tell."
    ) as server:
        args = ("--config", "set.toml", "--base-url", server.base_url, "--tries", "1", "--max-calls", "20")
        assert world("synth", "run", "pages", "--out", "out", *args).returncode == 0
    made = dataset.read_samples(world.folder / "out" / dataset.SAMPLES.format(0))
    shown = world("synth", "show", "out", made[0].sample.id)
    assert shown.returncode == 0
    assert (
        "A model was right 0 of 1 without documents, 0 of 1 with those required, 0 of 1 with all"
        in shown.stdout
    )
