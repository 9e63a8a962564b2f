"""What a Qwen3 checkpoint says of itself, checked for what GGUF can say too. No tensor is read here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import gguf
from gguf.utility import LocalTensor, SafetensorsLocal

from longread.errors import InputError, UsageError

TYPES = ("F32", "F16", "BF16")
"""What weights can be, and be written as."""
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


@contextmanager
def readable(folder: Path) -> Iterator[None]:
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


class Planned(NamedTuple):
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


class Checkpoint:
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
        said = {"norm_topk_prob": kind == "qwen3"} | self.config  # transformers' own where it is not said
        for name, value in _ALWAYS.items():
            if said.get(name, value) != value:
                raise self._refuse(f"its {name} is {said[name]}")

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

    def _plan(self, tensors: Mapping[str, LocalTensor]) -> Iterator[Planned]:
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
            yield Planned(f"{ours}.weight", kind, shape, parts)
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
