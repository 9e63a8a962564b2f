"""OOLONG: exact match, with part of the score for a number that is near.

Source: `synth_attempt_answer_parse` and `synth_process_response` of the benchmark, for responses that do not end in
the shared protocol's phrase. Quirks: the case counts; the wording of a comparison may be cut to `more common`,
`less common` or `same frequency`; `1,234` and `3.0` are no numbers.
"""

from __future__ import annotations

import re

from longread.grading.answer import after_thinking, final_answer
from longread.grading.gold import Gold, Graded

_COMPARISONS = ("more common", "less common", "same frequency")
_SHORT = 20
"""Characters below which an answer is taken whole."""
_DECAY = 0.75
_TOO_FAR = 10_000
"""An error at which the score is 0 in floating point, and before which the power cannot overflow."""
_LABEL = re.compile(r"(?:User|Answer|Label|Date): *")
"""What the benchmark's questions ask an answer to begin with."""
_MARKS = str.maketrans("", "", "*[]")


def parse(response: str) -> str:
    """The answer: after the shared phrase, else after the last colon, else all of it or its last word."""
    phrased = final_answer(response)
    if phrased is not None:
        label = _LABEL.match(phrased)
        return phrased[label.end() if label else 0 :].strip("[]()")
    text = after_thinking(response).strip()
    if ":" not in text:
        return text if len(text) < _SHORT else text.split()[-1]
    answer = text.rpartition(":")[2].strip().translate(_MARKS)
    if len(answer) < _SHORT:
        return answer
    return next((one for one in _COMPARISONS if one in answer), answer)


def score(answer: str, gold: str) -> float:
    """1.0 for the gold itself, 0.75 to the power of the error for integers."""
    if answer == gold or (answer in _COMPARISONS and answer in gold):
        return 1.0
    try:
        error = abs(int(gold) - int(answer))
    except ValueError:
        return 0.0
    return _DECAY**error if error < _TOO_FAR else 0.0


def grade(response: str, gold: Gold) -> Graded:
    """`strict`: without the part for near numbers."""
    answer = parse(response)
    best = max((score(answer, one) for one in gold.answers), default=0.0)
    return Graded(best, float(best == 1.0), answer or None)
