"""Entropy of the policy, and which negative samples it lets into the update (recipe §3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from longread.training.records import Conversation


class Band(NamedTuple):
    """The bounds between which AEPO keeps the entropy, in nats."""

    low: float
    high: float


@dataclass
class Aepo:
    """Adaptive entropy-controlled policy optimisation: the mode, with hysteresis.

    Above `band.high`, samples with a negative advantage are dropped: the update becomes rejection sampling weighted
    by advantage, and lowers the entropy. Below `band.low` they come back. Between the bounds the mode stays.
    """

    band: Band
    negatives: bool = True
    """Whether negative samples take part."""

    def observe(self, entropy: float) -> bool:
        """The mode for a batch of that entropy (nats, by `batch_entropy`)."""
        if entropy > self.band.high:
            self.negatives = False
        elif entropy < self.band.low:
            self.negatives = True
        return self.negatives


class Clip(NamedTuple):
    """Which negative gradients are masked (Eq. 8-9). What is masked stays in the loss's denominator.

    `token`: tokens of negative samples; `sequence`: whole replies, by their mean entropy. `high` masks those with
    an entropy above the threshold, `low` those below it.
    """

    unit: Literal["token", "sequence"]
    side: Literal["high", "low"]
    threshold: float
    """Nats."""

    def masks(self, conversation: Conversation) -> Tensor:
        """(T,) bool: which tokens of a negative reply give no gradient."""
        entropies = torch.tensor(conversation.entropies)
        if self.unit == "sequence" and len(entropies):
            entropies = entropies.mean().expand(entropies.shape)
        return entropies > self.threshold if self.side == "high" else entropies < self.threshold


def batch_entropy(conversations: Sequence[Conversation]) -> float:
    """H of a batch (Eq. 11), nats: the mean over replies of the mean over their tokens. Empty ones do not count."""
    means = [sum(c.entropies) / len(c.entropies) for c in conversations if c.entropies]
    return sum(means) / len(means) if means else 0.0
