r"""BFCL-V4 memory: whether an expected answer stands in the response at word boundaries.

Source: `agentic_checker` of the Berkeley Function Calling Leaderboard. Quirks: single quotes become double ones;
`\b` beside a sign (`5%`) asks for a word character on its other side; a gold of nothing but deleted characters is in
every response that holds a word.
"""

from __future__ import annotations

import re

from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded

_DELETED = str.maketrans("'", '"', ",./-_*^()")


def standardise(text: str) -> str:
    """Without `,./-_*^()`, in lowercase."""
    return text.translate(_DELETED).lower()


def grade(response: str, gold: Gold) -> Graded:
    """`strict`: besides, the gold is not empty and no word character touches it."""
    text = after_thinking(response)
    plain = standardise(text)
    golds = [standardise(answer) for answer in gold.answers]
    score = any(re.search(rf"\b{re.escape(one)}\b", plain) for one in golds)
    strict = score and any(
        one.strip() and re.search(rf"(?<!\w){re.escape(one)}(?!\w)", plain) for one in golds
    )
    return Graded(float(score), float(bool(strict)), text.strip() or None)
