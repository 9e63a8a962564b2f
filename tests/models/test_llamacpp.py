"""Exported checkpoints in a real llama.cpp: they say what they say in transformers."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import gguf
import pytest

from benchmarks.llamacpp import compare, questions, summary
from longread.models.base import Message, Sampling
from longread.models.discover import NANO_FOLDER, open_model
from longread.models.endpoint import inspect_endpoint
from longread.models.export import export
from longread.models.local import LocalModel
from longread.worlds.nano.questions import make
from tests.servers.llamacpp import EXACT, needs_llamacpp, path, serve_gguf
from tests.support.memory import BITS, Model

pytestmark = [pytest.mark.slow, needs_llamacpp]
GREEDY = Sampling(max_tokens=24, temperature=0, top_p=None)
PLAIN = """\
I'VE said: "naïve café", 12345 €3.50…  tabs\there\r\n\n  indented; 东京タワー, здравствуйте! 👩‍🚀 'tis it's WE'LL
--- a.txt ---
<|im_start|> x <|im_end|>x<|endoftext|>"""


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", path())


def post(base_url: str, route: str, body: dict[str, Any]) -> Any:
    data = json.dumps(body).encode()
    request = Request(base_url.removesuffix("/v1") + route, data, {"content-type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


@pytest.mark.timeout(900)
async def test_nano_says_in_full_precision_the_same_and_in_8_bits_as_much(tmp_path: Path) -> None:
    found = summary(await compare(NANO_FOLDER, questions(10, (12, 24)), tmp_path))
    assert found["F32, exact attention"]["identical"] >= 95
    assert found["F32"]["identical"] >= 95
    assert abs(found["Q8_0"]["right"] - found["F32"]["right"]) <= 2


def test_text_and_chats_become_the_same_ids(tmp_path: Path) -> None:
    local = LocalModel(NANO_FOLDER)
    made = export(NANO_FOLDER, tmp_path / "nano.gguf")
    chat = [{"role": "system", "content": "NOTES\n"}, {"role": "user", "content": f" {PLAIN[:60]}\nANSWER\n"}]
    with serve_gguf(made, tmp_path / "log", "-np", "1", *EXACT) as server:
        for text in (PLAIN, make("reading", 12, 0, 0).documents[0].text):
            ids = post(server.base_url, "/tokenize", {"content": text, "parse_special": False})["tokens"]
            assert ids == local._turns.tokenizer(text, split_special_tokens=True)["input_ids"]
        shown = post(server.base_url, "/apply-template", {"messages": chat})["prompt"]
        messages = tuple(Message.of(one["role"], one["content"]) for one in chat)  # type: ignore[arg-type]
        ids = post(server.base_url, "/tokenize", {"content": shown, "parse_special": True})["tokens"]
        assert ids == local._turns.prompt(messages)


async def said(folder: Path, file: Path, log: Path, prompt: str, *options: str) -> tuple[str, str]:
    """Of a checkpoint in this process, and of its file in llama.cpp."""
    messages = (Message.of("user", prompt),)
    local = LocalModel(folder)
    here = (await local.chat(messages, GREEDY)).text
    await local.close()
    with serve_gguf(file, log, "-np", "1", *EXACT, *options) as server:
        model = await open_model(server.model, server.base_url, structured=False)
        there = (await model.chat(messages, GREEDY)).text
        await model.close()
    return here, there


async def test_a_checkpoint_with_heads_that_share_keys_and_a_last_layer_of_its_own(
    tiny_checkpoint: Path, tmp_path: Path
) -> None:
    made = export(tiny_checkpoint, tmp_path / "tiny.gguf")
    here, there = await said(tiny_checkpoint, made, tmp_path / "log", "What is a def? " * 40, "-c", "4096")
    assert here.strip() == there.strip()
    assert here.strip()


async def test_experts(tiny_checkpoint: Path, tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, Qwen3MoeConfig, Qwen3MoeForCausalLM

    tokenizer = AutoTokenizer.from_pretrained(tiny_checkpoint)
    config = Qwen3MoeConfig(
        vocab_size=len(tokenizer), hidden_size=128, intermediate_size=256, moe_intermediate_size=64,
        num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2, head_dim=32, num_experts=12,
        num_experts_per_tok=3,
        norm_topk_prob=True, max_position_embeddings=4096, initializer_range=0.2, bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(1)
    folder = tmp_path / "moe"
    Qwen3MoeForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    made = export(folder, tmp_path / "moe.gguf")
    here, there = await said(folder, made, tmp_path / "log", "What is a class? " * 40)
    assert here.strip() == there.strip()
    assert here.strip()


async def test_positions_are_scaled_by_yarn_as_in_transformers(tiny_checkpoint: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path / "yarn"))
    config = json.loads((folder / "config.json").read_text())
    plain = config["rope_parameters"]
    scaled = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512}
    replies = {}
    for name, rope in (("yarn", plain | scaled), ("plain", plain)):
        config.update(rope_parameters=rope, max_position_embeddings=2048)
        (folder / "config.json").write_text(json.dumps(config))
        made = export(folder, tmp_path / f"{name}.gguf")
        replies[name] = await said(folder, made, tmp_path / "log", "What is a def? " * 200)
    assert replies["yarn"][0].strip() == replies["yarn"][1].strip()
    assert replies["yarn"] != replies["plain"]


async def test_the_server_is_recognised_with_its_window_and_slots(tmp_path: Path) -> None:
    made = export(NANO_FOLDER, tmp_path / "nano.gguf")
    with serve_gguf(made, tmp_path / "log", "-c", "4096", "-np", "4") as server:
        found = await inspect_endpoint(server.base_url)
    assert (found.server, found.model, found.window, found.slots) == ("llama.cpp", "nano", 1024, 4)
    assert found.structured


@pytest.mark.parametrize("way", ["Q8_0", "Q6_K", "Q4_K_M"])
def test_the_tables_of_memory_reckon_as_the_quantiser_does(tmp_path: Path, way: str) -> None:
    config = json.loads((NANO_FOLDER / "config.json").read_text())
    model = Model(
        "nano", config["num_hidden_layers"], config["hidden_size"], config["num_attention_heads"],
        config["num_key_value_heads"], config["intermediate_size"], 2048, tied=True, head=config["head_dim"],
        vocabulary=config["vocab_size"],
    )  # fmt: skip
    made = export(NANO_FOLDER, tmp_path / "nano.gguf", quantised=way)
    stored = {tensor.name.removesuffix(".weight"): tensor for tensor in gguf.GGUFReader(made).tensors}
    for name, layer, size in model.matrices():
        if name == "attn_output":
            continue  # its rows are too short for blocks of 256, so that another type is taken
        kind = model.kind(way, name, layer)
        tensor = stored[name if layer < 0 else f"blk.{layer}.{name}"]
        assert (tensor.tensor_type.name, tensor.n_bytes) == (kind, size * BITS[kind] / 8)
