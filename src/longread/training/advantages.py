"""How good an attempt was beside the others: estimators over trajectories, never over rows.

A trajectory of seven conversations counts once, like one of a single conversation (recipe §5).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

EPSILON = 1e-6
"""Added to the standard deviation."""

Estimator = Callable[[Tensor, Tensor, Tensor], Tensor]


def group_advantages(rewards: Tensor, groups: Tensor, tasks: Tensor) -> Tensor:
    """GRPO (arXiv 2512.12967, Eq. 3): A_i = (r_i - mean of its group) / std of its group.

    Args:
        rewards: (N,), one a trajectory.
        groups: (N,) int64, the question each trajectory attempts.
        tasks: (N,) int64, unused here.

    Returns:
        (N,). Standard deviations are those of samples (n-1); a group of one, or of equal rewards, gives 0.
    """
    return _centred(rewards, groups) / (_deviation(rewards, groups) + EPSILON)


def batch_advantages(rewards: Tensor, groups: Tensor, tasks: Tensor) -> Tensor:
    """A_i = (r_i - mean of its group) / std of all rewards of the batch. Shapes as in `group_advantages`."""
    return _centred(rewards, groups) / (_deviation(rewards, torch.zeros_like(groups)) + EPSILON)


def task_advantages(rewards: Tensor, groups: Tensor, tasks: Tensor) -> Tensor:
    """A_i = (r_i - mean of its group) / std of all rewards of its task in the batch (recipe §3.2).

    Dense rewards (MRCR) and binary ones then weigh alike. Shapes as in `group_advantages`.
    """
    return _centred(rewards, groups) / (_deviation(rewards, tasks) + EPSILON)


ESTIMATORS: dict[str, Estimator] = {
    "group": group_advantages,
    "batch": batch_advantages,
    "task": task_advantages,
}


def step_advantages(
    advantages: Tensor, gains: Tensor, groups: Tensor, tasks: Tensor, coefficient: float
) -> Tensor:
    """Step credit, past the paper: each update of the memory is also credited for the gold facts that it moved.

    A_ik = (1 - c) A_i + c C_ik, where C_ik = (g_ik - mean of g_k over the group) / std of all g of the task, and g_ik
    is the share of gold facts that update k captured, less the share it lost and what its notes beside them cost.
    Updates k of one group read the same text, in one conversation or two. Where there is no update, A_i stays.

    Args:
        advantages: (N,), one a trajectory.
        gains: (N, K), one an update; NaN where there is none.
        groups, tasks: (N,) int64.
        coefficient: c in [0, 1]; 0 is the paper's credit by trajectory.

    Returns:
        (N, K).
    """
    spread = advantages[:, None].expand(gains.shape)
    known = ~gains.isnan()
    credit = torch.zeros_like(gains)
    for position in range(gains.shape[1]):
        held = known[:, position]
        credit[held, position] = _centred(gains[held, position], groups[held])
    scale = torch.ones_like(gains)
    scale[known] = _deviation(gains[known], tasks[:, None].expand(gains.shape)[known]) + EPSILON
    return torch.where(known, (1 - coefficient) * spread + coefficient * credit / scale, spread)


def _centred(values: Tensor, labels: Tensor) -> Tensor:
    """(N,): each value less the mean of those with its label; exactly 0 where all of them are equal."""
    index, counts = _index(labels)
    means = torch.zeros(len(counts), dtype=values.dtype).index_add(0, index, values) / counts
    return torch.where(_equal(values, index, len(counts)), 0.0, values - means[index])


def _deviation(values: Tensor, labels: Tensor) -> Tensor:
    """(N,): the sample standard deviation of the values with each one's label; 0 for one alone."""
    index, counts = _index(labels)
    squares = torch.zeros(len(counts), dtype=values.dtype).index_add(0, index, _centred(values, labels) ** 2)
    return (squares / (counts - 1).clamp(min=1)).sqrt()[index]


def _equal(values: Tensor, index: Tensor, count: int) -> Tensor:
    """(N,) bool: whether all values with one's label are the same, which a rounded mean would hide."""
    low = torch.full((count,), torch.inf, dtype=values.dtype).scatter_reduce(0, index, values, "amin")
    high = torch.full((count,), -torch.inf, dtype=values.dtype).scatter_reduce(0, index, values, "amax")
    return (low == high)[index]


def _index(labels: Tensor) -> tuple[Tensor, Tensor]:
    _, index, counts = labels.unique(return_inverse=True, return_counts=True)
    return index, counts
