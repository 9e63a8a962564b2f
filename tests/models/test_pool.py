"""One model at several real servers: least loaded first, prefixes, failover, return; one of them really killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from longread import Corpus, Journal, Reader
from longread.config import Settings
from longread.errors import ModelError
from longread.models.balancer import Backend, Balancer, blocks_of
from longread.models.base import Delta, Message, Reply, Sampling
from longread.models.faults import Fault
from longread.models.openai import OpenAIModel
from longread.models.pool import PoolModel
from longread.reading.events import ChunkRead, Finished
from longread.reading.language import LanguagePolicy
from longread.reading.opening import open_policy
from tests.servers.fixed import FixedProcess
from tests.servers.model import ModelServer
from tests.servers.scripted import End, ScriptServer, chunk, http, said, sse
from tests.support import planted

PROMPT = (Message.of("user", "Who?"),)
SAMPLING = Sampling(max_tokens=64)
NOWHERE = "http://127.0.0.1:9/v1"
MODELS = {"/v1/models": {"object": "list", "data": []}}


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


def pool(
    *urls: str, weights: Sequence[float] | None = None, key: str | None = None, retries: int = 3
) -> PoolModel:
    servers = [OpenAIModel("m", url, api_key=key, timeout=2.0) for url in urls]
    return PoolModel(servers, weights=weights, retries=retries, sleep=at_once)


@asynccontextmanager
async def opened(model: PoolModel) -> AsyncIterator[PoolModel]:
    try:
        yield model
    finally:
        await model.close()


async def many(model: PoolModel, calls: int, at: int) -> list[Reply]:
    room = asyncio.Semaphore(at)

    async def one(number: int) -> Reply:
        async with room:
            return await model.chat((Message.of("user", f"Who is {number}?"),), SAMPLING)

    return await asyncio.gather(*map(one, range(calls)))


def backends(*weights: float, slots: int | None = None) -> list[Backend]:
    return [Backend(f"s{at}", weight=weight, slots=slots) for at, weight in enumerate(weights)]


async def able(_: Backend) -> bool:
    return True


async def test_calls_go_where_fewest_are_in_flight_for_the_weight() -> None:
    balancer = Balancer(backends(1, 3), able)
    taken = [await balancer.claim([]) for _ in range(40)]
    assert [taken.count(one) for one in balancer.backends] == [10, 30]


async def test_a_slow_server_gets_fewer_calls() -> None:
    with ModelServer(planted.read) as quick, ModelServer(planted.read) as other, ExitStack() as stack:
        slow = stack.enter_context(FixedProcess(0.3, 64))
        async with opened(pool(quick.base_url, slow.base_url, other.base_url)) as model:
            await many(model, 300, 12)
            served = [one.served for one in model.servers]
        assert sum(served) == 300
        assert served[1] < min(served[0], served[2])


async def test_a_long_beginning_goes_where_it_was_read_unless_that_is_clearly_busier() -> None:
    balancer = Balancer(backends(1, 1, 1), able)
    long = blocks_of("a" * 9_000)
    assert len(long) == 4
    first = await balancer.claim(long)
    again = [await balancer.claim(blocks_of("a" * 9_000 + "another question"))]
    assert again == [first]
    busy = await balancer.claim(long)
    assert busy not in (first, None)
    assert blocks_of("short") == []
    # What differs within the first block shares nothing.
    balancer = Balancer(backends(1, 1), able)
    assert await balancer.claim(blocks_of("b" * 9_000)) != await balancer.claim(blocks_of("c" + "b" * 9_000))


async def test_a_server_gets_no_more_calls_than_it_has_slots() -> None:
    balancer = Balancer(backends(1, 1, slots=2), able)
    taken = [await balancer.claim([]) for _ in range(4)]
    waiting = asyncio.ensure_future(balancer.claim([]))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert taken[0]
    balancer.release(taken[0])
    assert await waiting is taken[0]


async def test_a_call_that_waits_for_room_at_the_last_server_is_told_when_that_is_gone() -> None:
    balancer = Balancer(backends(1, slots=1), able, sleep=lambda _: asyncio.Event().wait())
    [only] = balancer.backends
    assert await balancer.claim([]) is only
    waiting = asyncio.ensure_future(balancer.claim([]))
    await asyncio.sleep(0)
    balancer.failed(only, Fault("gone", reached=False))
    assert await waiting is None
    await balancer.close()


@pytest.mark.parametrize(
    "answer",
    [http({}, 500), http({}, 429, retry_after="9"), (End.DROP,), http({}, 401), http({}, 404), http("{")],
)
async def test_what_lies_with_a_server_is_made_at_another(answer: tuple[bytes | End, ...]) -> None:
    with ScriptServer(answer) as bad, ScriptServer(said("fine")) as good:
        async with opened(pool(bad.base_url, good.base_url)) as model:
            replies = await many(model, 40, 8)
    assert [reply.text for reply in replies] == ["fine"] * 40
    assert len(good.asked) == 40


async def test_a_stream_that_breaks_off_begins_again_elsewhere() -> None:
    half = sse(chunk("fi"), end=End.DROP)
    deltas: list[Delta] = []
    with ScriptServer(half) as bad, ScriptServer(said("fine")) as good:
        async with opened(pool(bad.base_url, good.base_url)) as model:
            reply = await model.chat(PROMPT, SAMPLING, deltas.append)
    assert reply.text == "fine"
    shown = ""
    for delta in deltas:
        shown = "" if delta.restart else shown + delta.text
    assert shown == "fine"


async def test_what_lies_with_the_request_is_told_at_once() -> None:
    too_long = http({"error": {"message": "maximum context length is 9"}}, 400)
    with ScriptServer(too_long) as one, ScriptServer(too_long) as other:
        async with opened(pool(one.base_url, other.base_url)) as model:
            with pytest.raises(ModelError, match="longer than the server's window"):
                await model.chat(PROMPT, SAMPLING)
        assert len(one.asked) + len(other.asked) == 1


async def test_all_servers_gone_is_one_error_that_names_them_all() -> None:
    async with opened(pool(NOWHERE, "http://127.0.0.1:7/v1")) as model:
        with pytest.raises(ModelError) as caught:
            await model.chat(PROMPT, SAMPLING)
    line = str(caught.value)
    assert "127.0.0.1:9: no connection" in line
    assert "127.0.0.1:7: no connection" in line


async def test_all_servers_refusing_is_told_without_another_try_and_without_the_key() -> None:
    refusal = http({"error": {"message": "sk-mine is no key"}}, 401)
    with ScriptServer(refusal) as one, ScriptServer(refusal) as other:
        async with opened(pool(one.base_url, other.base_url, key="sk-mine")) as model:
            with pytest.raises(ModelError, match="HTTP 401") as caught:
                await model.chat(PROMPT, SAMPLING)
        assert len(one.asked) == len(other.asked) == 1
    assert "sk-mine" not in str(caught.value)
    assert str(caught.value).count("HTTP 401") == 2


async def test_a_server_that_answers_again_is_taken_back(caplog: pytest.LogCaptureFixture) -> None:
    with ScriptServer(http({}, 500, retry_after="1"), said("back"), routes=dict(MODELS)) as first:
        async with opened(pool(first.base_url, NOWHERE, retries=100_000)) as model:
            with caplog.at_level("WARNING"):
                reply = await model.chat(PROMPT, SAMPLING)
        assert any(request.path == "/v1/models" for request in first.requests)
    assert reply.text == "back"
    told = [record.getMessage() for record in caplog.records]
    assert any("is set aside (HTTP 500" in line for line in told)
    assert any("answers again" in line for line in told)


def answers_of(events: list[Any]) -> list[object]:
    [finished] = [event for event in events if isinstance(event, Finished)]
    return [(answer.text, [c.text for c in answer.citations]) for answer in finished.answers]


async def test_a_run_of_which_one_server_is_killed_gives_the_same_answer_and_loses_no_call(
    tmp_path: Path,
) -> None:
    world = planted.plant(30_000, 3, seed=5)
    corpus = Corpus((world.document(),))
    sizes: dict[str, Any] = {"window": 8_192, "chunk_tokens": 500, "strategy": "rounds", "temperature": 0.0}

    async def read(name: str, urls: list[str], victim: FixedProcess | None) -> tuple[list[object], int, int]:
        journal = Journal(tmp_path / name)
        reader = Reader("scripted", base_url=urls, journal=journal, **sizes)
        events: list[Any] = []
        async for event in reader.read(world.question, corpus):
            events.append(event)
            if victim and isinstance(event, ChunkRead):
                victim.kill()
                victim = None
        await reader.close()
        journal.close()
        chunks = sum(isinstance(event, ChunkRead) for event in events)
        return answers_of(events), chunks, events[-1].answers[0].usage.calls

    with ModelServer(planted.read) as alone:
        expected = await read("one", [alone.base_url], None)
    with FixedProcess(0.05, 8) as victim, FixedProcess(0.2, 8) as slow, ModelServer(planted.read) as quick:
        found = await read("three", [victim.base_url, slow.base_url, quick.base_url], victim)
        assert victim.process.poll() is not None
    assert found == expected
    assert expected[2] > expected[1] > 30


def vllm(window: int) -> dict[str, object]:
    entry = {"id": "m", "object": "model", "owned_by": "vllm", "max_model_len": window}
    return {"/v1/models": {"object": "list", "data": [entry]}}


async def open_at(*urls: str) -> tuple[PoolModel, int]:
    """The pool as a run has it, and how many calls it makes at once."""
    opened = await open_policy(Settings(model="m", base_url=urls))
    assert isinstance(opened.policy, LanguagePolicy)
    assert isinstance(opened.policy.model, PoolModel)
    return opened.policy.model, opened.policy.concurrency


async def test_a_server_that_is_down_at_the_start_counts_for_nothing() -> None:
    with ScriptServer(routes=vllm(9_000)) as up:
        model, calls = await open_at(NOWHERE, up.base_url)
        async with opened(model):
            assert (model.structured, model.window, calls) == (True, 9_000, 16)
            assert (await model.chat(PROMPT, SAMPLING)).text == "fine"
    model, calls = await open_at(NOWHERE, "http://127.0.0.1:7/v1")
    async with opened(model):
        assert (model.structured, model.window, calls) == (False, None, 32)


@pytest.mark.parametrize(
    ("routes", "why"),
    [
        (vllm(8_000), "a window of 8,000 tokens, less than the 9,000"),
        ({"/v1/models": {"object": "list", "data": [{"id": "m"}]}}, "not known to enforce JSON schemas"),
        (vllm(10_000), None),
    ],
)
async def test_a_server_that_comes_back_is_asked_what_it_is(
    routes: dict[str, object], why: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    down = http({"error": {"message": "loading"}}, 503)
    with ScriptServer(routes=vllm(9_000)) as up, ScriptServer(routes={"/v1/models": down}) as late:
        model, _ = await open_at(up.base_url, late.base_url)
        async with opened(model):
            model.balancer._sleep = at_once
            caplog.clear()
            _, backend = model.balancer.backends
            late.routes = routes
            while not caplog.messages:
                await model.chat(PROMPT, SAMPLING)
            assert (model.structured, model.window) == (True, 9_000)
            if why:
                assert why in caplog.messages[0]
                assert why in str(backend.trouble)
                assert not late.asked
            else:
                assert "answers again" in caplog.messages[0]
                assert model.servers[backend].window == 10_000
                while not late.asked:
                    await model.chat(PROMPT, SAMPLING)
                assert late.asked[0].get("response_format") is None


@pytest.mark.slow
async def test_32_runs_over_three_servers_one_killed_and_one_slow(tmp_path: Path) -> None:
    worlds = [planted.plant(1_500, 2, seed=number) for number in range(32)]
    sizes: dict[str, Any] = {
        "window": 8_192,
        "chunk_tokens": 500,
        "strategy": "rounds",
        "temperature": 0.0,
        "revisits": 0,
    }

    async def read(
        urls: list[str], victim: FixedProcess | None
    ) -> tuple[list[list[object]], list[list[int]]]:
        journal = Journal(tmp_path / str(len(urls)))
        reader = Reader("scripted", base_url=urls, journal=journal, **sizes)
        chunks = 0

        async def one(world: planted.World) -> tuple[list[object], list[int]]:
            nonlocal chunks
            events: list[Any] = []
            async for event in reader.read(world.question, Corpus((world.document(),))):
                events.append(event)
                chunks += isinstance(event, ChunkRead)
                if victim and chunks == len(worlds):
                    victim.kill()
            read = sorted(event.chunk for event in events if isinstance(event, ChunkRead))
            return answers_of(events), [*read, events[-1].answers[0].usage.calls]

        done = await asyncio.gather(*map(one, worlds))
        await reader.close()
        journal.close()
        return [answers for answers, _ in done], [made for _, made in done]

    with ModelServer(planted.read) as alone:
        expected = await read([alone.base_url], None)
    with FixedProcess(0.05, 8) as victim, FixedProcess(0.2, 8) as slow, ModelServer(planted.read) as quick:
        found = await read([victim.base_url, slow.base_url, quick.base_url], victim)
        assert victim.process.poll() is not None
        assert max(quick.replied.values()) == 1
    assert found == expected
    assert [answers[0] for answers in found[0]]
