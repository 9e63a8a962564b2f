"""The documents a question is asked over: those it needs, and others up to the target length."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

_HARD = 0.5
"""Share of the distractors that say something on what is asked."""


def fill(
    rng: random.Random,
    required: Sequence[str],
    near: Sequence[str],
    others: Sequence[str],
    tokens: Mapping[str, int],
    target: int,
    most: int,
) -> tuple[str, ...] | None:
    """Documents of `target` to `most` nominal tokens, or all that fit, in an order drawn by `rng`.

    None when those required are longer than `most`.

    Args:
        rng: Draws distractors and order.
        required: Documents the answer rests on.
        near: Hard distractors: of the same relation or linked to what is asked.
        others: All other documents of the split.
        tokens: Size of each document.
        target: Least nominal tokens, which a context exceeds by one document at the most.
        most: Nominal tokens that no context exceeds.
    """
    chosen = dict.fromkeys(required)
    total = sum(tokens[doc] for doc in chosen)
    if total > most:
        return None
    hard = rng.sample(list(near), len(near))
    easy = rng.sample(list(others), len(others))
    while total < target and (hard or easy):
        pool = hard if hard and (not easy or rng.random() < _HARD) else easy
        doc = pool.pop()
        if doc not in chosen and total + tokens[doc] <= most:
            chosen[doc] = None
            total += tokens[doc]
    return tuple(rng.sample(list(chosen), len(chosen)))
