"""The same clients with a real model behind a real model server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from tests.server.serving import Serving, curl
from tests.servers.checkpoint import REPOSITORY
from tests.servers.real import RealServer
from tests.support.cli import Cli

TEXT = "The harbour was built in 1804 by the clerk of the town. " * 400
ASKED = [{"role": "user", "content": f"<text>{TEXT}</text>When was the harbour built?"}]
SHORT = [{"role": "user", "content": "Say something."}]


@pytest.fixture(scope="module")
def serving(real_server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    cli = Cli(tmp_path_factory.mktemp("serve"))
    sizes = (
        "--window",
        "4096",
        "--set",
        "chunk_tokens=2000",
        "--set",
        "answer_tokens=32",
        "--set",
        "thinking_tokens=0",
    )
    with Serving(cli, "--model", REPOSITORY, "--base-url", real_server.base_url, *sizes) as server:
        yield server


@pytest.mark.slow
def test_a_real_model_is_asked_and_read_with_by_all_kinds_of_clients(
    serving: Serving, tmp_path: Path
) -> None:
    client = openai.OpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0)
    made = client.chat.completions.create(model=REPOSITORY, messages=SHORT, max_tokens=8, temperature=0)
    streamed = client.chat.completions.create(
        model=REPOSITORY, messages=SHORT, max_tokens=8, temperature=0, stream=True
    )
    pieces = [piece.choices[0].delta.content or "" for piece in streamed if piece.choices]
    assert len(pieces) > 1
    assert "".join(pieces).strip() == made.choices[0].message.content.strip()
    read = client.chat.completions.create(model="longread", messages=ASKED)
    extra = read.model_extra["longread"]
    assert extra["chunks"]["read"] == extra["chunks"]["total"] > 1
    assert read.usage.prompt_tokens > len(TEXT) // 8

    (tmp_path / "body.json").write_text(json.dumps({"model": "longread", "messages": ASKED}))
    kind = ("-H", "Content-Type: application/json")
    said = json.loads(curl(f"{serving.url}/v1/chat/completions", *kind, "-d", f"@{tmp_path}/body.json"))
    assert said["longread"]["run_id"] == extra["run_id"] and said["longread"]["stored"]
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- model_id: reader\n  model_name: longread\n  api_base: {serving.url}/v1\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "reader", "--key", "x", ASKED[0]["content"]],
        env=serving._cli.env | {"LLM_USER_PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == read.choices[0].message.content.strip()


@pytest.mark.slow
async def test_the_asynchronous_client_streams_from_a_real_model(serving: Serving) -> None:
    async with openai.AsyncOpenAI(base_url=f"{serving.url}/v1", api_key="none", max_retries=0) as client:
        stream = await client.chat.completions.create(
            model="longread", messages=ASKED, stream=True, extra_body={"longread": {"fresh": True}}
        )
        thoughts = ""
        async for piece in stream:
            if piece.choices:
                thoughts += (piece.choices[0].delta.model_extra or {}).get("reasoning_content", "")
        assert "Reading" in thoughts and "1/" in thoughts


@pytest.mark.slow
def test_a_model_in_the_same_process_is_served(cli: Cli, tiny_checkpoint: Path) -> None:
    with Serving(cli, "--model", f"local:{tiny_checkpoint}", "--set", "answer_tokens=16") as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        made = client.chat.completions.create(model="longread", messages=SHORT, max_tokens=8)
        assert made.usage.completion_tokens <= 8
        streamed = client.chat.completions.create(model="longread", messages=SHORT, max_tokens=8, stream=True)
        said = "".join(piece.choices[0].delta.content or "" for piece in streamed if piece.choices)
        assert said == made.choices[0].message.content  # greedy where no temperature is given
        with pytest.raises(openai.BadRequestError, match="no number"):
            client.chat.completions.create(model="longread", messages=SHORT, temperature="hot")
