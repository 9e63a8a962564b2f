"""Weights to begin with: the first layer looks back, the second compares, all else is random.

Finding what follows a phrase that stood before takes two layers of attention: one that tells each place what stands
just before it, and one that looks for the place that was told what stands here now (Olsson et al., arXiv 2209.11895).
From random weights a model of this size comes upon the pair only after millions of tokens; here it begins with it, as
Trockman and Kolter (arXiv 2305.09828) begin with attention that resembles what training leads to.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_FAST = 4
"""Frequencies, the fastest ones, by which a place is told from its neighbours."""
_SHARP = (2.0, 1.5)
"""Weights of the norms of queries and keys, of the first and the second layer: how decided attention is."""
_LOUD = 0.05
"""How much heads write, beside embeddings of 0.02."""


def look_back(model: Any, seed: int) -> None:
    """Changes a Qwen3 with as many heads for keys as for queries.

    Head h of the first layer attends to the token h + 1 places back and writes what it is into directions of its own;
    head h of the second compares what stands h places back here with what stands h + 1 places back there.
    """
    config = model.config
    heads, size, width = config.num_attention_heads, config.head_dim, config.hidden_size
    drawn = torch.Generator().manual_seed(seed)
    constant = torch.sign(torch.randn(width, generator=drawn))
    model.model.embed_tokens.weight.data += 0.02 * constant  # so that a head can attend whatever the token is

    def directions(count: int) -> Tensor:
        """(count, width): orthonormal, and across `constant`."""
        across = torch.randn(width, count, generator=drawn)
        across -= constant[:, None] * (constant @ across)[None] / width
        return torch.linalg.qr(across)[0].T

    told = directions(size * (heads + 1)).split(size)
    """What the token is, then what stood 1, 2, ... places back."""
    first, second = (layer.self_attn for layer in model.model.layers[:2])
    base = config.rope_parameters["rope_theta"]
    angles = base ** (-torch.arange(_FAST) * 2 / size)
    for head in range(heads):
        here, there = torch.zeros(size), torch.zeros(size)
        turned = angles * (head + 1)
        here[:_FAST] = 1
        there[:_FAST], there[size // 2 : size // 2 + _FAST] = turned.cos(), turned.sin()
        rows = slice(head * size, (head + 1) * size)
        for projection, phase in ((first.q_proj, here), (first.k_proj, there)):
            projection.weight.data[rows] *= 0.1
            projection.weight.data[rows] += 2 / width * phase[:, None] * constant
        first.v_proj.weight.data[rows] = told[0]
        first.o_proj.weight.data[:, rows] = _LOUD * told[head + 1].T
        second.q_proj.weight.data[rows] = told[head]
        second.k_proj.weight.data[rows] = told[head + 1]
        second.v_proj.weight.data[rows] = copied = directions(size)
        second.o_proj.weight.data[:, rows] = _LOUD * copied.T
    for layer, sharp in zip((first, second), _SHARP, strict=True):
        for norm in (layer.q_norm, layer.k_norm):
            norm.weight.data.fill_(sharp)
