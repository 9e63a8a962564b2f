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
    """Adds up what a run uses. Asked before each call; those in flight count with the most that they may take.

    Args:
        caps: The limits.
        calls: Calls that the run has made before.
        tokens: Their tokens, estimated where the server did not say.
        cost: Their cost; None when it is unknown of any.
        dearest: What the dearest of them cost; None when nothing is known of what a call costs.
    """

    def __init__(
        self,
        caps: Caps,
        calls: int = 0,
        tokens: int = 0,
        cost: float | None = 0.0,
        dearest: float | None = None,
    ) -> None:
        self._caps = caps
        self._calls = calls
        self._tokens = tokens
        self._cost = cost
        self._dearest = dearest
        self._flying: list[int] = []
        """Tokens that each call in flight may take."""

    def admit(self, tokens: int, most: int | None = None) -> bool:
        """Whether a call may be made now; False where it has to wait until one that is in flight has landed.

        Args:
            tokens: Of its prompt.
            most: Of its prompt and the longest reply; of the prompt alone where not given.

        Raises:
            CapReached: A cap is used up, or the prompt alone would pass it.
        """
        most = tokens if most is None else most
        over = self._over(tokens)
        if over and not self._flying:
            raise CapReached(over)
        if over or (self._flying and self._may_pass(most)):
            return False
        self._flying.append(most)
        return True

    def landed(self, most: int) -> None:
        """A call that was admitted with so many tokens at most is over."""
        self._flying.remove(most)

    def _over(self, tokens: int) -> str | None:
        """Why a call cannot be made, going by those that are over."""
        caps = self._caps
        if caps.calls is not None and self._calls >= caps.calls:
            return f"the run has used up its max_calls, {caps.calls:,}"
        if caps.tokens is not None and self._tokens + tokens > caps.tokens:
            return (
                f"the run has used {self._tokens:,} tokens and its next call takes {tokens:,} or more; "
                f"max_total_tokens allows {caps.tokens:,}"
            )
        if caps.cost is not None and self._cost is None:
            return "max_cost cannot be kept: the cost of a call is unknown; set `price`"
        if caps.cost is not None and self._cost is not None and self._cost >= caps.cost:
            return f"the run has cost {self._cost:.4g}; max_cost allows {caps.cost:.4g}"
        return None

    def _may_pass(self, most: int) -> bool:
        """Whether one more call beside those in flight could pass a cap."""
        caps, flying = self._caps, len(self._flying)
        if caps.calls is not None and self._calls + flying >= caps.calls:
            return True
        if caps.tokens is not None and self._tokens + sum(self._flying) + most > caps.tokens:
            return True
        if caps.cost is None:
            return False
        return self._dearest is None or (self._cost or 0.0) + (flying + 1) * self._dearest > caps.cost

    def add(self, usage: Usage, estimate: int) -> None:
        """Counts a call. `estimate` stands for its tokens where the server does not say."""
        self._calls += usage.calls
        self._tokens += spent(usage.input_tokens, usage.output_tokens, estimate)
        self._cost = None if self._cost is None or usage.cost is None else self._cost + usage.cost
        if usage.cost is not None:
            self._dearest = max(usage.cost, self._dearest or 0.0)


def spent(given: int | None, written: int | None, estimate: int) -> int:
    """Tokens of a call for a cap: what the server said, or else the estimate."""
    return estimate if given is None or written is None else given + written
