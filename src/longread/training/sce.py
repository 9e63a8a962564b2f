"""SCE: Select, Calculate, Erase (arXiv 2408.07990), for one tensor."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SELECT = 0.1
"""The paper's fraction."""
FLOOR = 1e-6
"""mergekit's."""
_BLOCK = 2**18
"""Entries for which double precision is held at a time."""


def sce(base: Tensor, experts: Sequence[Tensor], select: float = SELECT, floor: float = FLOOR) -> Tensor:
    """The merged tensor, in the shape and type of `base`; the arithmetic is in single precision.

    With the base θ₀, experts θ₁..θₙ and their differences δᵢ = θᵢ - θ₀:

    - select: δ'ᵢ = δᵢ ⊙ m, where m is 1 at the ⌊select · z⌋ entries of the largest variance over i, z being the
      number of entries with any; of those with equal variances at the limit, some. With `select` 1, m = 1;
    - calculate: ηᵢ = mean(δ'ᵢ²) / Σⱼ mean(δ'ⱼ²), one weight a tensor; where that sum is below `floor`, ηᵢ = 1/n;
    - erase: sᵢ = 1 where δ'ᵢ has the sign of Σⱼ δ'ⱼ (positive where that is 0), else 0;
    - θ = θ₀ + Σᵢ ηᵢ sᵢ δ'ᵢ / max(Σᵢ ηᵢ sᵢ, 1e-6).

    `floor`, the last 1e-6 and the sign of 0 are not the paper's but those of mergekit 0.1.5, which this equals. Two
    experts whose entries differ by less than 7e-4 are below its floor; with 0 they have the paper's weights.
    """
    origin = base.float()
    deltas = torch.stack([expert.float() for expert in experts]).sub_(origin)
    if select < 1:
        deltas.mul_(_selected(_variance(deltas), select))
    agrees = ((deltas > 0) == (deltas.sum(dim=0) >= 0)).logical_and_(deltas != 0)
    magnitudes = deltas.square().reshape(len(deltas), -1).mean(dim=1)
    total = float(magnitudes.sum())
    weights = (
        magnitudes / total if total > 0 and total >= floor else torch.full_like(magnitudes, 1 / len(deltas))
    )
    shares = weights.reshape(-1, *[1] * base.dim()) * agrees
    merged = deltas.mul_(shares).sum(dim=0).div_(shares.sum(dim=0).clamp_(min=1e-6))
    return merged.add_(origin).to(base.dtype)


def _variance(deltas: Tensor) -> Tensor:
    """Over the first dimension, exact to single precision; `torch.var` takes ten times as long there."""
    blocks = (block.double() for block in torch.split(deltas.reshape(len(deltas), -1), _BLOCK, dim=1))
    rows = [(block - block.mean(dim=0)).square_().mean(dim=0).float() for block in blocks]
    return torch.cat(rows).view(deltas.shape[1:])


def _selected(variance: Tensor, select: float) -> Tensor:
    """1 at the largest `select` of the entries that are not 0, else 0."""
    count = int(variance.count_nonzero() * select)
    mask = torch.zeros_like(variance)
    mask.view(-1)[variance.view(-1).topk(count, sorted=False).indices] = 1
    return mask
