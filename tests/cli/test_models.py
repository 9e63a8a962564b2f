"""`longread models`: every server found is listed, and the mark stands where `ask` would go."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import typer

from longread.cli import models as command
from longread.config import load_settings, resolve_settings
from longread.models import discover
from longread.reading.opening import open_policy
from tests.servers.scripted import End, ScriptServer, http
from tests.support.cli import Cli


def entries(*names: str, **fields: Any) -> dict[str, Any]:
    return {"object": "list", "data": [{"id": name, "object": "model", **fields} for name in names]}


OLLAMA: dict[str, object] = {
    "/v1/models": entries("nomic-embed-text", "qwen3:4b", "gemma3:4b", owned_by="library"),
    "/api/ps": {"models": [{"name": "qwen3:4b", "context_length": 65536}]},
}
VLLM: dict[str, object] = {"/v1/models": entries("Qwen/Qwen3-4B", owned_by="vllm", max_model_len=40960)}


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[ScriptServer]]:
    """The servers at the usual ports of this machine: one that refuses, one that stalls, Ollama, vLLM."""
    for name in (
        "LONGREAD_MODEL",
        "LONGREAD_BASE_URL",
        "LONGREAD_API_KEY",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LONGREAD_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("LONGREAD_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("LONGREAD_DISCOVER", "true")
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        stalls = {"/v1/models": (End.STALL,)}
        servers = [stack.enter_context(ScriptServer(routes=routes)) for routes in (stalls, OLLAMA, VLLM)]
        urls = ("http://127.0.0.1:1/v1", *(server.base_url for server in servers))
        monkeypatch.setattr(discover, "LOCAL_SERVERS", urls)
        yield servers[1:]


def listed(capsys: pytest.CaptureFixture[str], *, code: int = 0, **options: Any) -> str:
    with pytest.raises(typer.Exit) as stopped:
        command.models(**options)
    assert stopped.value.exit_code == code
    return capsys.readouterr().out


def marked(text: str) -> list[str]:
    return [
        line.split()[1]
        for line in text.splitlines()
        if line.startswith("* ") and " ask takes " not in line[:13]
    ]


def test_every_server_is_listed_and_the_first_one_marked(
    machine: list[ScriptServer], capsys: pytest.CaptureFixture[str]
) -> None:
    text = listed(capsys)
    ollama, vllm = machine
    assert f"Ollama at {ollama.base_url}" in text
    assert f"vLLM at {vllm.base_url}" in text
    assert "nomic-embed-text" not in text
    lines = {line[2:].split()[0]: line for line in text.splitlines() if "window" in line}
    assert lines["qwen3:4b"].startswith("* ")
    assert lines["qwen3:4b"].endswith("window 65,536")
    assert lines["gemma3:4b"].endswith("window 4,096 (assumed)")
    assert lines["Qwen/Qwen3-4B"].endswith("window 40,960")
    assert f"* ask takes qwen3:4b at {ollama.base_url}" in text
    assert "found on this machine" in text
    assert "extractive" in text
    assert "local:PATH" in text


CASES: list[dict[str, str]] = [
    {},
    {"model": "extractive"},
    {"discover": "false"},
    {"base_url": "VLLM"},
    {"base_url": "VLLM", "model": "Qwen/Qwen3-4B"},
    {"base_url": "OLLAMA", "model": "gemma3:4b"},
    {"base_url": "OLLAMA"},
    {"base_url": "VLLM without v1"},
]


@pytest.mark.parametrize("settings", CASES, ids=str)
async def test_the_mark_is_where_ask_goes(
    machine: list[ScriptServer], settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama, vllm = (server.base_url for server in machine)
    places = {"OLLAMA": ollama, "VLLM": vllm, "VLLM without v1": vllm.removesuffix("/v1")}
    for name, value in settings.items():
        monkeypatch.setenv(f"LONGREAD_{name.upper()}", places.get(value, value))
    listing = await command.survey_all(resolve_settings())
    shown = command.as_object(listing)
    opened = await open_policy(load_settings())
    await opened.close()
    chosen = [
        (model["model"], server["base_url"])
        for server in shown["servers"]
        for model in server["models"]
        if model["chosen"]
    ]
    assert shown["chosen"]["model"] == opened.resolved["model"]
    if opened.resolved["model"] == "extractive":
        assert chosen == []
    else:
        url = opened.resolved["base_url"].removesuffix("/v1") + "/v1"
        assert chosen == [(opened.resolved["model"], url)]
    urls = [server["base_url"] for server in shown["servers"]]
    assert len(urls) == len(set(urls))


def test_a_key_goes_to_its_own_host_alone(
    machine: list[ScriptServer], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGREAD_API_KEY", "sk-mine")
    with ScriptServer(routes={"/v1/models": entries("mine")}) as own:
        text = listed(capsys, base_url=[own.base_url])
    assert marked(text) == ["mine"]
    assert "the command gives" in text
    assert {request.headers.get("authorization") for request in own.requests} == {"Bearer sk-mine"}
    for server in machine:
        assert server.requests
        assert all("authorization" not in request.headers for request in server.requests)
    assert "sk-mine" not in text


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        (None, "connection"),
        ({"/v1/models": http({"error": "no key"}, 401)}, "HTTP 401"),
        ({"/v1/models": http("<html>hello")}, "no JSON"),
        ({"/v1/models": {"data": []}}, "does not answer with its models"),
    ],
)
def test_an_endpoint_that_does_not_answer_is_one_line(
    cli: Cli, routes: dict[str, object] | None, why: str
) -> None:
    with ScriptServer(routes=routes) as server:
        url = server.base_url if routes else "http://127.0.0.1:1/v1"
        done = cli("models", "--base-url", url)
    assert done.returncode == 1
    assert done.stderr == ""
    below = done.stdout.splitlines()[done.stdout.splitlines().index(url) + 1]
    assert "does not answer with its models" in below
    assert why in below
    assert done.stdout.splitlines()[-1].startswith("ask would fail: ")
    assert "extractive" in done.stdout


def test_json_is_one_object(cli: Cli) -> None:
    with ScriptServer(routes=VLLM) as server:
        done = cli("models", "--json", "--base-url", server.base_url)
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    (found,) = data["servers"]
    assert found["server"] == "vllm"
    (model,) = found["models"]
    assert model == {
        "model": "Qwen/Qwen3-4B", "window": 40960, "structured": True, "note": None, "chosen": True
    }  # fmt: skip
    assert data["chosen"]["base_url"] == found["base_url"] == server.base_url
    assert data["local"] is True
    assert any("discover" in remark for remark in data["remarks"])


def test_a_named_model_that_is_not_listed_is_told(cli: Cli) -> None:
    with ScriptServer(routes=VLLM) as server:
        done = cli("models", LONGREAD_MODEL="other", LONGREAD_BASE_URL=server.base_url)
    assert done.returncode == 0
    assert "the server does not list it" in done.stdout.splitlines()[-1]
    assert "LONGREAD_MODEL" in done.stdout.splitlines()[-1]


def test_a_checkpoint_is_not_loaded_but_needs_its_extra(
    machine: list[ScriptServer], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGREAD_MODEL", "local:/nowhere")
    assert marked(listed(capsys)) == ["local:PATH"]
    monkeypatch.setattr(discover, "find_spec", lambda name: None)
    text = listed(capsys, code=1)
    assert "ask would fail: a model in this process needs the extra" in text
    assert "needs: pip install 'longread[local]'" in text


def test_hubs_are_cut_and_names_cannot_command_the_terminal(cli: Cli) -> None:
    names = [f"m{i}" for i in range(300)] + ["zz"]
    names[5] = "evil\x1b[2J\nFAIL"
    with ScriptServer(routes={"/v1/models": entries(*names, max_model_len=9000)}) as server:
        done = cli("models", LONGREAD_MODEL="zz", LONGREAD_BASE_URL=server.base_url)
        whole = cli("models", "--json", "--base-url", server.base_url)
    assert "\n* zz" in done.stdout
    assert "and 281 more" in done.stdout
    assert "\x1b" not in done.stdout
    assert "\nFAIL" not in done.stdout
    assert len(json.loads(whole.stdout)["servers"][0]["models"]) == 301


def test_a_server_is_asked_for_what_holds_for_all_its_models_once(
    machine: list[ScriptServer], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    routes = {"/v1/models": entries("a", "b", "c", "d"), "/api/version": {"version": "1"}}
    with ScriptServer(routes=routes) as server:
        monkeypatch.setattr(discover, "LOCAL_SERVERS", ())
        listed(capsys, base_url=[server.base_url])
    asked = [request.path for request in server.requests]
    assert asked.count("/api/v0/models") <= 2  # for the list, and by ask for its one model
    assert asked.count("/api/show") == 5


@pytest.mark.parametrize("url", ["localhost:8000", "http://me:secret@127.0.0.1:1/v1"])
def test_a_wrong_address_is_wrong_usage(cli: Cli, url: str) -> None:
    done = cli("models", "--base-url", url)
    assert done.returncode == 2
    assert "base_url" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr + done.stdout


async def test_a_server_that_was_found_gets_no_key_later_either(
    machine: list[ScriptServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGREAD_API_KEY", "sk-mine")
    first = load_settings()
    opened = await open_policy(first)
    await opened.close()
    again = load_settings(opened.kept(first, {}))
    assert again.base_url in {server.base_url for server in machine}
    assert not again.api_key
