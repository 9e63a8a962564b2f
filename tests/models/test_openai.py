"""OpenAIModel against a server that follows a script: good replies in all shapes, then every fault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, NamedTuple

import pytest

from longread.errors import ModelError, UsageError
from longread.models import transport
from longread.models.base import Delta, Message, Reply, Sampling
from longread.models.openai import OpenAIModel
from longread.models.transport import is_encrypted, is_loopback
from tests.servers.scripted import Answer, End, ScriptServer, chunk, http, message, said, sse

PROMPT = (Message.of("system", "Be brief."), Message.of("user", "Who?"))
SAMPLING = Sampling(max_tokens=64, temperature=0.5, top_p=0.9, seed=7)
KEY = "sk-secret-of-mine"


class Price(NamedTuple):
    input: float
    output: float
    cached: float | None = None


class Waits(list[float]):
    """Takes the place of sleep."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Outcome(NamedTuple):
    reply: Reply
    deltas: list[Delta]
    waits: Waits

    @property
    def shown(self) -> tuple[str, str]:
        """What a consumer of the deltas has in the end: (thinking, text)."""
        thinking, text = "", ""
        for delta in self.deltas:
            if delta.restart:
                thinking, text = "", ""
            thinking, text = thinking + delta.thinking, text + delta.text
        return thinking, text


async def ask(server: ScriptServer, sampling: Sampling = SAMPLING, **options: Any) -> Outcome:
    deltas: list[Delta] = []
    waits = Waits()
    model = OpenAIModel("m", server.base_url, sleep=waits, **{"retries": 3, "timeout": 5.0, **options})
    try:
        reply = await model.chat(PROMPT, sampling, deltas.append)
    finally:
        await model.close()
    outcome = Outcome(reply, deltas, waits)
    assert outcome.shown == (reply.thinking, reply.text)
    return outcome


async def refused(server: ScriptServer, **options: Any) -> str:
    """The one line of the ModelError."""
    with pytest.raises(ModelError) as caught:
        await ask(server, api_key=KEY, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert KEY not in line
    assert server.base_url.split("/")[2] in line
    return line


@pytest.mark.parametrize("stream", [True, False])
async def test_request_and_reply(stream: bool) -> None:
    tokens = {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 5}}
    streamed = sse(
        chunk("I ", role="assistant"), chunk("am."), chunk(finish="length"), {"choices": [], "usage": tokens}
    )
    whole = http(message("I am.", "length", usage=tokens))
    with ScriptServer(streamed if stream else whole) as server:
        outcome = await ask(server, stream=stream, api_key=KEY, price=Price(2.0, 10.0, 1.0))
    reply = outcome.reply
    assert (reply.text, reply.thinking, reply.finish) == ("I am.", "", "length")
    assert (reply.usage.calls, reply.usage.input_tokens, reply.usage.output_tokens) == (1, 9, 4)
    assert reply.usage.cached_tokens == 5
    assert reply.usage.cost == pytest.approx((4 * 2 + 5 * 1 + 4 * 10) / 1e6)
    assert reply.token_ids is reply.logprobs is None
    assert len(outcome.deltas) == (2 if stream else 1)
    [body] = server.asked
    expected = {
        "model": "m",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who?"}],
        "max_tokens": 64,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "stream": stream,
    }
    assert body == (expected | {"stream_options": {"include_usage": True}} if stream else expected)


async def test_what_is_none_is_left_to_the_server() -> None:
    with ScriptServer() as server:
        await ask(server, Sampling(8, temperature=None, top_p=None))
    assert server.asked[0].keys() == {"model", "messages", "max_tokens", "stream", "stream_options"}


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (None, (None, None, None, None)),
        ({"prompt_tokens": 5}, (5, None, None, None)),
        ({"prompt_tokens": 1_000_000, "completion_tokens": 0}, (1_000_000, None, 0, 2.0)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "cost": 0.25}, (5, None, 2, 0.25)),
    ],
)
async def test_unknown_usage_is_none(report: dict[str, Any] | None, expected: tuple[Any, ...]) -> None:
    last = [{"choices": [], "usage": report}] if report else []
    with ScriptServer(sse(chunk("x"), chunk(finish="stop"), *last)) as server:
        told = (await ask(server, price=Price(2.0, 10.0))).reply.usage
    assert (told.input_tokens, told.cached_tokens, told.output_tokens, told.cost) == expected


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "because"}]}]
FIELD = {"message": {"content": "so", "reasoning_content": "because"}, "finish_reason": "stop"}
THOUGHT = [
    sse(chunk(reasoning_content="be"), chunk(reasoning_content="cause"), chunk("so"), chunk(finish="stop")),
    sse(chunk(reasoning="because"), chunk("so"), chunk(finish="stop")),
    sse(chunk("<thi"), chunk("nk>because</th"), chunk("ink>\n"), chunk("\nso"), chunk(finish="stop")),
    sse(chunk("beca"), chunk("use</thi"), chunk("nk>\nso"), chunk(finish="stop")),
    sse(chunk(content=PARTS), chunk("so", "stop")),
    http({"choices": [FIELD]}),
    http(message("<think>because</think>so")),
]


@pytest.mark.parametrize("answer", THOUGHT)
async def test_thinking_is_kept_apart(answer: Answer) -> None:
    with ScriptServer(answer) as server:
        reply = (await ask(server)).reply
    assert (reply.thinking, reply.text) == ("because", "so")


async def test_reply_cut_off_while_thinking_has_no_text() -> None:
    with ScriptServer(sse(chunk("<think>on and on"), chunk(finish="length"))) as server:
        reply = (await ask(server)).reply
    assert (reply.thinking, reply.text, reply.finish) == ("on and on", "", "length")


@pytest.mark.parametrize(
    "answer", [sse(chunk(""), chunk(finish="stop")), http(message("")), http(message(None))]
)
async def test_empty_reply_is_the_callers_matter(answer: Answer) -> None:
    with ScriptServer(answer) as server:
        assert (await ask(server)).reply.text == ""
    assert len(server.asked) == 1


async def test_stream_whose_last_bytes_are_missing_is_whole() -> None:
    answers = [
        sse(chunk("fine"), chunk(finish="stop"), done=False),
        sse(chunk("fine"), chunk(finish="stop"), end=End.DROP),
        sse(chunk("fine"), chunk(finish="stop"), "[DONE]", end=End.STALL),
        http(message("fine")),  # no stream, though one was asked for
    ]
    for answer in answers:
        with ScriptServer(answer) as server:
            assert (await ask(server)).reply.text == "fine"
        assert len(server.asked) == 1


FAULTS = {
    "429": http({"error": {"message": "slow down"}}, 429, retry_after="3"),
    "408": http({}, 408),
    "409": http({}, 409),
    "500": http("<html>oops</html>", 500),
    "503": http({"detail": "loading"}, 503),
    "broken body": http('{"choices": [{"mess'),
    "a page": http("<html>please log in</html>"),
    "no choices": http({"choices": []}),
    "not an object": http("[1]"),
    "short body": (http(message("fine"))[0][:-9], End.DROP),
    "at once": (End.DROP,),
    "broken event": sse('{"choices": [{"del', done=False),
    "event that is no object": sse("[1]"),
    "not UTF-8": (sse()[0], b"9\r\ndata: \xff\n\n\r\n", b"0\r\n\r\n"),
    "no finish": sse(chunk("fi")),
    "no events": sse(),
    "drop": sse(chunk("fi"), end=End.DROP),
    "broken off": sse(chunk("fi"), chunk(finish="error")),
    "error in 200": http({"error": {"message": "overloaded", "type": "server_error"}}),
    "error with a code in 200": http({"error": {"message": "overloaded", "code": 502}}),
    "plain error in 200": http({"error": "overloaded"}),
    "error in an event": sse(chunk("fi"), {"error": {"message": "worker died", "code": 500}}),
    "top-level error": sse({"object": "error", "message": "worker died", "code": 500}),
    "stall at once": (End.STALL,),
    "stall after the headers": sse(end=End.STALL),
    "stall in the stream": sse(chunk("fi"), end=End.STALL),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_passes_is_tried_again(fault: str) -> None:
    with ScriptServer(FAULTS[fault], said("fine")) as server:
        outcome = await ask(server, timeout=0.3 if "stall" in fault else 5.0)
    assert outcome.reply.text == "fine"
    assert len(server.asked) == 2
    assert len(outcome.waits) == 1
    handed_out = any(delta.text == "fi" for delta in outcome.deltas)
    assert any(delta.restart for delta in outcome.deltas) is handed_out


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_does_not_pass_ends_in_one_clear_line(fault: str) -> None:
    with ScriptServer(FAULTS[fault]) as server:
        line = await refused(server, timeout=0.1 if "stall" in fault else 5.0)
    assert "4 attempts" in line
    assert len(server.asked) == 4


async def test_waits_grow_and_heed_the_server() -> None:
    in_40 = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    answers = [http({}, 500)] * 4
    answers += [http({}, 429, retry_after=value) for value in ("7", in_40, "9999", "soon", "-3", "nan")]
    with ScriptServer(*answers, said("fine")) as server:
        waits = (await ask(server, retries=20)).waits
    lowest = [0.5, 1, 2, 4, 7, 38, 120, 30, 0, 30]
    for wait, low in zip(waits, lowest, strict=True):
        assert low <= wait <= min(max(low, 40 if low == 38 else low) * 1.25, 120)


PERMANENT = {
    400: ({"error": {"message": f"bad {KEY}\n\nrequest"}}, "bad"),
    401: ({"error": {"message": f"Incorrect API key: {KEY}"}}, "API key"),
    403: ("forbidden", "forbidden"),
    404: ({"error": {"message": "no such model"}}, "base_url"),
    429: ({"error": {"message": "You exceeded your quota", "code": "insufficient_quota"}}, "balance"),
}


@pytest.mark.parametrize("status", PERMANENT)
async def test_refusals_are_not_tried_again(status: int) -> None:
    body, words = PERMANENT[status]
    with ScriptServer(http(body, status)) as server:
        line = await refused(server)
    assert f"HTTP {status}" in line
    assert words in line
    assert len(server.asked) == 1


async def test_refusal_inside_a_good_status_is_a_refusal() -> None:
    for answer in (
        http({"error": {"message": "who are you", "code": 401}}),
        sse({"error": {"message": "who are you", "type": "invalid_request_error"}}),
    ):
        with ScriptServer(answer) as server:
            assert "who are you" in await refused(server)
        assert len(server.asked) == 1


VLLM = (
    "This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (8000 in the "
    "messages, 1000 in the completion). Please reduce the length of the messages or max_tokens."
)
LLAMACPP = "the request exceeds the available context size (4096 tokens), try increasing it"
TOO_LONG = [
    {"error": {"message": "too long", "code": "context_length_exceeded"}},
    {"error": {"message": VLLM, "param": "max_tokens"}},
    {"error": {"message": LLAMACPP, "type": "exceed_context_size_error"}},
    {"message": "The prompt is too long: 9000 tokens", "object": "error"},
]


@pytest.mark.parametrize("body", TOO_LONG)
async def test_prompt_longer_than_the_window(body: dict[str, Any]) -> None:
    with ScriptServer(http(body, 400)) as server:
        line = await refused(server)
    assert "`window`" in line
    assert "chunk_tokens" in line
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("stream_options", {"message": "Unrecognized request argument supplied: stream_options"}),
        ("max_tokens", {"message": "Use 'max_completion_tokens' instead.", "param": "max_tokens"}),
        ("temperature", {"message": "'temperature' does not support 0.5", "param": "temperature"}),
        ("top_p", {"message": "`temperature` and `top_p` cannot both be given", "param": "top_p"}),
        ("seed", {"message": "property 'seed' is unsupported"}),
        (
            "response_format",
            {"message": "'response_format.type' must be text", "param": "response_format.type"},
        ),
    ],
)
async def test_parameter_that_the_server_does_not_take(name: str, error: dict[str, Any]) -> None:
    sampling = SAMPLING._replace(schema={"type": "object"})
    with ScriptServer(http({"error": error}, 400), said("fine"), said("again")) as server:
        first = await ask(server, sampling, structured=True)
        second = OpenAIModel("m", server.base_url, structured=True)
        assert second.structured is (name != "response_format")
        assert (await second.chat(PROMPT, sampling)).text == "again"
        await second.close()
    assert not first.waits
    asked = server.asked
    assert name in asked[0]
    for body in asked[1:]:
        given = asked[0].keys() - {name} | ({"max_completion_tokens"} if name == "max_tokens" else set())
        assert body.keys() == given
    assert asked[-1].get("max_completion_tokens", 64) == 64


async def test_value_that_is_too_large_is_not_a_parameter_to_drop() -> None:
    error = {"message": "max_tokens is too large: 64. This model supports at most 16", "param": "max_tokens"}
    with ScriptServer(http({"error": error}, 400)) as server:
        assert "at most 16" in await refused(server)
    assert len(server.asked) == 1


async def test_schema_is_sent_where_the_server_enforces_it() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    with ScriptServer() as server:
        await ask(server, SAMPLING._replace(schema=schema), structured=True)
        await ask(server, SAMPLING._replace(schema=schema), structured=False)
    assert server.asked[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema, "strict": True},
    }
    assert "response_format" not in server.asked[1]


async def test_key_goes_to_its_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "sk-of-openai")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: sk-of-openai")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with (
        ScriptServer() as target,
        ScriptServer(http({}, 307, location=target.base_url + "/chat/completions")) as server,
    ):
        assert "redirects" in await refused(server)
        assert target.requests == []
        await ask(target)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "sk-of-openai" not in str(server.requests) + str(target.requests)
    assert "authorization" not in target.requests[0].headers


async def test_address_where_nothing_listens_is_told_soon() -> None:
    with ScriptServer() as server:
        gone = server.base_url
    waits = Waits()
    model = OpenAIModel("m", gone, sleep=waits)
    with pytest.raises(ModelError, match=r"3 attempts.*no connection"):
        await model.chat(PROMPT, SAMPLING)
    await model.close()
    assert len(waits) == 2


def test_what_cannot_be_sent_is_refused_at_once() -> None:
    for url in ("localhost:8000/v1", "ftp://host/v1", "http://", "http://[bad"):
        with pytest.raises(UsageError, match="base_url"):
            OpenAIModel("m", url)
    with pytest.raises(UsageError, match="API key") as caught:
        OpenAIModel("m", "http://host/v1", api_key="sk-\u2026secret")
    assert "secret" not in str(caught.value)


async def test_connections_are_used_again_and_belong_to_their_loop() -> None:
    with ScriptServer() as server:
        model = OpenAIModel("m", server.base_url)
        for _ in range(5):
            await model.chat(PROMPT, SAMPLING)
        assert server.connections == 1
        other: Callable[[], Reply] = lambda: asyncio.run(model.chat(PROMPT, SAMPLING))  # noqa: E731
        assert (await asyncio.to_thread(other)).text == "fine"
        await model.close()


async def test_connections_of_calls_made_together_are_used_again() -> None:
    together = 20
    with ScriptServer() as server:
        model = OpenAIModel("m", server.base_url)
        for _ in range(3):
            made = await asyncio.gather(*(model.chat(PROMPT, SAMPLING) for _ in range(together)))
            assert {reply.text for reply in made} == {"fine"}
        assert server.connections <= together
        await model.close()
        assert (await model.chat(PROMPT, SAMPLING)).text == "fine"  # what was closed is opened again
        await model.close()


async def test_pools_that_nobody_needs_any_more_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptServer() as server:
        model = OpenAIModel("m", server.base_url)
        await asyncio.gather(*(model.chat(PROMPT, SAMPLING) for _ in range(3 * transport._POOL)))
        pools = list(model._transport._pools)
        assert len(pools) == 3
        monkeypatch.setattr(transport, "_KEEP_SECONDS", -1.0)
        for _ in range(4):
            await model.chat(PROMPT, SAMPLING)
        assert [pool.client.is_closed for pool in pools] == [False, True, True]
        await model.close()


async def test_what_no_client_can_be_made_for_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    model = OpenAIModel("m", "https://example.com/v1")
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            await model.chat(PROMPT, SAMPLING)
    here = OpenAIModel("m", "https://localhost:9/v1", retries=0)  # where the environment has no say
    with pytest.raises(ModelError, match="no connection"):
        await here.chat(PROMPT, SAMPLING)


async def test_cancelling_a_call_closes_its_connection() -> None:
    with ScriptServer(sse(chunk("fi"), end=End.STALL)) as server:
        model = OpenAIModel("m", server.base_url)
        begun = asyncio.Event()
        call = asyncio.create_task(model.chat(PROMPT, SAMPLING, lambda delta: begun.set()))
        await begun.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await model.close()
    assert len(server.asked) == 1


async def test_text_without_utf8_form_is_sent_all_the_same() -> None:
    with ScriptServer() as server:
        model = OpenAIModel("m", server.base_url)
        await model.chat((Message.of("user", "a\ud800b\x00é"),), SAMPLING)
        await model.close()
    assert server.asked[0]["messages"][0]["content"] == "a?b\x00é"


async def test_tokenize_route_corrects_the_estimate() -> None:
    text = "word " * 400
    routes = {"/tokenize": {"count": 1500, "tokens": list(range(1500))}}
    with ScriptServer(routes=routes) as server:
        model = OpenAIModel("m", server.base_url)
        assert await model.calibrate([text])
        assert model.count(text) == 1530
        assert server.requests[0].body["prompt"] == server.requests[0].body["content"] == text
        await model.close()
    with ScriptServer() as server:
        model = OpenAIModel("m", server.base_url)
        assert not await model.calibrate([text])
        assert model.count(text) == 500
        await model.close()


HOSTILE = {
    "text without end": sse(*[chunk("x" * 10_000)] * 2_000, chunk(finish="stop")),
    "thinking without end": sse(*[chunk(reasoning_content="x" * 10_000)] * 2_000, chunk(finish="stop")),
    "a line without end": (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n",
        *[b"x" * 1_000_000] * 20,
    ),
    "deep JSON": http("[" * 200_000),
    "a deep event": sse("[" * 200_000),
    "a status that is no number": http({"error": {"code": "\u00b2", "message": "no"}}),
    "a date beyond the calendar": http(
        {}, 429, retry_after="Mon, 01 Jan 2024 00:00:00 +99999999999999999999"
    ),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE)
async def test_a_server_that_has_lost_its_way_is_one_clear_line(answer: Answer) -> None:
    with ScriptServer(answer) as server:
        await refused(server, retries=1)


async def test_usage_that_cannot_be_is_unknown() -> None:
    report = {"prompt_tokens": 10**30, "completion_tokens": -1, "cost": float("nan")}
    with ScriptServer(http(message("fine", usage=report))) as server:
        usage = (await ask(server, stream=False)).reply.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cost) == (None, None, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://user:pass@localhost/v1",
        "http://[::1/v1",
        "http://\u00fcn\u00ef\u2026/v1",
        "ftp://x/v1",
        "localhost",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError, match="base_url") as caught:
        OpenAIModel("m", url)
    assert "pass@" not in str(caught.value)


def test_certificates_are_checked_however_https_is_written() -> None:
    assert is_encrypted("HTTPS://api.example/v1")
    assert not is_encrypted("http://localhost/v1")


async def test_a_long_pause_is_told_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    busy = http({"error": {"message": "over\x1b[2Jloaded"}}, 503)
    with ScriptServer(busy, busy, busy, busy, said("fine")) as server:
        await ask(server, retries=5)
    told = [record.getMessage() for record in caplog.records if record.name == "longread.models.retrying"]
    assert len(told) == 2  # after half a second and a second, nothing
    assert all("503" in line and "trying again in" in line and "\x1b" not in line for line in told)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8000/v1", True),
        ("http://127.0.0.2/v1", True),
        ("http://[::1]:1/v1", True),
        ("http://127.evil.example/v1", False),
        ("http://192.0.2.2/v1", False),
    ],
)
def test_what_is_on_this_machine(url: str, here: bool) -> None:
    assert is_loopback(url) is here
