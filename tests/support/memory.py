"""What models take in memory, from their configurations: the tables of docs/deploy.md."""

from __future__ import annotations

from typing import NamedTuple

from longread.reading.budgets import Budgets

GIB = 2**30
BITS = {"Q4_K": 4.5, "Q6_K": 6.5625, "Q8_0": 8.5, "BF16": 16.0, "F32": 32.0}
"""Of a weight, with its share of the block's scales."""
KV_BITS = {"f16": 16.0, "q8_0": 8.5}
WAYS = ("BF16", "Q8_0", "Q6_K", "Q4_K_M")
RESERVED = 1.5
"""GiB for buffers of the computation, and what a desktop takes of a card."""
SYSTEM = 8.0
"""GiB that a laptop needs for its system and programs; a Mac gives a GPU three quarters of its memory."""
ROUND = 1_024


class Model(NamedTuple):
    """The shapes of a Qwen3."""

    name: str
    layers: int
    hidden: int
    heads: int
    kv_heads: int
    inner: int
    """Width of the feed-forward part, or of one expert."""
    window: int
    """Tokens it was trained for, without YaRN."""
    experts: int = 0
    tied: bool = False
    head: int = 128
    vocabulary: int = 151_936

    @property
    def kv_values(self) -> int:
        """Numbers that a token leaves in the cache."""
        return 2 * self.layers * self.kv_heads * self.head

    def matrices(self) -> list[tuple[str, int, int]]:
        """Name, layer (-1 for none) and number of weights of each; vectors are left out, as they are tiny."""
        wide, narrow = self.heads * self.head, self.kv_heads * self.head
        each = self.inner * self.hidden * (self.experts or 1)
        found = [("token_embd", -1, self.vocabulary * self.hidden)]
        if not self.tied:
            found.append(("output", -1, self.vocabulary * self.hidden))
        for layer in range(self.layers):
            found += [
                ("attn_q", layer, self.hidden * wide),
                ("attn_k", layer, self.hidden * narrow),
                ("attn_v", layer, self.hidden * narrow),
                ("attn_output", layer, wide * self.hidden),
                ("ffn_gate", layer, each),
                ("ffn_up", layer, each),
                ("ffn_down", layer, each),
            ]
            if self.experts:
                found.append(("ffn_gate_inp", layer, self.experts * self.hidden))
        return found

    def weights(self, way: str) -> float:
        """Bytes of all weights, as llama.cpp stores them."""
        return sum(size * BITS[self.kind(way, name, layer)] / 8 for name, layer, size in self.matrices())

    def kind(self, way: str, name: str, layer: int) -> str:
        """Q4_K_M keeps more of what decides most (llama.cpp's `use_more_bits`); so does it for routers, always."""
        if name == "ffn_gate_inp":
            return "F32"
        if way != "Q4_K_M":
            return "Q6_K" if way == "Q6_K" else way
        if name == "output" or (name == "token_embd" and self.tied):
            return "Q6_K"
        eighth = self.layers // 8
        more = layer < eighth or layer >= 7 * self.layers // 8 or (layer - eighth) % 3 == 2
        return "Q6_K" if name in ("attn_v", "ffn_down") and more else "Q4_K"

    def cache(self, tokens: int, kind: str = "f16") -> float:
        """Bytes of the cache."""
        return tokens * self.kv_values * KV_BITS[kind] / 8

    def fits(self, way: str, memory: float, kind: str = "f16") -> int:
        """Tokens whose cache fits beside the weights into so many GiB, up to what it was trained for."""
        left = memory * GIB - self.weights(way)
        tokens = int(left / self.cache(1, kind)) // ROUND * ROUND
        return max(0, min(tokens, self.window))


MODELS = (
    Model("QwenLong-L1.5-30B-A3B, Qwen3-30B-A3B-2507", 48, 2048, 32, 4, 768, 262_144, experts=128),
    Model("Qwen3-4B-2507", 36, 2560, 32, 8, 9728, 262_144, tied=True),
    Model("Qwen3-8B", 36, 4096, 32, 8, 12_288, 32_768),
    Model("Qwen3-14B", 40, 5120, 40, 8, 17_408, 32_768),
    Model("Qwen3-32B", 64, 5120, 64, 8, 25_600, 32_768),
)
"""From the config.json of each."""


def memory_table() -> str:
    """Weights, cache, and the window that fits."""
    rows = [
        "| model | weights as | weights, GB | cache of 32,768 tokens, GB | window on a 24 GB card "
        "| with an 8-bit cache | window on a 32 GB laptop |",
        "|---|---|---|---|---|---|---|",
    ]
    for model in MODELS:
        for way in WAYS:
            card = [model.fits(way, 24 - RESERVED, kind) for kind in KV_BITS]
            windows = [*card, model.fits(way, 32 - SYSTEM)]
            shown = " | ".join(f"{tokens:,}" if tokens >= 2_048 else "does not fit" for tokens in windows)
            sizes = f"{model.weights(way) / 1e9:.1f} | {model.cache(32_768) / 1e9:.1f}"
            rows.append(f"| {model.name} | {way} | {sizes} | {shown} |")
    return "\n".join(rows)


def window_table() -> str:
    """What Longread makes of a window."""
    rows = ["| window | chunk | notes | answer | thinking | read in one pass |", "|---|---|---|---|---|---|"]
    for window in (8_192, 16_384, 32_768, 65_536, 131_072, 262_144):
        one = Budgets.of(window)
        shares = (window, one.chunk, one.notes, one.answer, one.thinking, one.room)
        rows.append("| " + " | ".join(f"{tokens:,}" for tokens in shares) + " |")
    return "\n".join(rows)
