"""Hard limits on what a run may use, and the meter that holds it to them."""

from __future__ import annotations

from typing import NamedTuple

from longread.errors import CapReached
from longread.types import Usage


class Caps(NamedTuple):
    """What a run may use over all processes that work on it; None is no limit."""

    calls: int | None = None
    tokens: int | None = None
    """Input and output together."""
    cost: float | None = None
    """In the currency of the configured prices."""

    def __bool__(self) -> bool:
        return any(cap is not None for cap in self)


NO_CAPS = Caps()


class Meter:
    """Adds up what a run uses. Asked before each call; calls in flight count with the size of their prompts, and with
    what a call has cost so far.

    Args:
        caps: The limits.
        calls: Calls that the run has made before.
        tokens: Their tokens, estimated where the server did not say.
        cost: Their cost; None when it is unknown of any.
    """

    def __init__(self, caps: Caps, calls: int = 0, tokens: int = 0, cost: float | None = 0.0) -> None:
        self._caps = caps
        self._calls = calls
        self._tokens = tokens
        self._cost = cost
        self._flying: list[int] = []
        """Prompt tokens of the calls in flight."""

    def admit(self, tokens: int) -> None:
        """CapReached if a call with a prompt of so many tokens would pass a cap. Else the call is in flight."""
        caps = self._caps
        if caps.calls is not None and self._calls + len(self._flying) >= caps.calls:
            raise CapReached(f"the run has used up its max_calls, {caps.calls:,}")
        used = self._tokens + sum(self._flying)
        if caps.tokens is not None and used + tokens > caps.tokens:
            raise CapReached(
                f"the run has used {used:,} tokens and its next call takes {tokens:,} or more; "
                f"max_total_tokens allows {caps.tokens:,}"
            )
        if caps.cost is not None and self._cost is None:
            raise CapReached("max_cost cannot be kept: the cost of a call is unknown; set `price`")
        if caps.cost is not None and self._cost is not None and self._cost + self._pending >= caps.cost:
            raise CapReached(f"the run has cost {self._cost:.4g}; max_cost allows {caps.cost:.4g}")
        self._flying.append(tokens)

    @property
    def _pending(self) -> float:
        """What the calls in flight will cost, about."""
        return (self._cost or 0.0) / max(self._calls, 1) * len(self._flying)

    def landed(self, tokens: int) -> None:
        """A call that was admitted with so many tokens is over."""
        self._flying.remove(tokens)

    def add(self, usage: Usage, estimate: int) -> None:
        """Counts a call. `estimate` stands for its tokens where the server does not say."""
        self._calls += usage.calls
        self._tokens += spent(usage.input_tokens, usage.output_tokens, estimate)
        self._cost = None if self._cost is None or usage.cost is None else self._cost + usage.cost


def spent(given: int | None, written: int | None, estimate: int) -> int:
    """Tokens of a call for a cap: what the server said, or else the estimate."""
    return estimate if given is None or written is None else given + written
