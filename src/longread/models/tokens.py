"""Counting tokens without the model's tokenizer."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

BYTES_PER_TOKEN = 4
_LEAST_TOKENS = 500
"""Shorter prompts say more about the chat template than about the text."""
_RATIO_BOUNDS = (0.5, 4.0)
"""From half the bytes-over-four rule to one token a byte. A server that drops part of a prompt and reports
only the rest must not make later counts too low."""
_MARGIN = 1.02
_LONGEST_TOKEN = 16
"""Characters; no more than this for each token is looked at when text is cut."""


class Estimator:
    """Counts tokens as `ceil(utf8_bytes / 4 * ratio)`, and learns `ratio` from what servers report.

    The ratio is the upper quartile of the last observations plus two percent: it errs on the high side, and
    one odd report moves it little. It depends on the observations alone, and only later counts change.
    """

    def __init__(self, ratio: float = 1.0, memory: int = 32) -> None:
        self._ratio = ratio
        self._seen: deque[float] = deque(maxlen=memory)

    @property
    def ratio(self) -> float:
        """Tokens for each four bytes of UTF-8."""
        return self._ratio

    def count(self, text: str) -> int:
        """Tokens in `text`, by the present ratio."""
        return math.ceil(utf8_length(text) / BYTES_PER_TOKEN * self._ratio)

    def observe(self, size: int, tokens: int) -> bool:
        """Learns that a prompt of `size` UTF-8 bytes had `tokens` tokens; False when too short to tell."""
        if tokens <= _LEAST_TOKENS or size < _LEAST_TOKENS:
            return False
        low, high = _RATIO_BOUNDS
        self._seen.append(tokens * BYTES_PER_TOKEN / size)
        ranked = sorted(self._seen)
        self._ratio = min(max(ranked[len(ranked) * 3 // 4] * _MARGIN, low), high)
        return True


async def calibrate(
    estimator: Estimator, tokenize: Callable[[str], Awaitable[int | None]], samples: Sequence[str]
) -> bool:
    """Sets the ratio from a tokenizer that answers with counts; True when it did.

    `tokenize` gives None when it cannot, and then the estimate stays as it is. Samples should be text to be
    read, a few thousand characters each: those under some 500 tokens are ignored.
    """
    learned = False
    for sample in samples:
        tokens = await tokenize(sample)
        if tokens is None:
            break
        learned |= estimator.observe(utf8_length(sample), tokens)
    return learned


def utf8_length(text: str) -> int:
    """Bytes of `text` in UTF-8; lone surrogates, which no server takes, count as three."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def longest_end(text: str, limit: int, count: Callable[[str], int], *, from_end: bool) -> int:
    """Characters of the longest beginning (or end) of `text` within `limit` tokens, by bisection."""
    low, high = 0, min(len(text), _LONGEST_TOKEN * limit)
    while low < high:
        middle = (low + high + 1) // 2
        part = text[-middle:] if from_end else text[:middle]
        low, high = (middle, high) if count(part) <= limit else (low, middle - 1)
    return low
