"""RULER: how many of the references stand in the response.

Source: `string_match_all` (needles, variables, words) and `string_match_part` (question answering) of its
`constants.py`. Quirk: a reference inside a longer number or word counts, and nothing is lost by saying more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded

_CONTROL = re.compile(r"[\x00-\x1f]")


def fraction(response: str, references: Sequence[str]) -> float:
    """The fraction of references that the response contains, whatever their case."""
    return _share(references, _inside(response))


def any_of(response: str, references: Sequence[str]) -> float:
    """1.0 if the response contains one of the references."""
    return float(any(map(_inside(response), references)))


def grade(response: str, gold: Gold) -> Graded:
    """The fraction of the golds; `strict` counts whole words only."""
    return Graded(
        fraction(response, gold.answers),
        _share(gold.answers, _as_words(response)),
        after_thinking(response).strip() or None,
    )


def grade_any(response: str, gold: Gold) -> Graded:
    """Any of the golds; `strict` counts whole words only."""
    return Graded(
        any_of(response, gold.answers),
        float(any(map(_as_words(response), gold.answers))),
        after_thinking(response).strip() or None,
    )


def _share(references: Sequence[str], contained: Callable[[str], bool]) -> float:
    return sum(map(contained, references)) / len(references) if references else 0.0


def _plain(response: str) -> str:
    return _CONTROL.sub("\n", after_thinking(response).strip()).strip().lower()


def _inside(response: str) -> Callable[[str], bool]:
    text = _plain(response)
    return lambda reference: reference.lower() in text


def _as_words(response: str) -> Callable[[str], bool]:
    text = _plain(response)
    return lambda reference: bool(re.search(rf"(?<!\w){re.escape(reference.lower())}(?!\w)", text))
