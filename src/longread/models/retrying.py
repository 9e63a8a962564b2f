"""What calls over a network have in common: tokens are estimated, and what can pass is tried again."""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import tenacity

from longread.errors import ModelError
from longread.models.base import Delta, Message, OnDelta, Reply, Sampling
from longread.models.faults import LONGEST_WAIT, Fault
from longread.models.tokens import Estimator, utf8_length
from longread.printable import printable

_log = logging.getLogger(__name__)

_LONG_PAUSE = 2.0
"""Seconds of silence from which on the user is told why."""
_TRIES_TO_REACH = 3
"""Attempts at what was never reached: a wrong address should not take minutes to show."""

Prompt = list[dict[str, str]]
"""Messages as they are sent."""


class Restarts:
    """Hands deltas on, and says so when a reply of which some were handed on begins again."""

    def __init__(self, on_delta: OnDelta | None) -> None:
        self._on_delta = on_delta
        self._handed_out = False

    def __call__(self, delta: Delta) -> None:
        """Takes a piece."""
        self._handed_out = not delta.restart
        if self._on_delta:
            self._on_delta(delta)

    def begin(self) -> None:
        """Before each attempt."""
        if self._handed_out:
            self(Delta(restart=True))


class RetryingModel(ABC):
    """Makes replies of attempts.

    Args:
        name: What the user calls it.
        place: Where it is, as errors name it.
        retries: How often a call is tried again.
        estimator: Counts tokens; learns from the server's reports.
        sleep: Waits between attempts.
    """

    def __init__(
        self,
        name: str,
        place: str,
        retries: int,
        estimator: Estimator | None,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.name = name
        self.place = place
        self.estimator = estimator or Estimator()
        self._retries = retries
        self._sleep = sleep
        self._reached = False

    @abstractmethod
    async def attempt(self, prompt: Prompt, sampling: Sampling, on_delta: OnDelta) -> Reply:
        """One attempt. No error holds a key.

        Raises:
            Fault: It may succeed when tried again.
            ModelError: It will not.
        """

    @property
    def ratio(self) -> float:
        """Tokens for each four bytes of UTF-8, as estimated at present."""
        return self.estimator.ratio

    def count(self, text: str) -> int:
        """Tokens in `text`, estimated."""
        return self.estimator.count(text)

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """One reply. See ChatModel.

        Raises:
            ModelError: The server refuses the request, or did not give a reply in all attempts.
        """
        prompt = [{"role": message.role, "content": encodable(message.text)} for message in messages]
        deltas = Restarts(on_delta)

        async def attempt() -> Reply:
            deltas.begin()
            try:
                return await self.attempt(prompt, sampling, deltas)
            except Fault as fault:
                self._reached |= fault.reached
                raise
            except ModelError:
                self._reached = True
                raise

        try:
            reply = await attempt()
        except Fault as fault:
            reply = await self._again(attempt, fault)
        self._reached = True
        if reply.usage.input_tokens is not None:
            size = sum(utf8_length(message["content"]) for message in prompt)
            self.estimator.observe(size, reply.usage.input_tokens)
        return reply

    async def _again(self, attempt: Callable[[], Awaitable[Reply]], first: Fault) -> Reply:
        """The reply of a later attempt. Most calls need none, so the first is made without what this costs."""
        faults = [first]

        async def attempted() -> Reply:
            if faults:
                raise faults.pop()
            return await attempt()

        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            wait=_wait,
            stop=self._give_up,
            retry=tenacity.retry_if_exception_type(Fault),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            reply: Reply = await retrying(attempted)
        except Fault as fault:
            attempts = retrying.statistics["attempt_number"]
            raise self._error(
                f"no reply in {attempts} attempt{'s' * (attempts > 1)}, the last time {fault}",
                "see whether the server runs and answers there",
            ) from fault
        return reply

    def _error(self, what: str, advice: str, kind: type[ModelError] = ModelError) -> ModelError:
        return kind(f"{self.name} at {self.place}: {what}; {advice}")

    def _tell(self, state: tenacity.RetryCallState) -> None:
        """Says why nothing comes for a while."""
        seconds = state.next_action.sleep if state.next_action else 0.0
        if seconds >= _LONG_PAUSE:
            fault = state.outcome and state.outcome.exception()
            what = f"no reply from {self.place} ({fault}); trying again in {seconds:.0f} s"
            _log.warning("%s", printable(what))

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        most = self._retries if self._reached else min(self._retries, _TRIES_TO_REACH - 1)
        return state.attempt_number > most


def encodable(text: str) -> str:
    """`text` without lone surrogates, which have no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds: what the server asks for, else 0.5, 1, 2, ... 30; up to a quarter more spreads the load."""
    fault = state.outcome and state.outcome.exception()
    asked = fault.retry_after if isinstance(fault, Fault) else None
    base = min(0.5 * 2 ** (state.attempt_number - 1), 30.0) if asked is None else asked
    return min(base * (1 + random.random() / 4), LONGEST_WAIT)  # noqa: S311
