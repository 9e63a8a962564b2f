"""What executing a plan gives, and how it is written as an answer."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from longread.synth.values import written

Result = Decimal | str
"""A number, or a name, a list of names or a text."""
PLACES = Decimal("0.01")
"""To which quotients are rounded."""


def rounded(number: Decimal) -> Decimal:
    """A quotient as answers give it."""
    return number.quantize(PLACES, ROUND_HALF_EVEN)


def answer(result: Result) -> str:
    """The text of an answer."""
    return written(result) if isinstance(result, Decimal) else result


def same(a: Result | None, b: Result | None, quotient: bool) -> bool:
    """Whether two interpreters agree; on a quotient up to its last place, since one of them divides in binary."""
    if quotient and isinstance(a, Decimal) and isinstance(b, Decimal):
        return abs(a - b) <= max(PLACES, abs(a).scaleb(-12))
    return a is not None and a == b
