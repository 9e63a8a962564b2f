"""LongBench-v2: the letter of a multiple-choice answer.

Source: `extract_answer` of its `pred.py`. Quirks: the first claim counts, whatever follows it; without parentheses
the letter may begin a word ("The correct answer is Delta" claims D); the case of the phrase counts.
"""

from __future__ import annotations

import re

from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded

_IN_PARENTHESES = re.compile(r"The correct answer is \(([A-D])\)")
_BARE = re.compile(r"The correct answer is ([A-D])")
_CLAIM = re.compile(r"The correct answer is (?:\(([A-D])\)|([A-D])\b)")


def letter(response: str) -> str | None:
    """The letter that the official code takes from a response; None when there is none, which is wrong."""
    text = after_thinking(response).replace("*", "")
    found = _IN_PARENTHESES.search(text) or _BARE.search(text)
    return found[1] if found else None


def grade(response: str, gold: Gold) -> Graded:
    """`strict`: besides, the letter is a word of its own and no other is claimed."""
    said = letter(response)
    score = float(said in gold.answers)
    claims = {a or b for a, b in _CLAIM.findall(after_thinking(response).replace("*", ""))}
    return Graded(score, float(score == 1.0 and claims == {said}), said)
