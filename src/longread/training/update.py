"""Log-probabilities of replies under the weights being trained, with as few tokens computed as can be.

A prompt and all replies that share it make one tree: the prompt is read once, and each reply sees the prompt and
itself. Logits are made of reply tokens alone, a part at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from longread.training.network import Network
from longread.training.records import Conversation

_LEAST = 256
"""Reply tokens that a tree may have however short its prompt is."""
_ALIKE = 0.75
"""Length of the shortest tree of a pass beside the longest: what it lacks is padding."""
_LOGITS = 1 << 24
"""Logits held at once."""


class Tree(NamedTuple):
    """A prompt and replies to it; `members` are the places of the replies in the batch."""

    prompt: tuple[int, ...]
    replies: tuple[tuple[int, ...], ...]
    members: tuple[int, ...]

    @property
    def tokens(self) -> int:
        """Tokens that the network reads: the last of each reply predicts nothing."""
        return len(self.prompt) + sum(len(reply) - 1 for reply in self.replies)


def trees(conversations: Sequence[Conversation]) -> list[Tree]:
    """Conversations by prompt, longest tree first.

    A tree holds no more reply tokens than its prompt has: from there on, attention among replies that do not see one
    another would cost more than reading the prompt again. Empty replies are left out.
    """
    by_prompt: dict[tuple[int, ...], list[int]] = {}
    for at, conversation in enumerate(conversations):
        if conversation.reply:
            by_prompt.setdefault(conversation.prompt, []).append(at)
    made = []
    for prompt, members in by_prompt.items():
        most, held, size = max(_LEAST, len(prompt)), [members[0]], len(conversations[members[0]].reply)
        for at in members[1:]:
            size += len(conversations[at].reply)
            if size > most:
                made.append(_tree(prompt, held, conversations))
                held, size = [], len(conversations[at].reply)
            held.append(at)
        made.append(_tree(prompt, held, conversations))
    return sorted(made, key=lambda tree: -tree.tokens)


def _tree(prompt: tuple[int, ...], members: Sequence[int], conversations: Sequence[Conversation]) -> Tree:
    return Tree(prompt, tuple(conversations[at].reply for at in members), tuple(members))


def passes(trees: Sequence[Tree], most: int) -> Iterator[list[Tree]]:
    """Trees of like length together, at most `most` tokens with padding; never fewer than one."""
    some: list[Tree] = []
    for tree in trees:
        if some and ((len(some) + 1) * some[0].tokens > most or tree.tokens < _ALIKE * some[0].tokens):
            yield some
            some = []
        some.append(tree)
    if some:
        yield some


def logprobs(network: Network, trees: Sequence[Tree], temperature: float) -> list[Tensor]:
    """Of each reply of each tree, (T,): log-probabilities of its tokens at the temperature, nats, with gradient."""
    longest = max(tree.tokens for tree in trees)
    ids = torch.zeros(len(trees), longest, dtype=torch.int64)
    # Padding is numbered on: transformers would take a jump there for the start of a packed text.
    positions = torch.arange(longest).repeat(len(trees), 1)
    mask = torch.eye(longest, dtype=torch.bool).repeat(len(trees), 1, 1)
    rows: list[int] = []
    places: list[int] = []
    targets: list[int] = []
    for row, tree in enumerate(trees):
        end = len(tree.prompt)
        ids[row, :end] = torch.tensor(tree.prompt)
        positions[row, :end] = torch.arange(end)
        mask[row, :end, :end] = _causal(end)
        for reply in tree.replies:
            start, end = end, end + len(reply) - 1
            ids[row, start:end] = torch.tensor(reply[:-1], dtype=torch.int64)
            positions[row, start:end] = torch.arange(end - start) + len(tree.prompt)
            mask[row, start:end, : len(tree.prompt)] = True
            mask[row, start:end, start:end] = _causal(end - start)
            rows += [row] * len(reply)
            places += [len(tree.prompt) - 1, *range(start, end)]
            targets += reply
    device = network.device
    plain = all(len(tree.replies) == 1 for tree in trees)  # what pads on the right is seen by none before it
    hidden = network.hidden(
        ids.to(device), positions.to(device), None if plain else mask[:, None].to(device)
    )[torch.tensor(rows, device=device), torch.tensor(places, device=device)]
    chosen = _chosen(network, hidden, torch.tensor(targets, device=device), temperature)
    return list(chosen.split([len(reply) for tree in trees for reply in tree.replies]))


def _chosen(network: Network, hidden: Tensor, targets: Tensor, temperature: float) -> Tensor:
    """(N,): log-probability of each target after `hidden: (N, D)`. No more logits exist at once than `_LOGITS`."""

    def part(hidden: Tensor, targets: Tensor) -> Tensor:
        logits = network.logits(hidden).div_(temperature)  # in place, fused below: half the passes and memory
        return -cross_entropy(logits, targets, reduction="none")

    size = max(1, _LOGITS // network.vocabulary)
    if len(targets) <= size:
        return part(hidden, targets)
    parts = [
        checkpoint(part, some, aims, use_reentrant=False)
        for some, aims in zip(hidden.split(size), targets.split(size), strict=True)
    ]
    return torch.cat(parts)


def _causal(length: int) -> Tensor:
    return torch.ones(length, length, dtype=torch.bool).tril()
