"""What a call cost, from the server's own report."""

from __future__ import annotations

import math
from typing import Any, Protocol

from longread.types import Usage

_MILLION = 1_000_000


class Prices(Protocol):
    """Prices per million tokens, in any one currency."""

    @property
    def input(self) -> float:
        """Of input tokens."""
        ...

    @property
    def cached(self) -> float | None:
        """Of input tokens from the server's prefix cache; None: as any other."""
        ...

    @property
    def output(self) -> float:
        """Of output tokens, thinking included."""
        ...


def read_usage(report: object, price: Prices | None = None) -> Usage:
    """One call's usage from a reply's `usage` object. What it does not tell is None.

    A cost that the server reports is taken before one computed from `price`. Where it does not tell how much
    came from its cache, all input is taken at the input price.
    """
    usage: dict[str, Any] = report if isinstance(report, dict) else {}
    details = usage.get("prompt_tokens_details")
    given = _whole(usage.get("prompt_tokens"))
    cached = _whole(details.get("cached_tokens")) if isinstance(details, dict) else None
    output = _whole(usage.get("completion_tokens"))
    cost = usage.get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float) or not 0 <= cost < math.inf:
        cost = read_cost(given, cached or 0, output, price)
    return Usage(1, given, cached, output, cost)


def read_cost(given: int | None, cached: int, output: int | None, price: Prices | None) -> float | None:
    """What so many tokens cost; None when anything that matters is unknown."""
    if price is None or given is None or output is None:
        return None
    again = price.input if price.cached is None else price.cached
    return ((given - cached) * price.input + cached * again + output * price.output) / _MILLION


def _whole(value: object) -> int | None:
    """A count of tokens; None for anything that cannot be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
