"""DocMath: numbers compared by the official rule, whose text never reaches an `eval` here.

Source: QwenLong-L1's `docmath.py`, after DocMath-Eval's `evaluation_utils.py`. Its quirks are kept, since
published scores have them: signs are ignored by all but one test, what cannot be read counts as 0, `.5` reads
as 5 and `1e-05` as 1, and a response with nothing after its thinking is searched thinking included.
"""

from __future__ import annotations

import math
import re

from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded

Number = int | float

_ANSWER = re.compile(r"the answer is (=?≈?`?%?\$?°?£?€?¥?-?[0-9.,]+)", re.IGNORECASE)
_DELETED = str.maketrans("", "", "*()")
_SIGNS = str.maketrans("", "", "=≈`%$°£€¥")
_LEADING_DOTS = re.compile(r"\.{1,2}([0-9]+|[0-9]*+\.++[0-9]+)")
_LITERAL = re.compile(r"-?(?:(?:0+|[1-9][0-9]*)|[0-9]+\.[0-9]*|\.[0-9]+)")
_EPS = 0.0015
_SCALES = ((100, 50), (1000, 500), (100000, 50000))
"""A factor that units or percent may differ by, and how far apart numbers must be before it is tried."""
_LONGEST_INTEGER = 4300
"""Digits beyond which Python itself refuses to read an integer."""


def extracted(text: str) -> str | None:
    """The first number that follows `the answer is` in any case, as text; None when there is none."""
    found = _ANSWER.search(text.translate(_DELETED))
    return (found[1].replace(",", "").rstrip(".") or None) if found else None


def parse(text: str) -> Number | None:
    """The number that the official code reads from what it extracted; None where its `eval` would fail.

    A Python literal, so `007` and `1.2.3` are not numbers. One or two leading dots are taken for a unit sign.
    """
    plain = text.translate(_SIGNS).strip()
    unit = _LEADING_DOTS.fullmatch(plain)
    plain = unit[1] if unit else plain
    if not _LITERAL.fullmatch(plain):
        return None
    if "." in plain:
        return float(plain)
    return int(plain) if len(plain) <= _LONGEST_INTEGER else None


def matches(said: Number, gold: Number) -> bool:
    """The official rule: a ratio that is a power of ten, a change of scale, rounding up, or within 0.15 %."""
    try:
        large, small = max(abs(gold), abs(said)), min(abs(gold), abs(said))
        if small and math.log10(large / small) == int(math.log10(large / small)):
            return True
        if any(small <= large / apart and _close(small * factor, large) for factor, apart in _SCALES):
            return True
        return _rounded_up(large) == _rounded_up(small) or _close(said, gold)
    except (
        OverflowError,
        ValueError,
    ):  # beyond what a float holds, where the official code stops with an error
        return False


def grade(response: str, gold: Gold) -> Graded:
    """`strict`: besides, the signs agree, the number could be read, and it does not come from the thinking."""
    text = after_thinking(response)
    answer = extracted(text)
    read = answer
    if not text.strip():
        read = extracted(response)
    if read is None:
        return Graded(0.0, 0.0, None)
    number = parse(read)
    wanted = [
        parsed
        for one in gold.answers
        if (right := extracted(f"the answer is {one}.")) and (parsed := parse(right)) is not None
    ]
    score = any(matches(number or 0, one) for one in wanted)
    strict = answer is not None and any(
        number is not None and matches(number, one) and _sign(number) == _sign(one) for one in wanted
    )
    return Graded(float(score), float(strict), answer)


def _close(said: Number, gold: Number) -> bool:
    eps = abs(gold) * _EPS
    return gold - eps <= said <= gold + eps


def _rounded_up(number: Number) -> float:
    return math.ceil(number * 100) / 100


def _sign(number: Number) -> int:
    return (number > 0) - (number < 0)
