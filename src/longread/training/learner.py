"""Gradient steps on conversations, in passes that fit the memory given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from longread.errors import LongreadError
from longread.training.loss import policy_loss
from longread.training.network import Network
from longread.training.records import Conversation
from longread.training.update import logprobs, passes, trees


class Learned(NamedTuple):
    """What an optimizer step was."""

    nll: float
    """Mean negative log-probability of the tokens learnt from, nats."""
    norm: float
    """Of the gradient, before it is scaled down."""
    learnt: int
    """Reply tokens with a weight."""
    drift: float
    """Largest difference between log-probabilities when drawn and when learnt from; nats."""


class Learner:
    """Takes gradient steps.

    Args:
        temperature: logits are divided by it, as when replies were drawn.
        pass_tokens: tokens of one forward and backward pass; gradients of several add up to a step.
        max_norm: longer gradients are scaled down to it.
        explodes: a longer one ends training.
    """

    def __init__(
        self,
        network: Network,
        optimizers: Sequence[torch.optim.Optimizer],
        *,
        temperature: float = 1.0,
        pass_tokens: int = 16_384,
        max_norm: float = 1.0,
        explodes: float = 1e4,
    ) -> None:
        self.network = network
        self.optimizers = optimizers
        self._temperature = temperature
        self._pass_tokens = pass_tokens
        self._max_norm = max_norm
        self._explodes = explodes

    def learn(
        self,
        conversations: Sequence[Conversation],
        weights: Sequence[Tensor],
        old: dict[int, Tensor] | None = None,
        clip: tuple[float, float] | None = None,
    ) -> Learned:
        """One optimizer step on -sum of weight * ratio over all reply tokens.

        Args:
            weights: for each conversation, (T,) by token.
            old: log-probabilities that ratios are taken against, by conversation; those of this step are put in
                where there are none, which makes the step on-policy.

        Raises:
            LongreadError: The gradient is not finite, or exploded.
        """
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        old = {} if old is None else old
        nll, drift, learnt = 0.0, 0.0, 0
        for some in passes(trees(conversations), self._pass_tokens):
            members = [member for tree in some for member in tree.members]
            found = logprobs(self.network, some, self._temperature)
            for member, own in zip(members, found, strict=True):
                old.setdefault(member, own.detach())
                weighed = weights[member] != 0
                nll -= float(own.detach().cpu()[weighed].sum())
                learnt += int(weighed.sum())
                if drawn := conversations[member].logprobs:
                    drift = max(drift, float((own.detach().cpu() - torch.tensor(drawn)).abs().max()))
            joined = torch.cat([old[member] for member in members])
            part = policy_loss(
                torch.cat(found), joined, torch.cat([weights[m] for m in members]).to(joined.device), clip
            )
            part.backward()
        norm = float(
            torch.nn.utils.clip_grad_norm_(
                [p for one in self.optimizers for group in one.param_groups for p in group["params"]],
                self._max_norm,
            )
        )
        check_norm(norm, self._explodes)
        for optimizer in self.optimizers:
            optimizer.step()
        return Learned(nll / max(learnt, 1), norm, learnt, drift)


def check_norm(norm: float, explodes: float) -> None:
    """LongreadError when a gradient is not finite, or longer than it may be."""
    if not norm <= explodes:  # NaN is not either
        raise LongreadError(
            f"the gradient norm is {norm:g}: training has diverged; go on from the last checkpoint with a "
            "smaller learning_rate"
        )
