"""Several servers behind one command: `--base-url` repeated, or a file of them; keys go where they belong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx2
import pytest
from starlette.responses import StreamingResponse

from longread.config import Settings, load_settings, resolve_settings
from longread.errors import UsageError
from longread.models.openai import OpenAIModel
from longread.models.pool import PoolModel
from longread.reading.language import LanguagePolicy
from longread.reading.opening import open_policy
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.relay import BoundedRelay, EndpointRelay
from longread.server.api.spread import SpreadRelay
from tests.server.serving import SMALL, Serving
from tests.servers.fixed import FixedProcess
from tests.servers.model import ModelServer
from tests.servers.scripted import Answer, End, ScriptServer, chunk, http, said, sse
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


def test_a_servers_own_name_for_the_model_stays_its_own(world: Cli) -> None:
    file = world.folder / "servers.toml"
    listed = {"/v1/models": {"object": "list", "data": [{"id": "qwen3"}]}}
    with ScriptServer(routes=listed) as one, ScriptServer(routes=listed) as other:
        file.write_text(
            f'[[server]]\nbase_url = "{one.base_url}"\nmodel = "large"\n[[server]]\nbase_url = "{other.base_url}"\n'
        )

        async def names(settings: Settings) -> tuple[str, list[str]]:
            opened = await open_policy(settings)
            assert isinstance(opened.policy, LanguagePolicy)
            assert isinstance(opened.policy.model, PoolModel)
            await opened.close()
            kept = opened.kept(settings, {})
            return kept["model"], [server.name for server in opened.policy.model.servers.values()]

        env = {"LONGREAD_CONFIG": "none", "LONGREAD_BASE_URL": str(file)}
        for given in ({"model": "qwen3"}, {}):
            settings = load_settings(given, env)
            assert asyncio.run(names(settings)) == ("qwen3", ["large", "qwen3"])
            checked = world("doctor", *(["--model", "qwen3"] if given else []), "--base-url", str(file))
            lines = [line for line in checked.stdout.splitlines() if line.split()[1] == "server"]
            assert "does not list large" in lines[0]
            assert "qwen3" in lines[1]
        # Another model, such as a judge, is asked for by its name.
        other_model = load_settings({"model": "judge"}, env).unaliased()
        assert asyncio.run(names(other_model)) == ("judge", ["judge", "judge"])


def test_a_file_of_servers_stands_alone(world: Cli) -> None:
    done = world(*ask("x.toml", "http://a/v1"))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert "x.toml is a file of servers: give it alone" in line
    assert "Value error" not in line
    twice = world(*ask(DEAD, DEAD))
    assert "give each address once" in twice.stderr
    assert "Value error" not in twice.stderr


def short(serving: Serving, stream: bool = False) -> httpx2.Response:
    body = {"model": "scripted", "stream": stream, "messages": [{"role": "user", "content": "Who?"}]}
    return serving.http.post("/v1/chat/completions", json=body)


def test_a_clients_bad_request_sets_no_server_aside(cli: Cli) -> None:
    bad = http({"error": {"message": "no such parameter"}}, 500)
    routes: dict[str, object] = {"/v1/models": {"object": "list", "data": [{"id": "scripted"}]}}
    with ScriptServer(bad, routes=routes) as one, ScriptServer(bad, routes=routes) as other:
        urls = ("--base-url", one.base_url, "--base-url", other.base_url)
        with Serving(cli, "--model", "scripted", *urls, **SMALL) as serving:
            for _ in range(5):
                told = short(serving)
                assert (told.status_code, told.json()) == (500, {"error": {"message": "no such parameter"}})
        assert len(one.asked) == len(other.asked) == 5
        assert "set aside" not in "".join(serving.log)


def test_a_server_whose_streams_break_off_is_set_aside(cli: Cli) -> None:
    half = sse(chunk("fi"), end=End.DROP)
    routes: dict[str, object] = {"/v1/models": {"object": "list", "data": [{"id": "scripted"}]}}
    with ScriptServer(half, routes=routes) as bad, ScriptServer(said("fine"), routes=routes) as good:
        urls = ("--base-url", bad.base_url, "--base-url", good.base_url)
        with Serving(cli, "--model", "scripted", *urls, **SMALL) as serving:
            told = [short(serving, stream=True).text for _ in range(8)]
        broken = ["the model server broke off" in text for text in told]
        assert broken.count(True) == len(bad.asked) >= 3
        assert "set aside" in "".join(serving.log)


REQUEST = ChatRequest.model_validate({"model": "m", "messages": [{"role": "user", "content": "Who?"}]})


def spread(pool: PoolModel) -> SpreadRelay:
    relays = {
        backend: EndpointRelay(server.base_url, None, 60.0, "m") for backend, server in pool.servers.items()
    }
    return SpreadRelay(relays, pool.balancer)


def test_requests_beyond_the_bound_are_told_so_and_no_server_is_set_aside() -> None:
    stalled: Answer = (End.STALL,)

    async def main() -> None:
        with ScriptServer(stalled) as one, ScriptServer(stalled) as other:
            pool = PoolModel([OpenAIModel("m", server.base_url) for server in (one, other)])
            relay = BoundedRelay(spread(pool), 4)
            flying = [asyncio.create_task(relay.send(REQUEST, b"{}")) for _ in range(4)]
            while len(one.asked) + len(other.asked) < 4:
                await asyncio.sleep(0)
            for _ in range(5):
                with pytest.raises(Refusal, match="4 requests are being answered"):
                    await relay.send(REQUEST, b"{}")
            assert [backend.trouble for backend in pool.servers] == [None, None]
            assert len(one.asked) == len(other.asked) == 2
            for task in flying:
                task.cancel()
            await asyncio.gather(*flying, return_exceptions=True)
            assert [backend.flying for backend in pool.servers] == [0, 0]
            await relay.close()
            await pool.close()

    asyncio.run(main())


def test_a_dead_server_is_set_aside_at_once() -> None:
    async def main() -> None:
        with ScriptServer(said("fine")) as good:
            pool = PoolModel([OpenAIModel("m", url) for url in (DEAD, good.base_url)])
            relay = spread(pool)
            response = await relay.send(REQUEST, b"{}")
            dead, alive = pool.servers
            assert dead.trouble is not None
            assert isinstance(response, StreamingResponse)
            assert alive.served == 0, "the stream has only begun"
            async for _ in response.body_iterator:
                pass
            assert (alive.served, alive.flying) == (1, 0)
            await relay.close()
            await pool.close()

    asyncio.run(main())
