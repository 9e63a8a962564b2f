"""What a rollout is: conversations with the ids that went in and came out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Conversation(NamedTuple):
    """One prompt and the reply that was drawn for it. Text is never encoded again: these ids are what was seen."""

    prompt: tuple[int, ...]
    reply: tuple[int, ...]
    logprobs: tuple[float, ...]
    """Of each reply token under the distribution at the sampling temperature, before top-p; nats."""
    entropies: tuple[float, ...]
    """Of that distribution over the full vocabulary, at each reply token; nats."""


@dataclass(frozen=True)
class Trajectory:
    """One attempt at a question: K updates of the memory and an answer, or a single pass.

    Conversations are independent prompts, and their number differs; they share the reward.
    """

    question: int
    """Which question of the batch: the attempts at one question are a group."""
    task: str
    conversations: tuple[Conversation, ...]
    response: str
    """The text of the answer; empty when none came, or it was cut off."""
    reward: float = 0.0
    gains: tuple[float | None, ...] = ()
    """For each conversation, gold facts captured by its update, less those lost and what stray notes cost, as a share
    of all; None where it updates nothing."""
    updates: tuple[int | None, ...] = ()
    """For each conversation, which update of the memory it is part of: most updates take one, some two (`confirm`).
    Update k of all attempts at a question reads the same text. None as in `gains`."""

    @property
    def gained(self) -> float:
        """What all updates gained together."""
        gains = {
            update: gain for update, gain in zip(self.updates, self.gains, strict=True) if gain is not None
        }
        return sum(gains.values())

    @property
    def tokens(self) -> int:
        """Reply tokens of all conversations."""
        return sum(len(conversation.reply) for conversation in self.conversations)
