"""How long a step takes, from operations and bytes: an estimate within a factor, whose assumptions are told.

Reading and learning are bound by products, drawing by how fast weights, keys and values are read from memory.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from longread.training.shapes import Shape
from longread.training.workload import Alike


class Pace(NamedTuple):
    """What a processor can do at best."""

    name: str
    flops: float
    """Floating-point operations a second."""
    bandwidth: float
    """Bytes of memory read a second."""
    layer: float
    """Seconds that a layer takes for one token of each reply at least."""

    def at(self, share: float) -> Pace:
        """What is reached where it is a share of the best; what a layer takes at least was measured as it is."""
        name = (
            f"{share:g} of {self.name} {self.flops / 1e12:.3g} TFLOP/s and {self.bandwidth / 1e9:,.0f} GB/s"
        )
        return Pace(name, self.flops * share, self.bandwidth * share, self.layer)


H100 = Pace("an H100's", 989e12, 3.35e12, 0.0)
"""The maker's figures for products in bfloat16 without sparsity, and for memory."""
SINGLE = 67e12
"""The same of products in float32: neither verl nor this trainer lets torch round them to TF32."""
EAGER = H100._replace(layer=2e-4)
"""Without an engine: some twenty kernels a layer, each begun from Python; assumed."""
TWO_CORES = Pace("two cores'", 168e9, 11e9, 0.0027)
"""Measured on a machine of 2 cores: a large product in float32, a copy of memory, and a step of decoding with 32
replies and 4 layers (docs/experiments.md)."""


class Crew(NamedTuple):
    """Who makes a step."""

    processors: int
    pace: Pace
    """Of each while replies are drawn, as far as it is reached."""
    learns: Pace
    """Of each while the model learns, where products may be made in another precision."""
    together: int
    """Processors that hold one copy of the model while replies are drawn."""
    cached: int
    """Tokens of keys and values that there is room for in each copy."""
    width: int
    """Bytes of a number while replies are drawn."""
    passes: int
    """Forward passes that learning is worth: 3 for each update, and 1 more where log-probabilities are computed again
    before. Activations that are computed again count in the share that is reached, as in published ones."""
    shares: bool
    """Whether learning reads a prompt once for all replies to it."""


class Seconds(NamedTuple):
    """Of a step."""

    drawing: float
    learning: float


def step_seconds(shape: Shape, work: Sequence[Alike], crew: Crew, *, draws: bool) -> Seconds:
    """What a step takes; `draws` unless its replies are given."""
    learning = sum(_learnt(shape, one, crew.shares) for one in work) * crew.passes
    learning /= crew.processors * crew.learns.flops
    if not draws:
        return Seconds(0.0, learning)
    read = sum(one.number / one.sharing * shape.products(one.prompt) for one in work)
    read /= crew.processors * crew.pace.flops
    return Seconds(read + sum(_decoding(shape, one, crew) for one in work), learning)


def decode_rate(shape: Shape, prompt: int, reply: int, crew: Crew, most: int) -> float:
    """Tokens a second that one copy of the model draws for `most` replies, as many at once as the cache holds."""
    at_once = max(1, min(most, crew.cached // (prompt + reply)))
    met = 1 - (1 - shape.chosen / shape.experts) ** at_once if shape.experts else 1.0
    idle = shape.sparse * shape.experts * shape.expert * (1 - met)
    read = crew.width * (shape.parameters - idle)
    read += at_once * (prompt + reply / 2) * shape.kv_bytes(crew.width)
    step = max(
        read / (crew.together * crew.pace.bandwidth),
        at_once * shape.products(1, prompt + reply / 2) / (crew.together * crew.pace.flops),
        shape.layers * crew.pace.layer,
    )
    return at_once / step


def _decoding(shape: Shape, one: Alike, crew: Crew) -> float:
    own = math.ceil(one.number * crew.together / crew.processors)
    return own * one.reply / decode_rate(shape, one.prompt, one.reply, crew, own)


def _learnt(shape: Shape, one: Alike, shares: bool) -> float:
    """Operations to read all conversations once."""
    prompts = one.number / one.sharing if shares else one.number
    return prompts * shape.products(one.prompt) + one.number * shape.products(one.reply, one.prompt)
