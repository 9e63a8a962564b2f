"""Where a sentence of prose begins and ends, and what words in it may turn what a part of it says."""

from __future__ import annotations

import re

_END = re.compile(
    r"(?<!\b[A-Z])(?<!\b[A-Z][a-z])(?<!\b[A-Z][a-z]{2})[.!?][\"'”’)\]]*\s+(?=[\"'“‘(\[]*[^\W\d_a-z])|\n\s*\n"
)
"""Of a sentence, if not after what may be an abbreviation (Dr., St.)."""
UNSURE = re.compile(
    r"\b(?:not|no|none|nobody|nothing|never|neither|nor|cannot|without|unless|if|whether|would|could|might|may"
    r"|until|false|untrue|wrong|incorrect|hardly|scarcely|barely|doubt\w*|den(?:y|ies|ied|ying)|disput\w*|suppos\w*"
    r"|alleg\w*|rumou?r\w*|myth|perhaps|maybe|possibly|probably|unlikely|unknown|unclear|unsure)\b|n['’]t\b",
    re.IGNORECASE,
)
"""Negations and doubts."""
ORDERS = re.compile(
    r"\b(?:round\w*|nearest|repl(?:y|ies)|respond|answer\w*|ignor\w+|disregard\w*|forget|instead|negat\w+|opposite|minus"
    r"|plus|double|half|language|english|french|german|spanish|words?|letters?|digits?|format|spell\w*|translat\w+"
    r"|hundreds?|thousands?|millions?|billions?|trillions?|percent\w*)\b",
    re.IGNORECASE,
)
"""What tells somebody how to answer, or to do anything else."""


def sentence(text: str, start: int, end: int) -> tuple[int, int]:
    """The bounds of the sentences that a part of a text is of, rather too wide than too narrow."""
    bounds = [0, *(found.end() for found in _END.finditer(text)), len(text)]
    return max(at for at in bounds if at <= start), min(at for at in bounds if at >= end)


def sentences(text: str) -> int:
    """How many sentences there are."""
    return 1 + len(_END.findall(text.strip()))
