"""MRCR: how much of the wanted message a response reproduces.

Source: `grade` on the data card of openai/mrcr. Quirks: the prefix must be the very first characters (a leading
space loses all); the arguments' order matters; difflib's autojunk stays on, so in answers of 200 characters or more
the common characters no longer start a match, and scores are lower than a plain longest-match ratio.
"""

from __future__ import annotations

from difflib import SequenceMatcher

from longread.grading.answer import THINKING_ENDS, after_thinking
from longread.grading.gold import Gold, Graded


def ratio(response: str, answer: str, prefix: str) -> float:
    """The official grade of a response without thinking, in [0, 1]."""
    if not response.startswith(prefix):
        return 0.0
    return SequenceMatcher(None, response.removeprefix(prefix), answer.removeprefix(prefix)).ratio()


def grade(response: str, gold: Gold) -> Graded:
    """The best ratio over the golds; `strict` is the same."""
    text = after_thinking(response)
    if THINKING_ENDS in response:
        text = text.lstrip()  # blank lines after thinking are the chat template's, and servers drop them
    score = max((ratio(text, answer, gold.prefix) for answer in gold.answers), default=0.0)
    return Graded(score, score, text.removeprefix(gold.prefix) if text.startswith(gold.prefix) else None)
