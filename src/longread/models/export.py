"""A checkpoint as one GGUF file, for llama.cpp and all that is built on it.

Qwen3, dense and as a mixture of experts, with a byte-level tokenizer that splits as Qwen2's does: what this recipe
trains. All else is refused, and llama.cpp's own converter named. Weights are read where they lie and written one
tensor after another, so that a model larger than memory can be exported; no torch, and no code of the checkpoint,
runs. Quantising is left to llama.cpp's tool.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from gguf.quants import dequantize, quantize
from gguf.utility import LocalTensor

from longread.errors import InputError, LongreadError, UsageError
from longread.models.base import PROMPTS
from longread.models.checkpoint import Checkpoint, readable
from longread.whole import made_whole

QUANTISED = tuple(
    name.removeprefix("MOSTLY_")
    for name in gguf.LlamaFileType.__members__
    if re.match(r"MOSTLY_(?!B?F16)", name)
)
"""What llama.cpp's tool can make of them."""
QUANTISER = "llama-quantize"


def export(folder: Path, out: Path, kind: str | None = None, quantised: str | None = None) -> Path:
    """Writes the file `out`, which is there as a whole or not at all, and the checkpoint's prompt set beside it.

    Args:
        folder: A checkpoint of transformers: config.json, safetensors, tokenizer.json, with a chat template.
        out: Must not exist.
        kind: F32, F16 or BF16; that of the checkpoint where not given.
        quantised: One of QUANTISED, made of `kind` by llama.cpp's tool.

    Raises:
        UsageError: `out` exists, a name is wrong, the tool is missing, or it is a model of another kind.
        InputError: The checkpoint is broken.
        RunBusyError: Another process makes `out`.
        LongreadError: It cannot be written.
    """
    prompts = folder / PROMPTS
    for path, own in (out, None), (beside(out), prompts):
        if (path.exists() or path.is_symlink()) and not (own and _same(path, own)):
            raise UsageError(f"{path} exists; give another file as --gguf, or remove it")
    tool = _quantiser(quantised) if quantised else None
    with readable(folder):
        model = Checkpoint(folder, kind)
        with made_whole(out, model.size * (2 if tool else 1), "--gguf") as part:
            _write(model, part)
            if tool and quantised:
                _quantise(tool, part.rename(part.with_suffix(".plain")), part, quantised.upper())
            if prompts.is_file():
                shutil.copyfile(prompts, beside(out))
    return out


def beside(out: Path) -> Path:
    """Where the prompt set of an exported checkpoint is."""
    return out.with_suffix(f".{PROMPTS}")


def _same(path: Path, own: Path) -> bool:
    """Whether a prompt set is ours: there is none, or a killed export has left it."""
    return not own.is_file() or (path.is_file() and path.read_bytes() == own.read_bytes())


def _write(model: Checkpoint, path: Path) -> None:
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[_arch(model)])
    try:
        _describe(writer, model)
        _add_tokenizer(writer, model)
        for tensor in model.plan:
            writer.add_tensor_info(tensor.name, tensor.shape, np.dtype(np.float32), tensor.size, tensor.kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for tensor in model.plan:
            parts = [_converted(part, tensor.kind, model, tensor.name) for part in tensor.parts]
            writer.write_tensor_data(parts[0] if len(parts) == 1 else np.concatenate(parts))
    finally:
        writer.close()


def _arch(model: Checkpoint) -> gguf.MODEL_ARCH:
    return gguf.MODEL_ARCH.QWEN3MOE if model.experts else gguf.MODEL_ARCH.QWEN3


def _describe(writer: gguf.GGUFWriter, model: Checkpoint) -> None:
    config, rope = model.config, model.rope
    writer.add_type("model")
    writer.add_name(model.folder.resolve().name)
    file_type = "ALL_F32" if model.kind.name == "F32" else f"MOSTLY_{model.kind.name}"
    writer.add_file_type(gguf.LlamaFileType[file_type])
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(config["head_dim"])
    writer.add_value_length(config["head_dim"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    context = config["max_position_embeddings"]
    if rope["rope_type"] == "yarn":
        original = rope.get("original_max_position_embeddings", context)
        context = max(context, int(original * rope["factor"]))
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(original)
        writer.add_rope_scaling_yarn_beta_fast(rope.get("beta_fast", 32.0))
        writer.add_rope_scaling_yarn_beta_slow(rope.get("beta_slow", 1.0))
    writer.add_context_length(context)
    if model.experts:
        writer.add_expert_count(model.experts)
        writer.add_expert_used_count(config["num_experts_per_tok"])
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])


def _add_tokenizer(writer: gguf.GGUFWriter, model: Checkpoint) -> None:
    """Tokens, merges, ends of a reply and the chat template; nothing is put before a text."""
    size = model.tokens
    tokens = [f"[PAD{number}]" for number in range(size)]  # embeddings are often rounded up
    kinds = [gguf.TokenType.UNUSED] * size
    named = [(id_, text, gguf.TokenType.NORMAL) for text, id_ in model.tokenizer["model"]["vocab"].items()]
    for added in model.tokenizer.get("added_tokens") or ():
        special = gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
        named.append((added["id"], added["content"], special))
    if max(named)[0] >= size:
        raise InputError(f"{model.folder}: its tokenizer has {max(named)[0] + 1} tokens, its weights {size}")
    for number, text, kind in named:
        tokens[number], kinds[number] = text, kind
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    vocabulary = gguf.SpecialVocab(model.folder, load_merges=True, n_vocab=size)
    if not vocabulary.chat_template:
        raise UsageError(f"{model.folder}: no chat template; export an instruction-tuned checkpoint")
    vocabulary.special_token_ids["eos"] = model.ends[0]
    if len(model.ends) > 1:
        vocabulary.special_token_ids["eot"] = model.ends[1]
    vocabulary.add_special_token = {"bos": False}
    vocabulary.add_to_gguf(writer, quiet=True)


def _converted(
    tensor: LocalTensor, kind: gguf.GGMLQuantizationType, model: Checkpoint, name: str
) -> np.ndarray[Any, Any]:
    """The bytes of a tensor in another type."""
    raw = tensor.mmap_bytes()
    if tensor.dtype == kind.name:
        return raw
    stored = gguf.GGMLQuantizationType[tensor.dtype]
    values = dequantize(raw.reshape(tensor.shape[0], -1), stored)
    if kind.name == "F16" and np.abs(values).max(initial=0) > np.finfo(np.float16).max:
        raise UsageError(f"{model.folder}: {name} does not fit into F16; give --type BF16")
    made: np.ndarray[Any, Any] = quantize(values, kind).view(np.uint8).reshape(-1)
    return made


def _quantiser(kind: str) -> str:
    """Where llama.cpp's tool is."""
    if kind.upper() not in QUANTISED:
        raise UsageError(
            f"--quantise {kind}: there is no such type; give Q4_K_M, Q5_K_M, Q6_K, Q8_0, or another that "
            f"{QUANTISER} lists"
        )
    tool = shutil.which(QUANTISER)
    if tool is None:
        raise UsageError(
            f"--quantise needs {QUANTISER} of llama.cpp on PATH (brew, winget and nix have it as llama.cpp)"
        )
    return tool


def _quantise(tool: str, plain: Path, out: Path, kind: str) -> None:
    done = subprocess.run(  # noqa: S603 -- a list of arguments, without a shell
        [tool, str(plain.resolve()), str(out.resolve()), kind],
        capture_output=True,
        text=True,
        errors="replace",
    )
    if done.returncode or not out.is_file():
        said = " ".join((done.stderr or done.stdout).strip().splitlines()[-1:])
        raise LongreadError(f"{tool} failed (exit code {done.returncode}): {said[:300]}")
