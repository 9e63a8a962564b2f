"""What is found out about servers, each kind played by its own routes."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from longread.errors import ModelError, UsageError
from longread.models import discover as module
from longread.models.base import Message, Sampling
from longread.models.discover import LOCAL_SERVERS, discover, open_model
from longread.models.endpoint import Endpoint, inspect_endpoint
from longread.models.kinds import can_chat
from longread.models.openai import OpenAIModel
from tests.servers.scripted import Answer, End, ScriptServer, http


def models(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "list", "data": [{"object": "model", **entry} for entry in entries]}


async def inspect(routes: dict[str, object], model: str | None = None) -> Endpoint:
    with ScriptServer(routes=routes) as server:
        endpoint = await inspect_endpoint(server.base_url, model, "sk-key", seconds=5)
    assert endpoint.base_url == server.base_url
    return endpoint


KINDS: dict[str, tuple[dict[str, object], tuple[int | None, bool, str]]] = {
    "vllm": (
        {"/v1/models": models({"id": "m", "owned_by": "vllm", "max_model_len": 40960})},
        (40960, True, "vllm"),
    ),
    "llama.cpp": (
        {
            "/v1/models": models({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}),
            "/props": {"default_generation_settings": {"n_ctx": 8192}},
        },
        (8192, True, "llama.cpp"),
    ),
    "llama.cpp with slots": (
        {
            "/v1/models": models(
                {
                    "id": "m",
                    "aliases": ["m"],
                    "owned_by": "llamacpp",
                    "meta": {"n_vocab": 1280, "n_ctx": 2048, "n_ctx_train": 2048, "ftype": "all F32"},
                }
            ),
            "/props": {
                "default_generation_settings": {"params": {"temperature": 0.8}, "n_ctx": 2048},
                "total_slots": 4,
                "model_alias": "m",
            },
        },
        (2048, True, "llama.cpp"),
    ),
    "llama.cpp behind a router": (
        {
            "/v1/models": models({"id": "m", "owned_by": "llamacpp", "status": {"value": "loaded"}}),
            "/props": {"default_generation_settings": {"params": {}, "n_ctx": 0}, "role": "router"},
            "/props?model=m": {"default_generation_settings": {"n_ctx": 65536}, "total_slots": 1},
        },
        (65536, True, "llama.cpp"),
    ),
    "llama.cpp without props": (
        {"/v1/models": models({"id": "m", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}})},
        (131072, True, "llama.cpp"),
    ),
    "sglang": (
        {"/v1/models": models({"id": "m", "owned_by": "sglang", "max_model_len": 32768})},
        (32768, True, "sglang"),
    ),
    "sglang whose memory holds less": (
        {
            "/v1/models": models({"id": "m", "owned_by": "sglang", "root": "m", "max_model_len": 262144}),
            "/server_info": {
                "model_path": "m",
                "context_length": None,
                "status": "ready",
                "max_total_num_tokens": 61440,
                "max_req_input_len": 61434,
                "internal_states": [{"last_gen_throughput": 0.0}],
            },
        },
        (61440, True, "sglang"),
    ),
    "sglang behind another name": (
        {
            "/v1/models": models({"id": "m", "owned_by": "me"}),
            "/model_info": {"model_path": "m", "is_generation": True},
            "/server_info": {"context_length": 16384, "max_total_num_tokens": 90000},
        },
        (16384, True, "sglang"),
    ),
    "old sglang": (
        {
            "/v1/models": models({"id": "m", "owned_by": "someone"}),
            "/get_model_info": {"model_path": "m"},
            "/get_server_info": {"context_length": 16384},
        },
        (16384, True, "sglang"),
    ),
    "ollama, loaded": (
        {
            "/v1/models": models({"id": "m:4b", "owned_by": "library"}),
            "/api/ps": {"models": [{"name": "x"}, {"name": "m:4b", "context_length": 65536}]},
        },
        (65536, True, "ollama"),
    ),
    "ollama, num_ctx in the model file": (
        {
            "/v1/models": models({"id": "m", "owned_by": "me"}),
            "/api/version": {"version": "0.33.0"},
            "/api/show": {
                "parameters": 'stop    "<|im_end|>"\nnum_ctx    24576',
                "model_info": {"qwen3.context_length": 262144},
            },
        },
        (24576, True, "ollama"),
    ),
    "lm studio": (
        {
            "/v1/models": models({"id": "m", "owned_by": "organization_owner"}),
            "/api/v0/models": models(
                {"id": "m", "max_context_length": 99999, "loaded_context_length": 12288}
            ),
        },
        (12288, True, "lmstudio"),
    ),
    "openrouter": (
        {"/v1/models": models({"id": "m", "context_length": 200000})},
        (200000, False, "unknown"),
    ),
    "some server": ({"/v1/models": models({"id": "m"})}, (None, False, "unknown")),
    "no list": ({}, (None, False, "unknown")),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_each_kind_of_server_tells_its_window(kind: str) -> None:
    routes, expected = KINDS[kind]
    endpoint = await inspect(routes, "m" if kind == "no list" else None)
    assert (endpoint.window, endpoint.structured, endpoint.server) == expected
    assert endpoint.note is None


@pytest.mark.parametrize(
    "routes",
    [
        {"/v1/models": models({"id": "m", "owned_by": "library"}), "/api/show": {"model_info": {"x": 1}}},
        {
            "/v1/models": models({"id": "m"}),
            "/api/v0/models": models({"id": "m", "max_context_length": 9999}),
        },
    ],
)
async def test_window_that_is_only_assumed_is_small_and_said(routes: dict[str, object]) -> None:
    endpoint = await inspect(routes)
    assert endpoint.window == 4096
    assert "assumed" in str(endpoint.note)
    assert "`window`" in str(endpoint.note)


OTHERS = [
    "text-embedding-3-small", "nomic-embed-text:latest", "BAAI/bge-m3", "intfloat/e5-large-v2",
    "Qwen/Qwen3-Reranker-8B", "whisper-1", "openai/whisper-large-v3", "dall-e-3", "gpt-image-1", "tts-1-hd",
    "stable-diffusion-xl", "black-forest/flux.1-dev", "mxbai-embed-large", "gte-qwen2", "all-minilm:l6",
    "gpt-4o-transcribe", "jina-embeddings-v3", "omni-moderation-latest",
]  # fmt: skip
CHAT = [
    "gpt-5", "qwen3:4b", "Qwen/Qwen3-4B-Instruct", "llama-3.1-8b-instruct", "gemma3", "phi-4",
    "mistral-small", "deepseek-r1:8b", "ministral-e5b", "openai/gpt-oss-20b", "/models/tiny.gguf",
    "SmolLM3-3B", "eclipse-7b",
]  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_models_for_other_things_are_known_by_name(name: str) -> None:
    assert not can_chat({"id": name})


@pytest.mark.parametrize("name", CHAT)
def test_chat_models_are_not_taken_for_others(name: str) -> None:
    assert can_chat({"id": name})


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "m", "type": "embeddings"},
        {"id": "m", "task": "feature-extraction-embedding"},
        {"id": "m", "capabilities": ["embedding"]},
        {"id": "m", "architecture": {"output_modalities": ["image"]}},
    ],
)
def test_models_for_other_things_are_known_by_type(entry: dict[str, Any]) -> None:
    assert not can_chat(entry)
    assert can_chat({"id": "m", "type": "llm", "capabilities": ["completion", "tools", "embedding"]})


async def test_first_model_that_can_chat_is_taken_and_a_named_one_always() -> None:
    routes: dict[str, object] = {"/v1/models": models({"id": "bge-m3"}, {"id": "qwen3"}, {"id": "gemma3"})}
    assert (await inspect(routes)).model == "qwen3"
    assert (await inspect(routes, "bge-m3")).model == "bge-m3"
    with pytest.raises(ModelError, match="bge-m3"):
        await inspect({"/v1/models": models({"id": "bge-m3"})})
    with pytest.raises(ModelError, match="base_url"):
        await inspect({})


async def test_v1_may_be_left_out() -> None:
    with ScriptServer(routes={"/v1/models": models({"id": "m"})}) as server:
        for url in (server.base_url, server.base_url[: -len("/v1")], server.base_url + "/chat/completions"):
            assert (await inspect_endpoint(url)).base_url == server.base_url


async def test_discovery_takes_the_first_valid_server_in_order() -> None:
    stalled: Answer = (End.STALL,)
    invalid: list[object] = [
        {"data": []},
        {"object": "list", "data": [{"name": "m"}]},
        {"object": "list", "data": "m"},
        models({"id": "nomic-embed-text"}),
        http("<html>", 200),
        http(models({"id": "m"}), 401),
        http({}, 302, location="/v1/other"),
        stalled,
    ]
    servers = [ScriptServer(routes={"/v1/models": answer}) for answer in invalid]
    servers.append(ScriptServer(routes={"/v1/models": models({"id": "good"})}))
    servers.append(ScriptServer(routes={"/v1/models": models({"id": "second"})}))
    for server in servers:
        server.__enter__()
    try:
        found = await discover(["http://127.0.0.1:1/v1", *(server.base_url for server in servers)], seconds=2)
        assert found is not None
        assert found.model == "good"
        assert await discover([server.base_url for server in servers[:-2]], seconds=0.4) is None
    finally:
        for server in servers:
            server.__exit__()
    assert all("authorization" not in request.headers for server in servers for request in server.requests)


async def test_discovery_goes_past_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    with ScriptServer(routes={"/v1/models": models({"id": "m"})}) as server:
        assert await discover([server.base_url], seconds=5) is not None
        model = await open_model("m", server.base_url)
        assert (await model.chat((Message.of("user", "hi"),), Sampling(8))).text == "fine"
        await model.close()


def test_only_this_machine_is_searched() -> None:
    assert all(url.startswith("http://127.0.0.1:") for url in LOCAL_SERVERS)


async def test_opening_takes_what_the_server_says_unless_told_otherwise() -> None:
    routes: dict[str, object] = {
        "/v1/models": models({"id": "m", "owned_by": "vllm", "max_model_len": 40960})
    }
    with ScriptServer(routes=routes) as server:
        model = await open_model(None, server.base_url, api_key="sk-key")
        assert isinstance(model, OpenAIModel)
        assert (model.name, model.window, model.structured) == ("m", 40960, True)
        told = await open_model("other", server.base_url, window=1000, structured=False)
        assert (told.name, told.window, told.structured) == ("other", 1000, False)
    assert server.requests[0].headers["authorization"] == "Bearer sk-key"


async def test_opening_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="--base-url"):
        await open_model("gpt-5")
    with pytest.raises(UsageError, match="http://"):
        await open_model("gpt-5", "localhost:8000")
    with pytest.raises(ModelError, match="no such folder"):
        await open_model("local:/nowhere/at/all")
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'longread\[local\]'"):
        await open_model("local:/nowhere/at/all")


def test_nothing_heavy_is_imported_to_look_around() -> None:
    code = "import longread.models.discover, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "transformers", "openai", "httpx2", "tenacity"} & set(loaded)
