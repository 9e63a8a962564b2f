"""Several servers behind one command: `--base-url` repeated, or a file of them; keys go where they belong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longread.config import load_settings, resolve_settings
from longread.errors import UsageError
from tests.server.serving import SMALL, Serving
from tests.servers.fixed import FixedProcess
from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(12_000, 2, seed=21)
DEAD = "http://127.0.0.1:9/v1"
READ = ("--window", "8192", "--chunk-tokens", "500", "--strategy", "rounds")


@pytest.fixture
def world(cli: Cli) -> Cli:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return cli


def ask(*urls: str) -> list[str]:
    given = [part for url in urls for part in ("--base-url", url)]
    return ["ask", WORLD.question, "world.txt", "--model", "scripted", *given, *READ]


def keys(*urls: str, **env: str) -> dict[str, str | None]:
    """What goes to each server."""
    found = load_settings({"model": "m", "base_url": list(urls)}, {"LONGREAD_CONFIG": "none", **env}).servers
    return {one.base_url: one.api_key and one.api_key.get_secret_value() for one in found}


def test_servers_share_a_run_and_one_that_is_down_loses_nothing(world: Cli) -> None:
    with ModelServer(planted.read) as one, ModelServer(planted.read) as other:
        done = world(*ask(one.base_url, DEAD, other.base_url), "--json")
        assert min(one.calls, other.calls) > 5
        assert set(one.replied.values()) | set(other.replied.values()) == {1}
        assert not one.replied.keys() & other.replied.keys()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["answer"] == f"{WORLD.answer} [1][2]"
    assert "3 servers" in done.stderr
    assert "127.0.0.1:9 is set aside" in done.stderr


def test_all_servers_gone_is_one_error_and_the_run_goes_on_with_them(world: Cli) -> None:
    file = world.folder / "servers.toml"
    with ModelServer(planted.read) as one, ModelServer(planted.read) as other:
        one.fault = other.fault = lambda number, prompt: "500" if number > 5 else None
        file.write_text(
            f'[[server]]\nbase_url = "{one.base_url}"\n[[server]]\nbase_url = "{other.base_url}"\n'
        )
        failed = world(*ask("servers.toml"), "--set", "retries=1", "--set", "stream=false")
        made = len(one.replied) + len(other.replied)
        assert failed.returncode == 1
        [told] = [line for line in failed.stderr.splitlines() if "no reply in 2 attempts" in line]
        assert all(f"{server.base_url.split('/')[2]}: HTTP 500" in told for server in (one, other))
        one.fault = other.fault = lambda number, prompt: None
        file.write_text(f'[[server]]\nbase_url = "{other.base_url}"\n')  # where the run goes on is read anew
        run = failed.stderr.split("longread runs resume ")[1].split()[0]
        before = one.calls
        done = world("runs", "resume", run)
        assert one.calls == before
        assert max((one.replied + other.replied).values()) == 1, "no call is made twice"
    assert made >= 8
    assert done.returncode == 0, done.stderr
    assert WORLD.answer in done.stdout


def test_weights_of_a_file_are_shares(world: Cli) -> None:
    with ModelServer(planted.read) as one, ModelServer(planted.read) as other:
        (world.folder / "servers.toml").write_text(
            f'[[server]]\nbase_url = "{one.base_url}"\nweight = 9\n[[server]]\nbase_url = "{other.base_url}"\n'
        )
        done = world(*ask("servers.toml"))
        assert done.returncode == 0, done.stderr
        assert one.calls > 2 * other.calls > 0


def test_what_is_wrong_with_a_file_is_told(world: Cli) -> None:
    for text, why in (
        ("", "'server': Field required"),
        ('[[server]]\nbase_url = "http://a/v1"\nwieght = 2', "wieght"),
        ('[[server]]\nbase_url = "http://a/v1"\nweight = 0', "greater than 0"),
        ("[[server", "no TOML"),
    ):
        (world.folder / "servers.toml").write_text(text)
        done = world(*ask("servers.toml"))
        assert done.returncode == 2
        [line] = done.stderr.splitlines()
        assert "servers.toml" in line
        assert why in line
    assert world(*ask("nowhere.toml")).returncode == 2
    twice = world(*ask(DEAD, DEAD))
    assert twice.returncode == 2
    assert "each address once" in twice.stderr


def test_doctor_and_models_show_every_server(world: Cli) -> None:
    with ModelServer(planted.read) as one, ModelServer(planted.read) as other:
        given = [part for url in (one.base_url, DEAD, other.base_url) for part in ("--base-url", url)]
        checked = world("doctor", "--model", "scripted", *given)
        listed = world("models", "--json", *given)
    lines = [line for line in checked.stdout.splitlines() if line.split()[1] == "server"]
    assert [line.split()[0] for line in lines] == ["ok", "warn", "ok"]
    assert "does not answer" in lines[1]
    servers = json.loads(listed.stdout)["servers"]
    assert [one.base_url, DEAD, other.base_url] == [server["base_url"] for server in servers]
    assert [bool(server["error"]) for server in servers] == [False, True, False]
    assert json.loads(listed.stdout)["chosen"]["base_url"] == [one.base_url, DEAD, other.base_url]


def test_a_key_goes_to_the_servers_it_was_set_for(tmp_path: Path) -> None:
    a, b = "https://a.example/v1", "https://b.example/v1"
    assert keys(a, b, LONGREAD_API_KEY="k") == {a: "k", b: "k"}, "a key for no host goes where the user says"
    assert keys(a, b, LONGREAD_API_KEY="k", LONGREAD_BASE_URL=a) == {a: "k", b: None}
    both = json.dumps([a, b])
    assert keys(b, "https://c.example/v1", LONGREAD_API_KEY="k", LONGREAD_BASE_URL=both) == {
        b: "k",
        "https://c.example/v1": None,
    }
    file = tmp_path / "servers.toml"
    file.write_text(f'[[server]]\nbase_url = "{a}"\napi_key = "own"\n[[server]]\nbase_url = "{b}"\n')
    env = {"LONGREAD_CONFIG": "none", "LONGREAD_API_KEY": "k", "LONGREAD_BASE_URL": str(file)}
    resolved = resolve_settings({"model": "m"}, env)
    sent = [one.api_key and one.api_key.get_secret_value() for one in resolved.settings.servers]
    assert sent == ["own", "k"]
    assert "own" not in resolved.settings.model_dump_json()
    assert "own" not in repr(resolved.settings.servers)
    file.unlink()
    elsewhere = resolve_settings({"model": "m", "base_url": b}, env).settings
    assert [one.api_key for one in elsewhere.servers] == [None], (
        "nobody knows any more for which hosts it was set"
    )
    with pytest.raises(UsageError, match=r"servers\.toml"):
        resolve_settings({"model": "m"}, env)


def test_serve_passes_short_requests_to_whoever_answers(cli: Cli) -> None:
    with ModelServer(planted.read) as one, FixedProcess(0.0, 4) as victim:
        urls = ("--base-url", victim.base_url, "--base-url", one.base_url)
        with Serving(cli, "--model", "scripted", *urls, **SMALL) as serving:

            def short() -> int:
                body = {
                    "model": "scripted",
                    "stream": True,
                    "messages": [{"role": "user", "content": "Who?"}],
                }
                return serving.http.post("/v1/chat/completions", json=body).status_code

            assert [short() for _ in range(6)] == [200] * 6
            assert 0 < one.calls < 6
            victim.kill()
            assert [short() for _ in range(6)] == [200] * 6
