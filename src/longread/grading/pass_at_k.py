"""The unbiased estimator of pass@k (Chen et al. 2021, arXiv 2107.03374, equation 1)."""

from __future__ import annotations

from math import comb


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """The chance that one of k samples is correct, when `correct` of `samples` were: 1 - C(n-c, k) / C(n, k)."""
    if not 0 <= correct <= samples or not 1 <= k <= samples:
        raise ValueError(f"pass@{k} of {correct} correct among {samples} samples is not defined")
    # Integers of Python are exact, so the product form that the paper uses against overflow is not needed.
    return 1.0 - comb(samples - correct, k) / comb(samples, k)
