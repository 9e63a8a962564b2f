"""A causal language model as training sees it: hidden states first, logits only where they are needed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from transformers.cache_utils import Cache

from longread.training.attention import SHARED


class Network:
    """A transformers model for causal language modelling, dense or mixture of experts, with adapters or without.

    Args:
        model: the model; the weights in it are those that are trained.
        precision: the type that matrix products are made in; weights keep theirs.
    """

    def __init__(self, model: Any, precision: torch.dtype = torch.float32) -> None:
        self.model: nn.Module = model
        inner = model.get_base_model() if hasattr(model, "get_base_model") else model
        inner.set_attn_implementation(SHARED)
        self._decoder: Any = inner.get_decoder()
        self._head: nn.Module = inner.get_output_embeddings()
        self._precision = precision

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.model.parameters()).device

    @property
    def vocabulary(self) -> int:
        """Number of logits."""
        return int(self._head.weight.shape[0])  # type: ignore[index]

    def hidden(
        self, ids: Tensor, positions: Tensor, mask: Tensor | None, cache: Cache | None = None
    ) -> Tensor:
        """The last hidden states: (B, T, D).

        Args:
            ids, positions: (B, T) int64.
            mask: (B, 1, T, S) bool, what each token sees; None for plain causal attention.
            cache: keys and values of the tokens before, to which those of these are added.
        """
        with self._autocast():
            out = self._decoder(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask,
                past_key_values=cache,
                use_cache=cache is not None,
            )
        states: Tensor = out.last_hidden_state
        return states

    def logits(self, hidden: Tensor) -> Tensor:
        """(..., D) -> (..., V), in single precision."""
        with self._autocast():
            logits: Tensor = self._head(hidden)
        return logits.float()

    def _autocast(self) -> torch.autocast:
        on = self._precision != torch.float32
        return torch.autocast(self.device.type, self._precision if on else torch.bfloat16, enabled=on)
