"""Exact match and cover exact match (CEM) after SQuAD's normalisation.

Source: SQuAD's `normalize_answer`, and QwenLong-L1's evaluation for the rest. A gold that normalises to nothing
("A", "The", "?") would be inside every answer, so all variants compare it raw and exactly.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """SQuAD's: lowercase, drop ASCII punctuation, then articles, squeeze spaces.

    Punctuation goes without leaving a space, so `1,234` is `1234` and `well-known` is `wellknown`.
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION)).split())


def cem(answer: str, golds: Iterable[str]) -> float:
    """Cover exact match, the headline: 1.0 if a gold is inside the answer, be it in the middle of a word."""
    return _any(answer, golds, lambda said, gold: gold in said)


def strict(answer: str, golds: Iterable[str]) -> float:
    """1.0 if a gold is a run of whole tokens of the answer: `1` is in `1 of 3`, not in `1984`."""
    return _any(answer, golds, lambda said, gold: f" {gold} " in f" {said} ")


def l1_compat(answer: str, golds: Iterable[str]) -> float:
    """1.0 if either is inside the other, as the official L1 code has it; only to compare with its numbers.

    An answer that normalises to nothing is inside every gold.
    """
    return _any(answer, golds, lambda said, gold: gold in said or said in gold)


def exact(answer: str, golds: Iterable[str]) -> float:
    """1.0 if the answer is a gold."""
    return _any(answer, golds, lambda said, gold: said == gold)


def _any(answer: str, golds: Iterable[str], rule: Callable[[str, str], bool]) -> float:
    said = normalise(answer)
    for gold in golds:
        wanted = normalise(gold)
        if rule(said, wanted) if wanted else answer == gold:
            return 1.0
    return 0.0
