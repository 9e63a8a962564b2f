"""A checkpoint as GGUF: what is in the file, what is refused, and that it is there as a whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from filelock import FileLock
from safetensors.torch import load_file, save_file

from longread.errors import InputError, LongreadError, RunBusyError, UsageError
from longread.models.discover import NANO_FOLDER
from longread.models.export import export
from tests.support.cli import Cli

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def nano(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NANO_FOLDER, tmp_path / "nano"))


def change(folder: Path, file: str, how: Change) -> None:
    held = json.loads((folder / file).read_text())
    how(held)
    (folder / file).write_text(json.dumps(held))


def fields(file: Path) -> dict[str, Any]:
    reader = gguf.GGUFReader(file)
    return {name: field.contents() for name, field in reader.fields.items()}


def tensors(file: Path) -> dict[str, gguf.ReaderTensor]:
    return {tensor.name: tensor for tensor in gguf.GGUFReader(file).tensors}


def test_weights_tokenizer_template_and_window_are_in_the_file(tmp_path: Path) -> None:
    made = export(NANO_FOLDER, tmp_path / "nano.gguf")
    held, stored = tensors(made), load_file(NANO_FOLDER / "model.safetensors")
    assert len(held) == len(stored)
    for ours, theirs in (
        ("token_embd", "embed_tokens"),
        ("blk.3.ffn_down", "layers.3.mlp.down_proj"),
        ("blk.0.attn_output", "layers.0.self_attn.o_proj"),
        ("blk.1.ffn_norm", "layers.1.post_attention_layernorm"),
        ("output_norm", "norm"),
    ):
        assert np.array_equal(held[f"{ours}.weight"].data, stored[f"model.{theirs}.weight"].numpy())
    said, config = fields(made), json.loads((NANO_FOLDER / "config.json").read_text())
    assert said["qwen3.context_length"] == config["max_position_embeddings"]
    assert said["qwen3.attention.key_length"] == config["head_dim"]
    assert said["qwen3.rope.freq_base"] == config["rope_parameters"]["rope_theta"]
    assert said["tokenizer.chat_template"] == (NANO_FOLDER / "chat_template.jinja").read_text()
    tokens = said["tokenizer.ggml.tokens"]
    assert len(tokens) == config["vocab_size"]
    assert tokens[said["tokenizer.ggml.eos_token_id"]] == "<|im_end|>"
    assert said["tokenizer.ggml.token_type"][:2] == [gguf.TokenType.CONTROL] * 2
    assert (said["tokenizer.ggml.pre"], said["tokenizer.ggml.add_bos_token"]) == ("qwen2", False)


@pytest.mark.parametrize("kind", ["F16", "BF16"])
def test_matrices_are_rounded_and_vectors_are_not(tmp_path: Path, kind: str) -> None:
    import torch

    held = tensors(export(NANO_FOLDER, tmp_path / "nano.gguf", kind))
    stored = load_file(NANO_FOLDER / "model.safetensors")["model.layers.0.mlp.up_proj.weight"]
    rounded = stored.to(torch.float16 if kind == "F16" else torch.bfloat16).float().numpy()
    matrix = held["blk.0.ffn_up.weight"]
    assert matrix.tensor_type.name == kind
    assert np.array_equal(gguf.quants.dequantize(matrix.data, matrix.tensor_type), rounded)
    assert held["blk.0.attn_q_norm.weight"].tensor_type.name == "F32"


def test_a_checkpoint_keeps_its_type_its_shards_and_its_own_last_layer(nano: Path, tmp_path: Path) -> None:
    import torch

    stored = {name: tensor.bfloat16() for name, tensor in load_file(nano / "model.safetensors").items()}
    stored["lm_head.weight"] = torch.arange(1280 * 256).reshape(1280, 256).bfloat16()
    files = {name: f"model-{number % 2 + 1:05}-of-00002.safetensors" for number, name in enumerate(stored)}
    for file in set(files.values()):
        save_file({name: stored[name] for name, there in files.items() if there == file}, nano / file)
    (nano / "model.safetensors").unlink()
    (nano / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))
    tied = export(nano, tmp_path / "tied.gguf")
    assert "output.weight" not in tensors(tied)  # the embeddings serve
    change(nano, "config.json", lambda c: c.update(tie_word_embeddings=False))
    made = tensors(export(nano, tmp_path / "untied.gguf"))["output.weight"]
    assert made.tensor_type.name == "BF16"
    assert np.array_equal(
        gguf.quants.dequantize(made.data, made.tensor_type), stored["lm_head.weight"].float().numpy()
    )


def test_yarn_and_rounded_up_embeddings_and_several_ends(nano: Path, tmp_path: Path) -> None:
    yarn = {
        "rope_type": "yarn",
        "rope_theta": 5e5,
        "factor": 4.0,
        "original_max_position_embeddings": 2048,
    }
    change(nano, "config.json", lambda c: c.update(rope_parameters=yarn))
    change(nano, "generation_config.json", lambda c: c.update(eos_token_id=[1, 0]))
    stored = load_file(nano / "model.safetensors")
    stored["model.embed_tokens.weight"] = stored["model.embed_tokens.weight"].repeat(2, 1)[:1300].contiguous()
    save_file(stored, nano / "model.safetensors")
    said = fields(export(nano, tmp_path / "nano.gguf"))
    assert said["qwen3.rope.scaling.type"] == "yarn"
    assert said["qwen3.rope.scaling.factor"] == 4
    assert said["qwen3.rope.scaling.original_context_length"] == 2048
    assert said["qwen3.context_length"] == 8192
    assert said["tokenizer.ggml.tokens"][1280:] == [f"[PAD{number}]" for number in range(1280, 1300)]
    assert (said["tokenizer.ggml.eos_token_id"], said["tokenizer.ggml.eot_token_id"]) == (1, 0)


def test_old_configurations_say_their_positions_elsewhere(nano: Path, tmp_path: Path) -> None:
    def old(config: dict[str, Any]) -> None:
        del config["rope_parameters"]
        scaling = {"type": "yarn", "factor": 2.0, "original_max_position_embeddings": 2048}
        config.update(rope_theta=1e6, rope_scaling=scaling)

    change(nano, "config.json", old)
    said = fields(export(nano, tmp_path / "nano.gguf"))
    assert (said["qwen3.rope.freq_base"], said["qwen3.rope.scaling.factor"]) == (1e6, 2)


REFUSED: dict[str, tuple[str, Change, str]] = {
    "architecture": ("config.json", lambda c: c.update(model_type="llama"), "model_type is llama"),
    "head": ("config.json", lambda c: c.update(architectures=["Qwen3ForSequence"]), "is a Qwen3ForSequence"),
    "bias": ("config.json", lambda c: c.update(attention_bias=True), "attention_bias is True"),
    "window": ("config.json", lambda c: c.update(use_sliding_window=True), "use_sliding_window is True"),
    "quantised": ("config.json", lambda c: c.update(quantization_config={}), "are quantised"),
    "scaling": ("config.json", lambda c: c.update(rope_parameters={"rope_type": "linear"}), "by linear"),
    "yarn": (
        "config.json",
        lambda c: c.update(rope_parameters={"rope_type": "yarn", "factor": 2, "attention_factor": 1.5}),
        "attention_factor",
    ),
    "tensors": ("config.json", lambda c: c.update(num_hidden_layers=3), "holds model.layers.3"),
    "splitting": (
        "tokenizer.json",
        lambda t: t["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(Regex=r"\w+"),
        "does not split text as Qwen2's",
    ),
    "model": ("tokenizer.json", lambda t: t["model"].update(type="Unigram"), "does not split text"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_models_are_refused_with_what_to_do(nano: Path, tmp_path: Path, name: str) -> None:
    file, how, words = REFUSED[name]
    change(nano, file, how)
    with pytest.raises(UsageError, match=words) as caught:
        export(nano, tmp_path / "out.gguf")
    assert "convert_hf_to_gguf.py" in str(caught.value)
    assert not list(tmp_path.glob("*out*"))


BROKEN: dict[str, tuple[Callable[[Path], object], type[LongreadError], str]] = {
    "no weights": (lambda f: (f / "model.safetensors").unlink(), UsageError, "model.safetensors is missing"),
    "no tokenizer": (lambda f: (f / "tokenizer.json").unlink(), UsageError, "tokenizer.json is missing"),
    "no template": (lambda f: (f / "chat_template.jinja").unlink(), UsageError, "chat template"),
    "no folder": (lambda f: shutil.rmtree(f), UsageError, "no such folder"),
    "no JSON": (lambda f: (f / "config.json").write_text("{"), InputError, "cannot be read"),
    "cut off": (lambda f: os.truncate(f / "model.safetensors", 900_000), InputError, "cut off"),
    "header": (lambda f: (f / "model.safetensors").write_bytes(b"\xff" * 64), InputError, "cannot be read"),
    "a layer": (
        lambda f: change(f, "config.json", lambda c: c.update(num_hidden_layers=5)),
        InputError,
        "model.layers.4.input_layernorm.weight is missing",
    ),
    "a setting": (
        lambda f: change(f, "config.json", lambda c: c.pop("rms_norm_eps")),
        InputError,
        "rms_norm_eps is missing",
    ),
    "too many tokens": (
        lambda f: change(f, "tokenizer.json", lambda t: t["model"]["vocab"].update(more=1280)),
        InputError,
        "has 1281 tokens",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_checkpoints_are_told_in_one_line(nano: Path, tmp_path: Path, name: str) -> None:
    how, kind, words = BROKEN[name]
    how(nano)
    with pytest.raises(kind, match=words) as caught:
        export(nano, tmp_path / "out.gguf")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("*out*"))


def test_what_does_not_fit_into_f16_is_not_made_infinite(nano: Path, tmp_path: Path) -> None:
    stored = load_file(nano / "model.safetensors")
    stored["model.layers.0.mlp.up_proj.weight"][3, 5] = 1e5
    save_file(stored, nano / "model.safetensors")
    with pytest.raises(UsageError, match="does not fit into F16; give --type BF16"):
        export(nano, tmp_path / "out.gguf", "F16")
    assert not list(tmp_path.glob("*out*"))
    assert export(nano, tmp_path / "out.gguf", "BF16").is_file()


def test_nothing_is_overwritten_and_two_do_not_make_one_file(tmp_path: Path) -> None:
    out = tmp_path / "nano.gguf"
    with FileLock(tmp_path / ".nano.gguf.part.lock"), pytest.raises(RunBusyError, match="another process"):
        export(NANO_FOLDER, out)
    out.write_bytes(b"mine")
    with pytest.raises(UsageError, match="exists"):
        export(NANO_FOLDER, out)
    assert out.read_bytes() == b"mine"


def test_a_killed_export_leaves_no_file_and_the_next_one_its_own(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, gguf; from pathlib import Path; from longread.models import export as e\n"
        "gguf.GGUFWriter.write_ti_data_to_file = lambda self: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"e.export(Path({str(NANO_FOLDER)!r}), Path('nano.gguf'))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / ".nano.gguf.part").exists()
    assert not (tmp_path / "nano.gguf").exists()
    (tmp_path / ".nano.gguf.part" / "nano.plain").write_bytes(b"what was to be quantised")
    shutil.copyfile(NANO_FOLDER / "prompts.toml", tmp_path / "nano.prompts.toml")
    export(NANO_FOLDER, tmp_path / "nano.gguf")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["nano.gguf", "nano.prompts.toml"]


def test_from_the_command_line(cli: Cli) -> None:
    done = cli("export", "nano", "--gguf", "nano.gguf")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nano.gguf\n"
    assert "--set prompts=nano.prompts.toml --set structured=false" in done.stderr
    beside = cli.folder / "nano.prompts.toml"
    assert beside.read_bytes() == (NANO_FOLDER / "prompts.toml").read_bytes()
    again = cli("export", "nano", "--gguf", "nano.gguf")
    assert (again.returncode, again.stdout) == (2, "")
    assert "nano.gguf exists" in again.stderr
    (cli.folder / "nano.gguf").unlink()
    beside.write_text("mine")
    assert "nano.prompts.toml exists" in cli("export", "nano", "--gguf", "nano.gguf").stderr
    for more, words in (
        (("--type", "Q8"), "weights as Q8 are not written"),
        (("--quantise", "Q9"), "--quantise Q9: there is no such type"),
        (("--quantise", "q8_0"), "llama-quantize of llama.cpp on PATH"),
    ):
        done = cli("export", "nano", "--gguf", "other.gguf", *more, PATH="/nowhere")
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (cli.folder / "other.gguf").exists()


def test_what_the_quantiser_says_is_told(cli: Cli) -> None:
    tool = cli.folder / "llama-quantize"
    tool.write_text("#!/bin/sh\necho 'main: no such type' >&2\nexit 3\n")
    tool.chmod(0o755)
    done = cli("export", "nano", "--gguf", "nano.gguf", "--quantise", "Q8_0", PATH=str(cli.folder))
    assert done.returncode == 1
    assert "failed (exit code 3): main: no such type" in done.stderr
    assert not list(cli.folder.glob("*nano*"))
