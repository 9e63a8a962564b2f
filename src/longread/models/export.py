"""A checkpoint as one GGUF file, for llama.cpp and all that is built on it.

Qwen3, dense and as a mixture of experts, with a byte-level tokenizer that splits as Qwen2's does: what this recipe
trains. All else is refused, and llama.cpp's own converter named. Weights are read where they lie and written one
tensor after another, so that a model larger than memory can be exported; no torch, and no code of the checkpoint,
runs. Quantising is left to llama.cpp's tool.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import gguf
import numpy as np
from filelock import FileLock, Timeout
from gguf.quants import dequantize, quantize
from gguf.utility import LocalTensor, SafetensorsLocal

from longread.errors import InputError, LongreadError, RunBusyError, UsageError
from longread.models.base import PROMPTS

TYPES = ("F32", "F16", "BF16")
"""What weights can be written as; vectors and routers are F32 always, as llama.cpp has them."""
QUANTISED = tuple(
    name.removeprefix("MOSTLY_")
    for name in gguf.LlamaFileType.__members__
    if re.match(r"MOSTLY_(?!B?F16)", name)
)
"""What llama.cpp's tool can make of them."""
QUANTISER = "llama-quantize"
_OTHERWISE = "convert it with llama.cpp's convert_hf_to_gguf.py"
_ARCHITECTURES = {"qwen3": "Qwen3ForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM"}
_ALWAYS = {
    "attention_bias": False,
    "hidden_act": "silu",
    "use_sliding_window": False,
    "norm_topk_prob": True,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
"""What llama.cpp takes for granted in these architectures, where a configuration says it at all."""
_YARN = {
    "rope_type",
    "type",
    "rope_theta",
    "factor",
    "original_max_position_embeddings",
    "beta_fast",
    "beta_slow",
}
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's pre-tokenizer, which llama.cpp knows by that name."""
_WHOLE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm"}
_LAYER = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_proj": "attn_k",
    "self_attn.k_norm": "attn_k_norm",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
}
_DENSE = {"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
_EXPERTS = {
    "mlp.gate": "ffn_gate_inp",
    "mlp.experts.*.gate_proj": "ffn_gate_exps",
    "mlp.experts.*.up_proj": "ffn_up_exps",
    "mlp.experts.*.down_proj": "ffn_down_exps",
}
"""Names of a checkpoint, and of GGUF; a star stands for each expert, of which GGUF has one tensor."""


def export(folder: Path, out: Path, kind: str | None = None, quantised: str | None = None) -> Path:
    """Writes the file `out`, which is there as a whole or not at all, and the checkpoint's prompt set beside it.

    Args:
        folder: A checkpoint of transformers: config.json, safetensors, tokenizer.json, with a chat template.
        out: Must not exist.
        kind: One of TYPES; that of the checkpoint where not given.
        quantised: One of QUANTISED, made of `kind` by llama.cpp's tool.

    Raises:
        UsageError: `out` exists, a name is wrong, the tool is missing, or it is a model of another kind.
        InputError: The checkpoint is broken.
        RunBusyError: Another process makes `out`.
        LongreadError: It cannot be written.
    """
    prompts = folder / PROMPTS
    for path in (out, beside(out))[: 2 if prompts.is_file() else 1]:
        if path.exists() or path.is_symlink():
            raise UsageError(f"{path} exists; give another file as --gguf, or remove it")
    tool = _quantiser(quantised) if quantised else None
    with _readable(folder):
        model = _Model(folder, kind)
        with _whole(out, model.size * (2 if tool else 1)) as part:
            _write(model, part)
            if tool and quantised:
                plain = part.rename(part.with_suffix(".plain"))
                try:
                    _quantise(tool, plain, part, quantised.upper())
                finally:
                    plain.unlink()
            if prompts.is_file():
                shutil.copyfile(prompts, beside(out))
    return out


def beside(out: Path) -> Path:
    """Where the prompt set of an exported checkpoint is."""
    return out.with_suffix(f".{PROMPTS}")


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Says in one line what a checkpoint lacks."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder; give the path of a transformers checkpoint")
    try:
        yield
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise UsageError(f"{folder}: {name} is missing; give a whole transformers checkpoint") from error
    except KeyError as error:
        raise InputError(f"{folder}: cannot be exported: {error.args[0]} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{folder}: cannot be read as a checkpoint: {error}") from error


class _Planned(NamedTuple):
    """A tensor of the file."""

    name: str
    kind: gguf.GGMLQuantizationType
    shape: tuple[int, ...]
    parts: tuple[LocalTensor, ...]
    """What it is made of: one tensor, or one of each expert."""

    @property
    def size(self) -> int:
        """Bytes."""
        return prod(self.shape) * (4 if self.kind.name == "F32" else 2)


class _Model:
    """What a checkpoint says of itself, checked; UsageError and InputError as for `export`."""

    def __init__(self, folder: Path, kind: str | None) -> None:
        self.folder = folder
        self.config = _json(folder, "config.json")
        self._check_architecture()
        self.tokenizer = _json(folder, "tokenizer.json")
        self._check_tokenizer()
        self.ends = self._ends()
        self.rope = self._rope()
        tensors = _tensors(folder)
        self.tokens = tensors["model.embed_tokens.weight"].shape[0]
        self.kind = gguf.GGMLQuantizationType[self._known(kind or tensors["model.embed_tokens.weight"].dtype)]
        self.plan = list(self._plan(tensors))

    @property
    def size(self) -> int:
        """Bytes of all tensors."""
        return sum(tensor.size for tensor in self.plan)

    def _refuse(self, what: str) -> UsageError:
        return UsageError(f"{self.folder}: {what}, which is not exported; {_OTHERWISE}")

    def _known(self, kind: str) -> str:
        if kind.upper() in TYPES:
            return kind.upper()
        raise UsageError(
            f"weights as {kind} are not written; give --type {', '.join(TYPES[:-1])} or {TYPES[-1]}"
        )

    def _check_architecture(self) -> None:
        kind = self.config.get("model_type")
        if kind not in _ARCHITECTURES:
            raise self._refuse(f"its model_type is {kind}, not {' or '.join(_ARCHITECTURES)}")
        if self.config.get("architectures", [_ARCHITECTURES[kind]]) != [_ARCHITECTURES[kind]]:
            raise self._refuse(f"it is a {' '.join(self.config['architectures'])}")
        if "quantization_config" in self.config:
            raise self._refuse("its weights are quantised")
        for name, value in _ALWAYS.items():
            if self.config.get(name, value) != value:
                raise self._refuse(f"its {name} is {self.config[name]}")

    def _check_tokenizer(self) -> None:
        """Only what llama.cpp splits in the same way."""
        steps = self.tokenizer.get("pre_tokenizer") or {}
        splits = [
            one.get("pattern") for one in steps.get("pretokenizers", [steps]) if one.get("type") == "Split"
        ]
        model = self.tokenizer["model"]
        if model.get("type") != "BPE" or model.get("byte_fallback") or splits != [{"Regex": _SPLIT}]:
            raise self._refuse("its tokenizer does not split text as Qwen2's does")

    def _ends(self) -> list[int]:
        """The ids that end a reply, that of the tokenizer first."""
        special = gguf.SpecialVocab(self.folder).special_token_ids.get("eos")
        path = self.folder / "generation_config.json"
        more = json.loads(path.read_text("utf-8")).get("eos_token_id") if path.is_file() else None
        ends = [special, *(more if isinstance(more, list) else [more])]
        found = list(dict.fromkeys(one for one in ends if one is not None))
        if not found:
            raise InputError(f"{self.folder}: no token that ends a reply is named in it; set eos_token")
        return found

    def _rope(self) -> dict[str, Any]:
        rope = self.config.get("rope_parameters") or self.config.get("rope_scaling") or {}
        rope = {name: value for name, value in rope.items() if value is not None}
        rope.setdefault("rope_theta", self.config.get("rope_theta", 10_000.0))
        kind = rope.setdefault("rope_type", rope.get("type", "default"))
        if kind not in ("default", "yarn"):
            raise self._refuse(f"its positions are scaled by {kind}")
        if kind == "yarn" and (other := sorted(set(rope) - _YARN)):
            raise self._refuse(f"its YaRN is set by {other[0]}")
        return rope

    def _plan(self, tensors: Mapping[str, LocalTensor]) -> Iterator[_Planned]:
        """All tensors in the file's order; what the checkpoint has beside them is refused."""
        names = dict(_WHOLE)
        if not self.config.get("tie_word_embeddings"):
            names["lm_head"] = "output"
        layer = _LAYER | (_EXPERTS if self.experts else _DENSE)
        for number in range(self.config["num_hidden_layers"]):
            names |= {
                f"model.layers.{number}.{theirs}": f"blk.{number}.{ours}" for theirs, ours in layer.items()
            }
        used = {"lm_head.weight"}
        for theirs, ours in names.items():
            each = [theirs.replace("*", str(n)) for n in range(self.experts)] if "*" in theirs else [theirs]
            parts = tuple(tensors[f"{one}.weight"] for one in each)
            used.update(f"{one}.weight" for one in each)
            shape = ((self.experts,) if "*" in theirs else ()) + parts[0].shape
            exact = len(shape) == 1 or ours.endswith("ffn_gate_inp")
            kind = gguf.GGMLQuantizationType.F32 if exact else self.kind
            yield _Planned(f"{ours}.weight", kind, shape, parts)
        if other := sorted(set(tensors) - used):
            raise self._refuse(f"it holds {other[0]}")

    @property
    def experts(self) -> int:
        """0 for a dense model."""
        if self.config["model_type"] != "qwen3_moe":
            return 0
        return int(self.config.get("num_experts") or self.config["num_local_experts"])


def _json(folder: Path, name: str) -> dict[str, Any]:
    held = json.loads((folder / name).read_text("utf-8"))
    if not isinstance(held, dict):
        raise InputError(f"{folder}: {name} holds no object")
    return held


def _tensors(folder: Path) -> dict[str, LocalTensor]:
    """All tensors by name, none of them read."""
    index = folder / "model.safetensors.index.json"
    files = {"model.safetensors"}
    if index.is_file():
        files = set(_json(folder, index.name)["weight_map"].values())
    found: dict[str, LocalTensor] = {}
    for name in sorted(files):
        found |= SafetensorsLocal(folder / name).tensors
    for name, tensor in found.items():
        lies = tensor.data_range
        if tensor.dtype not in TYPES:
            raise UsageError(f"{folder}: {name} is {tensor.dtype}; export a model that is not quantised")
        width = 4 if tensor.dtype == "F32" else 2
        if lies.size != prod(tensor.shape) * width or lies.offset + lies.size > lies.filename.stat().st_size:
            raise InputError(f"{lies.filename} is cut off or broken; copy or save it again")
    return found


def _write(model: _Model, path: Path) -> None:
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


def _arch(model: _Model) -> gguf.MODEL_ARCH:
    return gguf.MODEL_ARCH.QWEN3MOE if model.experts else gguf.MODEL_ARCH.QWEN3


def _describe(writer: gguf.GGUFWriter, model: _Model) -> None:
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


def _add_tokenizer(writer: gguf.GGUFWriter, model: _Model) -> None:
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
    tensor: LocalTensor, kind: gguf.GGMLQuantizationType, model: _Model, name: str
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
        raise UsageError(f"--quantise {kind}: it is one of {', '.join(QUANTISED)}")
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


@contextmanager
def _whole(out: Path, size: int) -> Iterator[Path]:
    """A file that becomes `out` at the end; what a killed export left there is removed."""
    part = out.with_name(f".{out.name}.part")
    lock = FileLock(f"{part}.lock", timeout=0)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                if (free := shutil.disk_usage(out.parent).free) < size:
                    raise LongreadError(
                        f"{out} takes {size:,} bytes, but {free:,} are free; give another --gguf"
                    )
                yield part
                part.rename(out)
            finally:
                part.unlink(missing_ok=True)
                Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout as error:
        raise RunBusyError(f"another process is making {out}; wait for it, or give another --gguf") from error
    except OSError as error:
        raise LongreadError(f"{out} cannot be made: {error}") from error
