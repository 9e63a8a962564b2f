"""Attention of many replies over the prompt they share, which is kept and read once for all of them.

Queries of all attempts at a question meet the keys of its prompt in one matrix product, and each its own reply's in
another; the two softmaxes are joined by their maxima and sums, exactly (Hydragen, arXiv 2402.05099 §3.1-3.2).
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.cache_utils import CacheLayerMixin
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

SHARED = "longread_shared"
"""The attention's name in transformers' registry: plain attention wherever the cache is not a `Room`."""


class Room(CacheLayerMixin):
    """Keys and values of a layer: those of P prompts, and with room for all that is drawn, those of B replies.

    Args:
        keys, values: (P, H, S, D), of the prompts.
        unseen: (P, S) bool, the padding of prompts.
        prompts: (B,), the prompt of each reply.
        room: tokens that a reply may have.
    """

    is_sliding = False
    keys: Tensor
    values: Tensor

    def __init__(self, keys: Tensor, values: Tensor, unseen: Tensor, prompts: Tensor, room: int) -> None:
        super().__init__()
        self._read = keys, values
        self._unseen = unseen
        shape = (len(prompts), keys.shape[1], room, keys.shape[3])
        self.keys, self.values = keys.new_empty(shape), values.new_empty(shape)
        self._drawn = 0
        self._place(prompts)
        self.is_initialized = True

    def _place(self, prompts: Tensor) -> None:
        """Gives each reply a place in a table of prompts by as many replies as the most have."""
        counts = torch.bincount(prompts)
        order = prompts.argsort(stable=True)
        before = (counts.cumsum(0) - counts)[prompts[order]]
        rank = torch.empty_like(prompts)
        rank[order] = torch.arange(len(prompts), device=prompts.device) - before
        self._most = int(counts.max())
        self._prompts, self._places = prompts, prompts * self._most + rank

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing: there is room from the start."""

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Adds keys and values of one token a reply, (B, H, 1, D). It gives itself, for `_attention`."""
        self.keys[:, :, self._drawn] = key_states[:, :, 0]
        self.values[:, :, self._drawn] = value_states[:, :, 0]
        self._drawn += 1
        return cast(Tensor, self), cast(Tensor, self)

    def attended(self, query: Tensor, scaling: float) -> Tensor:
        """(B, H R, 1, D) -> (B, 1, H R, D): each query over its prompt and its own reply so far."""
        keys, values = self._read
        rows, heads, _, width = query.shape
        prompts, groups = keys.shape[:2]
        asked = (query * scaling).view(rows, groups, -1, width)  # B, H, R, D
        table = asked.new_zeros(prompts * self._most, *asked.shape[1:])
        table[self._places] = asked
        table = table.view(prompts, self._most, *asked.shape[1:]).transpose(1, 2)  # P, H, M, R, D
        far = _weighed(table.flatten(2, 3), keys, values, self._unseen)
        far = tuple(
            part.view(*table.shape[:4], -1).transpose(1, 2).flatten(0, 1)[self._places] for part in far
        )
        own = slice(0, self._drawn)
        near = _weighed(asked, self.keys[:, :, own], self.values[:, :, own])
        return _joined(far, near).to(query.dtype).view(rows, 1, heads, width)

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Keeps these replies, and the prompts that any of them has."""
        self.keys, self.values = self.keys[beam_idx], self.values[beam_idx]
        left, prompts = self._prompts[beam_idx].unique(return_inverse=True)
        if len(left) < len(self._read[0]):
            self._read = self._read[0][left], self._read[1][left]
            self._unseen = self._unseen[left]
        self._place(prompts)

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        """Length of the keys with a query's own, and where they begin."""
        return self.get_seq_length() + query_length, 0

    def get_seq_length(self) -> int:
        """Tokens held of a reply and its prompt, with padding."""
        return self._read[0].shape[2] + self._drawn

    def get_max_length(self) -> int:
        """Tokens that there is room for."""
        return int(self._read[0].shape[2] + self.keys.shape[2])

    get_max_cache_shape = get_max_length  # its name before transformers 5.11


def _weighed(
    queries: Tensor, keys: Tensor, values: Tensor, unseen: Tensor | None = None
) -> tuple[Tensor, ...]:
    """Values weighed by how keys match, (N, H, Q, D), the best match and the sum of weights, (N, H, Q, 1).

    Args:
        queries: (N, H, Q, D).
        keys, values: (N, H, S, D).
        unseen: (N, S) bool, keys that are none.
    """
    scores = (queries @ keys.transpose(2, 3)).float()
    if unseen is not None:
        scores.masked_fill_(unseen[:, None, None], -torch.inf)
    best = scores.amax(-1, keepdim=True)
    weights = scores.sub_(best).exp_()
    return (weights.to(values.dtype) @ values).float(), best, weights.sum(-1, keepdim=True)


def _joined(one: tuple[Tensor, ...], other: tuple[Tensor, ...]) -> Tensor:
    """What attention over all keys gives, from `_weighed` of two parts of them."""
    best = torch.maximum(one[1], other[1])
    shares = (one[1] - best).exp_(), (other[1] - best).exp_()
    whole = one[2] * shares[0] + other[2] * shares[1]
    return (one[0] * shares[0] + other[0] * shares[1]) / whole


def _attention(
    module: nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **given: Any
) -> tuple[Tensor, None]:
    if isinstance(key, Room):
        return key.attended(query, given["scaling"]), None
    return sdpa_attention_forward(module, query, key, value, mask, **given)


AttentionInterface.register(SHARED, _attention)
AttentionMaskInterface.register(SHARED, sdpa_mask)
