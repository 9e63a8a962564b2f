"""The token-level policy gradient (DAPO, Eq. 4 of arXiv 2512.12967), without KL term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longread.training.entropy import Clip
from longread.training.records import Trajectory


class Update(NamedTuple):
    """A conversation's part in the update."""

    trajectory: int
    conversation: int
    weights: Tensor
    """(T,), of each reply token: its advantage over the denominators of the loss; 0 where it is masked."""


def updates(
    trajectories: Sequence[Trajectory],
    advantages: Sequence[Tensor],
    *,
    negatives: bool = True,
    clip: Clip | None = None,
) -> list[Update]:
    """What each reply token weighs: J = mean over groups of (1 / tokens of the group) * sum of A * ratio.

    A group's tokens are those of all conversations of all its trajectories. Rows dropped with `negatives=False`
    (AEPO) leave the denominators too, and so does a group that has none left; tokens masked by `clip` stay in them.

    Args:
        advantages: for each trajectory, (K,), one a conversation.

    Returns:
        The conversations with tokens that take part; their order is that of the trajectories.
    """
    kept = [
        (at, number, advantage)
        for at, (trajectory, own) in enumerate(zip(trajectories, advantages, strict=True))
        for number, (conversation, advantage) in enumerate(
            zip(trajectory.conversations, own.tolist(), strict=True)
        )
        if conversation.reply and (negatives or advantage >= 0)
    ]
    tokens: dict[int, int] = {}
    for at, number, _ in kept:
        group = trajectories[at].question
        tokens[group] = tokens.get(group, 0) + len(trajectories[at].conversations[number].reply)
    made = []
    for at, number, advantage in kept:
        conversation = trajectories[at].conversations[number]
        share = advantage / (tokens[trajectories[at].question] * len(tokens))
        weights = torch.full((len(conversation.reply),), share)
        if clip is not None and advantage < 0:
            weights[clip.masks(conversation)] = 0.0
        made.append(Update(at, number, weights))
    return made


def policy_loss(
    logprobs: Tensor, old: Tensor, weights: Tensor, clip: tuple[float, float] | None = None
) -> Tensor:
    """-J over some tokens: sums over parts of a batch add up to the loss of the whole.

    With one step a batch the ratio is 1 and only its gradient matters. `clip` (low, high) bounds it to
    [1 - low, 1 + high], pessimistically as in PPO, for those who take several steps.

    Args:
        logprobs: (T,) under the weights being trained, nats.
        old: (T,) under those that drew the tokens; `logprobs` itself makes the update on-policy.
        weights: (T,) from `updates`.
    """
    ratio = (logprobs - old.detach()).exp()
    gain = ratio * weights
    if clip is not None:
        gain = torch.minimum(gain, ratio.clamp(1 - clip[0], 1 + clip[1]) * weights)
    return -gain.sum()
