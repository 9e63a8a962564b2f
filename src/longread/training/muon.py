"""Muon: momentum whose update is made orthogonal, for the matrices of small models (Jordan et al., 2024).

torch.optim.Muon computes the same in bfloat16, which a CPU without instructions for it emulates: 59 % of a step of a
model of 1.5M parameters went there. Here products are those of float32, rounded to bfloat16 as that does. Without
the rounding a tiny model came to look things up much later (see docs/experiments.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the iteration."""
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Changes each matrix by lr * 0.2 * sqrt(its longer side) times an orthogonal one, about as much as AdamW would.

    Args:
        params: matrices.
        momentum: Nesterov's.
    """

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.95) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step on the gradients that are there."""
        for group in self.param_groups:
            for matrix in group["params"]:
                if matrix.grad is None:
                    continue
                state = self.state[matrix]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(matrix)
                held = state["momentum_buffer"].lerp_(matrix.grad, 1 - group["momentum"])
                update = orthogonal(matrix.grad.lerp(held, group["momentum"]))
                matrix.sub_(update, alpha=group["lr"] * 0.2 * math.sqrt(max(matrix.shape)))


def orthogonal(matrix: Tensor) -> Tensor:
    """(M, N): the matrix with all singular values brought near 1 (0.7 to 1.2), by Newton and Schulz's iteration."""
    a, b, c = _QUINTIC
    tall = matrix.shape[0] > matrix.shape[1]
    x = _rounded(matrix.T if tall else matrix)
    x = _rounded(x / _rounded(x.norm()).clamp(min=1e-7))
    for _ in range(_ITERATIONS):
        gram = _rounded(x @ x.T)
        polynomial = _rounded(torch.addmm(gram, gram, gram, beta=b, alpha=c))
        x = _rounded(torch.addmm(x, polynomial, x, beta=a))
    return x.T if tall else x


def _rounded(x: Tensor) -> Tensor:
    return x.bfloat16().float()
