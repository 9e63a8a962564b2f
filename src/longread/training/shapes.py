"""What a model's configuration alone says of its size: parameters to the last one, keys and values, products."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from longread.errors import InputError

_QWEN3 = {"model_type": "qwen3", "head_dim": 128, "vocab_size": 151_936, "attention_bias": False}
_QWEN3_4B = {
    **_QWEN3,
    "hidden_size": 2_560,
    "intermediate_size": 9_728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "tie_word_embeddings": True,
}
_QWEN3_30B = {
    **_QWEN3,
    "model_type": "qwen3_moe",
    "hidden_size": 2_048,
    "intermediate_size": 6_144,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "tie_word_embeddings": False,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "decoder_sparse_step": 1,
    "mlp_only_layers": [],
}
KNOWN: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "Qwen3-4B": _QWEN3_4B,
        "Qwen3-4B-Thinking-2507": _QWEN3_4B,
        "Qwen3-30B-A3B": _QWEN3_30B,
        "Qwen3-30B-A3B-Thinking-2507": _QWEN3_30B,
    }
)
"""What the published `config.json` of the recipes' models say of shapes, by the name of their folder."""


@dataclass(frozen=True)
class Shape:
    """A Qwen3, dense or mixture of experts; fields as in its `config.json`, weights as transformers counts them."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head: int
    inner: int
    """Width of a dense feed-forward layer."""
    vocabulary: int
    tied: bool
    """Whether embeddings are the output's matrix too."""
    bias: bool = False
    """Of attention's projections."""
    sparse: int = 0
    """Layers with experts."""
    experts: int = 0
    chosen: int = 0
    """Experts of a token."""
    expert_inner: int = 0

    @property
    def linear(self) -> dict[str, tuple[int, int, int]]:
        """Of each kind of linear layer of the decoder, but for experts: inputs, outputs, how many there are."""
        queries, keys, dense = self.heads * self.head, self.kv_heads * self.head, self.layers - self.sparse
        return {
            "q_proj": (self.hidden, queries, self.layers),
            "k_proj": (self.hidden, keys, self.layers),
            "v_proj": (self.hidden, keys, self.layers),
            "o_proj": (queries, self.hidden, self.layers),
            "gate_proj": (self.hidden, self.inner, dense),
            "up_proj": (self.hidden, self.inner, dense),
            "down_proj": (self.inner, self.hidden, dense),
        }

    @property
    def matrices(self) -> int:
        """Parameters in matrices of the decoder, routers included; experts are stacked, and no matrices."""
        own = sum(inputs * outputs * count for inputs, outputs, count in self.linear.values())
        return own + self.sparse * self.experts * self.hidden

    @property
    def expert(self) -> int:
        """Parameters of one expert of one layer."""
        return 3 * self.hidden * self.expert_inner

    @property
    def embedding(self) -> int:
        """Parameters of the embeddings, and as many of the output."""
        return self.vocabulary * self.hidden

    @property
    def parameters(self) -> int:
        """All of them."""
        vectors = self.layers * (2 * self.hidden + 2 * self.head) + self.hidden
        if self.bias:
            vectors += self.layers * ((self.heads + 2 * self.kv_heads) * self.head + self.hidden)
        experts = self.sparse * self.experts * self.expert
        return self.matrices + vectors + experts + self.embedding * (1 if self.tied else 2)

    @property
    def active(self) -> int:
        """Those that a token meets; embeddings count where they are the output's matrix."""
        idle = self.sparse * (self.experts - self.chosen) * self.expert
        return self.parameters - idle - (0 if self.tied else self.embedding)

    @property
    def largest_layer(self) -> int:
        """Parameters of the largest layer, about."""
        rest = self.parameters - self.embedding * (1 if self.tied else 2)
        return -(-rest // self.layers)

    def kv_bytes(self, width: int) -> int:
        """Of the keys and values of one token, with numbers of `width` bytes."""
        return 2 * self.layers * self.kv_heads * self.head * width

    def products(self, tokens: float, before: float = 0.0) -> float:
        """Floating-point operations to read `tokens` in a row once, after `before` others: 2 for each parameter that
        is met, and attention's, in which a token sees those before it alone."""
        seen = tokens * before + tokens * tokens / 2
        return 2 * self.active * tokens + 4 * self.layers * self.heads * self.head * seen


def read_shape(model: str) -> Shape:
    """The shape of a checkpoint's folder, of which only `config.json` is read, or of a model in `KNOWN` by its name.

    Raises:
        InputError: There is no such folder or name, or it is no Qwen3.
    """
    file = Path(model) / "config.json"
    if file.is_file():
        try:
            config = json.loads(file.read_text("utf-8"))
            return _shape(config)
        except (OSError, UnicodeDecodeError, ValueError, TypeError, KeyError) as error:
            raise InputError(f"{file} does not say the shape of a Qwen3: {error!r}") from error
    if (name := Path(model).name) in KNOWN:
        return _shape(KNOWN[name])
    raise InputError(f"{file} is not there, and known by name are only {', '.join(KNOWN)}")


def _shape(config: Mapping[str, Any]) -> Shape:
    kind = config["model_type"]
    if kind not in ("qwen3", "qwen3_moe"):
        raise ValueError(f"model_type {kind}, where qwen3 and qwen3_moe are known")
    layers, heads = int(config["num_hidden_layers"]), int(config["num_attention_heads"])
    sparse = 0
    # transformers writes the latter.
    experts = (
        config["num_experts" if "num_experts" in config else "num_local_experts"] if "moe" in kind else 0
    )
    if experts:
        dense, every = set(config.get("mlp_only_layers") or ()), int(config.get("decoder_sparse_step", 1))
        sparse = sum(layer not in dense and (layer + 1) % every == 0 for layer in range(layers))
    return Shape(
        layers=layers,
        hidden=int(config["hidden_size"]),
        heads=heads,
        kv_heads=int(config["num_key_value_heads"]),
        head=int(config.get("head_dim") or config["hidden_size"] // heads),
        inner=int(config["intermediate_size"]),
        vocabulary=int(config["vocab_size"]),
        tied=bool(config.get("tie_word_embeddings", False)),
        bias=bool(config.get("attention_bias", False)),
        sparse=sparse,
        experts=int(experts) if sparse else 0,
        chosen=int(config["num_experts_per_tok"]) if sparse else 0,
        expert_inner=int(config["moe_intermediate_size"]) if sparse else 0,
    )
