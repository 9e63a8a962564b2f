"""Clients made for OpenAI, unmodified, against a running server."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import openai
import pytest

from tests.server.serving import SMALL, Serving, curl
from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(6_000, 3, seed=51)
COMPANY = WORLD.question.split("company ")[1].split()[0]
FIRST = f"In which city was the founder of the company {COMPANY} born?"


@pytest.fixture
def model() -> Iterator[ModelServer]:
    with ModelServer(planted.read) as server:
        yield server


@pytest.fixture
def serving(cli: Cli, model: ModelServer) -> Iterator[Serving]:
    with Serving(cli, "--model", "scripted", "--base-url", model.base_url, **SMALL) as server:
        yield server


def client(serving: Serving) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0)


def marked(question: str = WORLD.question, text: str = WORLD.text) -> list[dict[str, str]]:
    return [{"role": "user", "content": f"<text>{text}</text>\n{question}"}]


def test_a_long_request_is_read_and_cited(serving: Serving) -> None:
    made = client(serving).chat.completions.create(model="scripted", messages=marked())
    message = made.choices[0].message
    assert message.content and WORLD.answer in message.content
    cited = [a.model_dump()["file_citation"] for a in message.annotations or ()]
    assert WORLD.hops[-1] in [" ".join(c["text"].split()) for c in cited]
    for c in cited:
        assert message.content[c["start_index"] : c["end_index"]].startswith("[")
        assert c["text"] == WORLD.text[c["start"] : c["end"]]
    extra = made.model_extra["longread"]
    assert made.usage and made.usage.prompt_tokens == extra["usage"]["input_tokens"] > 0
    assert extra["chunks"]["read"] > 3
    assert extra["strategy"] == "sequential"
    # Known by now: no call is made, and none is counted.
    calls = serving.http.get("/metrics").text
    again = client(serving).chat.completions.create(model="longread", messages=marked())
    assert again.choices[0].message.content == message.content
    assert again.model_extra["longread"]["stored"]
    assert again.usage and again.usage.total_tokens == 0
    assert "longread_chunks_read_total" in calls


def test_progress_streams_as_reasoning_and_the_answer_as_content(serving: Serving) -> None:
    thoughts, content, last = "", "", None
    for piece in client(serving).chat.completions.create(
        model="scripted", messages=marked(), stream=True, stream_options={"include_usage": True}
    ):
        if piece.choices:
            delta = piece.choices[0].delta
            thoughts += (delta.model_extra or {}).get("reasoning_content", "")
            content += delta.content or ""
            if piece.choices[0].finish_reason:
                last = piece
        elif piece.usage:
            usage = piece.usage
    assert last is not None
    assert WORLD.answer in content
    assert all(" ".join(hop.split()) in " ".join(thoughts.split()) for hop in WORLD.hops)
    assert last.choices[0].delta.model_extra["annotations"]
    assert usage.prompt_tokens == last.model_extra["longread"]["usage"]["input_tokens"]


def test_what_is_skipped_is_neither_told_nor_counted_as_read(cli: Cli, model: ModelServer) -> None:
    (cli.folder / "skip.toml").write_text(planted.prompts(exact=True, named=True, skip=True))
    asked = ("--model", "scripted", "--base-url", model.base_url, "--set", "prompts=skip.toml")
    thoughts = ""
    with Serving(cli, *asked, **SMALL) as serving:
        for piece in client(serving).chat.completions.create(
            model="scripted", messages=marked(), stream=True
        ):
            if piece.choices:
                thoughts += (piece.choices[0].delta.model_extra or {}).get("reasoning_content", "")
                extra = piece.model_extra or {}
        counted = serving.http.get("/metrics").text
    chunks = extra["longread"]["chunks"]
    assert chunks["skipped"] > 0 and chunks["read"] > 0
    assert len(re.findall(rf"\d+/{chunks['total']}: ", thoughts)) == chunks["read"]
    assert f"longread_chunks_read_total {chunks['read']}.0" in counted


async def test_the_asynchronous_client_works(serving: Serving) -> None:
    async with openai.AsyncOpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0) as asked:
        stream = await asked.chat.completions.create(model="scripted", messages=marked(), stream=True)
        content = "".join([piece.choices[0].delta.content or "" async for piece in stream if piece.choices])
        assert WORLD.answer in content
        models = [model.id async for model in asked.models.list()]
    assert models == ["scripted", "longread"]


def test_short_requests_pass_straight_through(serving: Serving, model: ModelServer) -> None:
    model.reply = lambda prompt: f"you said {prompt}"
    asked = client(serving)
    messages = [{"role": "user", "content": "hello"}]
    made = asked.chat.completions.create(model="longread", messages=messages, temperature=0.3, stop=["x"])
    assert made.choices[0].message.content == "you said hello"
    streamed = asked.chat.completions.create(model="scripted", messages=messages, stream=True)
    assert "".join(p.choices[0].delta.content or "" for p in streamed if p.choices) == "you said hello"
    assert dict(model.received) == {"hello": 2}
    assert serving.http.get("/api/runs").json() == {"runs": []}


def test_a_long_conversation_is_read_to_its_last_turn(serving: Serving) -> None:
    third = len(WORLD.text) // 3
    pieces = [WORLD.text[:third], WORLD.text[third : 2 * third], WORLD.text[2 * third :]]
    messages = [
        m
        for p in pieces
        for m in ({"role": "user", "content": p}, {"role": "assistant", "content": "Noted."})
    ]
    made = client(serving).chat.completions.create(
        model="scripted", messages=[*messages, {"role": "user", "content": WORLD.question}]
    )
    message = made.choices[0].message
    assert WORLD.answer in message.content
    places = [a.model_dump()["file_citation"]["place"] for a in message.annotations]
    assert any(place.startswith("conversation") and "message" in place for place in places)


def test_a_last_turn_that_is_long_ends_with_its_question(serving: Serving) -> None:
    messages = [{"role": "user", "content": f"{WORLD.text * 2}\n\n{WORLD.question}"}]
    made = client(serving).chat.completions.create(model="scripted", messages=messages)
    assert WORLD.answer in made.choices[0].message.content


def test_uploads_are_asked_about_again_and_again(serving: Serving) -> None:
    asked = client(serving)
    file = asked.files.create(file=("notes/world.txt", WORLD.text.encode()), purpose="user_data")
    assert (
        asked.files.create(file=("notes/world.txt", WORLD.text.encode()), purpose="user_data").id == file.id
    )
    assert [f.id for f in asked.files.list()] == [file.id]
    assert asked.files.content(file.id).read().decode() == WORLD.text
    parts = [
        {"type": "file", "file": {"file_id": file.id}},
        {"type": "text", "text": WORLD.question},
    ]
    made = asked.chat.completions.create(model="scripted", messages=[{"role": "user", "content": parts}])
    assert WORLD.answer in made.choices[0].message.content
    run = made.model_extra["longread"]["run_id"]
    # The next turn of the conversation follows up on that run.
    turns = [
        {"role": "user", "content": parts},
        {"role": "assistant", "content": made.choices[0].message.content},
        {"role": "user", "content": "In which city was the founder of that company born?"},
    ]
    then = asked.chat.completions.create(model="scripted", messages=turns)
    runs = {r["run_id"]: r for r in serving.http.get("/api/runs").json()["runs"]}
    assert runs[then.model_extra["longread"]["run_id"]]["follows"] == run
    assert asked.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError, match="upload it again"):
        asked.chat.completions.create(model="scripted", messages=[{"role": "user", "content": parts}])


def test_documents_come_in_a_field_of_their_own_or_within_a_part(serving: Serving) -> None:
    asked = client(serving)
    question = [{"role": "user", "content": WORLD.question}]
    documents = ["nothing of note", {"name": "world.txt", "text": WORLD.text}]
    made = asked.chat.completions.create(
        model="scripted", messages=question, extra_body={"documents": documents}
    )
    assert WORLD.answer in made.choices[0].message.content
    assert {c["source"] for c in made.model_extra["longread"]["citations"]} == {"world.txt"}
    data = "data:text/plain;base64," + base64.b64encode(WORLD.text.encode()).decode()
    part = {"type": "file", "file": {"filename": "w.txt", "file_data": data}}
    content = [part, {"type": "text", "text": WORLD.question}]
    made = asked.chat.completions.create(model="scripted", messages=[{"role": "user", "content": content}])
    assert {c["source"] for c in made.model_extra["longread"]["citations"]} == {"w.txt"}


def test_what_has_no_effect_on_a_reading_is_named(serving: Serving) -> None:
    made = client(serving).chat.completions.create(
        model="scripted", messages=marked(), temperature=0.1, max_tokens=5
    )
    assert set(made.model_extra["longread"]["ignored"]) == {"temperature", "max_tokens"}
    with pytest.raises(openai.BadRequestError, match="n: "):
        client(serving).chat.completions.create(model="scripted", messages=marked(), n=2)


def test_what_follows_the_last_user_turn_is_read_too(serving: Serving) -> None:
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": WORLD.question},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": WORLD.text * 2},
    ]
    made = client(serving).chat.completions.create(model="scripted", messages=messages)
    assert WORLD.answer in made.choices[0].message.content


def test_curl_and_a_program_of_others_are_served(serving: Serving, tmp_path: Path) -> None:
    body = json.dumps({"model": "longread", "messages": marked()})
    (tmp_path / "body.json").write_text(body)
    said = curl(
        f"{serving.url}/v1/chat/completions",
        "-H",
        "Content-Type: application/json",
        "-d",
        f"@{tmp_path}/body.json",
    )
    assert WORLD.answer in json.loads(said)["choices"][0]["message"]["content"]
    # https://llm.datasette.io, configured as its manual says for endpoints that speak OpenAI's API.
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: reader\n  model_name: scripted\n  api_base: {serving.url}/v1\n  api_key_name: none\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "reader", "--key", "x", marked()[0]["content"]],
        env=serving._cli.env | {"LLM_USER_PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert WORLD.answer in done.stdout, done.stderr


def test_who_leaves_stops_the_run_and_who_comes_back_goes_on(serving: Serving, model: ModelServer) -> None:
    third, left = Event(), Event()

    def wait(number: int) -> None:
        if number == 3:
            third.set()
            left.wait(30)

    model.on_call = wait
    stream = client(serving).chat.completions.create(model="scripted", messages=marked(), stream=True)
    assert third.wait(30)
    stream.close()
    while serving.http.get("/api/status").json()["running"]:
        pass
    left.set()
    (run,) = serving.http.get("/api/runs").json()["runs"]
    assert run["status"] == "interrupted"
    made = client(serving).chat.completions.create(model="scripted", messages=marked())
    assert made.model_extra["longread"]["run_id"] == run["run_id"]
    assert sorted(model.received.values())[-2:] == [
        1,
        2,
    ]  # only the call that nobody waited for was made again


def test_questions_that_arrive_together_share_a_read(serving: Serving, model: ModelServer) -> None:
    file = serving.upload(WORLD.text)["id"]
    hold, begun = Event(), Event()
    other = serving.upload("Nothing of note.\n", "other.txt")["id"]

    def wait(number: int) -> None:
        begun.set()
        hold.wait(30)

    model.on_call = wait
    blocking = [
        serving.begin([f"Who founded the company Acme{n}?"], [other], fresh=True) for n in range(4)
    ]  # all places are taken
    assert begun.wait(30)
    tickets = {serving.begin([q], [file]) for q in (WORLD.question, FIRST, WORLD.question)}
    hold.set()
    assert len(tickets) == 1
    finished = dict(serving.events(tickets.pop()))["finished"]
    assert [a["question"] for a in finished["answers"]] == [WORLD.question, FIRST]
    assert WORLD.answer in finished["answers"][0]["answer"]
    for ticket in blocking:
        assert serving.events(ticket)[-1][0] == "finished"
    # Each of them is known from now on.
    calls = model.calls
    again = dict(serving.events(serving.begin([FIRST], [file])))["finished"]
    assert again["stored"]
    assert model.calls == calls


def test_a_model_server_that_fails_is_told_as_it_is(serving: Serving, model: ModelServer) -> None:
    model.refuses = "messages"
    with pytest.raises(openai.BadRequestError, match="not supported"):
        client(serving).chat.completions.create(
            model="scripted", messages=[{"role": "user", "content": "hello"}]
        )
    with pytest.raises(openai.APIStatusError) as caught:
        client(serving).chat.completions.create(model="scripted", messages=marked())
    assert caught.value.status_code == 502
    with pytest.raises(openai.APIError, match="kept as run"):
        list(client(serving).chat.completions.create(model="scripted", messages=marked(), stream=True))


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"model": "gpt-0", "messages": marked("?", "x")}, 404, "this server has scripted"),
        ({"model": "scripted", "messages": []}, 400, "messages"),
        ({"model": "scripted", "messages": [{"role": "assistant", "content": "x"}]}, 400, "no user turn"),
        ({"model": "scripted", "messages": marked("")}, 400, "nothing is asked"),
        ({"model": "scripted", "messages": marked("?", " ")}, 400, "is empty"),
        ({"model": "scripted", "messages": marked("?" * 9_000)}, 400, "8,000 at most"),
        ({"model": "scripted", "messages": [{"role": "user", "content": "x" * 90_000}]}, 400, "<text>"),
        ({"model": "scripted", "messages": marked("?"), "longread": {"follow": "00"}}, 404, "no such run"),
        ({"model": "scripted", "messages": marked("?"), "longread": {"fast": True}}, 400, "longread.fast"),
        ({"model": "scripted", "messages": marked("?"), "documents": [{}]}, 400, "neither text nor file_id"),
        ({"model": "scripted", "messages": marked("?"), "max_tokens": -1}, 400, "max_tokens"),
        ({"model": "scripted", "messages": marked("?"), "max_tokens": 10**30}, 400, "max_tokens"),
        (
            {
                "model": "scripted",
                "messages": [{"role": "user", "content": [{"type": "input_file", "file_id": 1}]}],
            },
            400,
            "wrong type",
        ),
        (
            {
                "model": "scripted",
                "messages": [
                    {"role": "user", "content": [{"type": "file", "file": {"file_data": "\u00e9"}}]}
                ],
            },
            400,
            "no Base64",
        ),
    ],
)
def test_requests_that_make_no_sense_are_refused_in_one_line(
    serving: Serving, body: object, status: int, words: str
) -> None:
    made = serving.http.post("/v1/chat/completions", json=body)
    assert made.status_code == status
    assert words in made.json()["error"]["message"]
    assert "\n" not in made.json()["error"]["message"]
