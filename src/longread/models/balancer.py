"""Which of several servers gets a call, which are set aside, and when they come back.

A call goes to the server with the fewest calls in flight for its weight, or rather, as long as that has at most a
quarter and one call more, to the one that has read most of the prompt's beginning before (2,048 bytes at least).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Sequence

from longread.models.faults import Fault, ServerRefusalError
from longread.printable import printable

_log = logging.getLogger(__name__)

_BLOCK = 2_048
"""Bytes: beginnings of prompts are told apart by so many; shorter ones are not worth a cache."""
_REMEMBERED = 4_096
"""Blocks that a server is taken to hold in its cache, the latest: some two million tokens."""
_BUSIER = 1.25
_FAULTS = 3
"""Calls in a row that fail at a server that is reached, before it is set aside."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
"""Seconds between questions to a server that is set aside whether it answers."""


Trouble = Fault | ServerRefusalError
"""Why a server gave no reply."""


class Backend:
    """One of the servers.

    Args:
        name: As errors name it.
        weight: Its share of the calls beside the others'.
        slots: Calls that it works on at once, where it says so; it gets no more.
    """

    def __init__(
        self,
        name: str,
        *,
        weight: float = 1.0,
        slots: int | None = None,
    ) -> None:
        self.name = name
        self.weight = weight
        self.slots = slots
        self.flying = 0
        self.served = 0
        """Replies that it gave."""
        self.trouble: Trouble | None = None
        """Why it is set aside."""
        self.faults = 0
        """In a row."""
        self.pause = _FIRST_PAUSE
        """Seconds until it is asked whether it answers."""
        self._read: OrderedDict[bytes, None] = OrderedDict()

    @property
    def free(self) -> bool:
        """Whether it has room for a call."""
        return self.slots is None or self.flying < self.slots

    @property
    def load(self) -> float:
        """Calls in flight for its weight, were it given one more."""
        return (self.flying + 1) / self.weight

    def held(self, blocks: Sequence[bytes]) -> int:
        """How many of a prompt's blocks it has read, from the beginning on."""
        return next((at for at, block in enumerate(blocks) if block not in self._read), len(blocks))

    def remember(self, blocks: Sequence[bytes]) -> None:
        """Takes it that these are in its cache."""
        for block in reversed(blocks):  # what is forgotten first is the end of a prompt
            self._read[block] = None
            self._read.move_to_end(block)
        while len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)

    def forget(self) -> None:
        """It may have been started anew, with nothing in its cache."""
        self._read.clear()


class Balancer:
    """Gives each call a server.

    Args:
        backends: All there are.
        able: Asks a server that was set aside whether it can take calls again.
        sleep: Waits between questions whether a server answers.
    """

    def __init__(
        self,
        backends: Sequence[Backend],
        able: Callable[[Backend], Awaitable[bool]],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.backends = tuple(backends)
        self._able = able
        self._sleep = sleep
        self._probes: dict[Backend, asyncio.Task[None]] = {}
        self._change: asyncio.Future[None] | None = None
        """Comes when a server has room again or is back, if any call waits for it."""

    async def claim(self, blocks: Sequence[bytes], without: Collection[Backend] = ()) -> Backend | None:
        """The server for a call, for `release`; waits for one with room.

        Args:
            blocks: Of the prompt.
            without: Where the call has failed.

        Returns:
            None where all others are set aside.
        """
        self._watch()
        while able := [one for one in self.backends if one.trouble is None and one not in without]:
            if free := [one for one in able if one.free]:
                backend = _choose(free, blocks)
                backend.flying += 1
                backend.remember(blocks)
                return backend
            loop = asyncio.get_running_loop()
            if self._change is None or self._change.get_loop() is not loop:
                self._change = loop.create_future()
            await asyncio.shield(self._change)
        return None

    def release(self, backend: Backend) -> None:
        """A call is over."""
        backend.flying -= 1
        self._tell()

    def worked(self, backend: Backend) -> None:
        """A call gave a reply."""
        backend.served += 1
        backend.faults, backend.pause = 0, _FIRST_PAUSE

    def failed(self, backend: Backend, trouble: Trouble) -> None:
        """A call failed. Sets the server aside when it is not reached, asks for time, refuses, or failed in a row."""
        backend.faults += 1
        if isinstance(trouble, ServerRefusalError):
            at_once, pause = True, _LONGEST_PAUSE  # it answers all the same when asked
        else:
            at_once, pause = (
                trouble.retry_after is not None or not trouble.reached,
                trouble.retry_after or 0.0,
            )
        if backend.trouble or not (at_once or backend.faults >= _FAULTS):
            return
        backend.pause = max(backend.pause, pause)
        self.set_aside(backend, trouble)
        self._watch()

    def set_aside(self, backend: Backend, trouble: Trouble) -> None:
        """Gives a server no calls until it can take them again."""
        backend.forget()
        if str(trouble) != str(backend.trouble):
            what = f"{backend.name} is set aside ({trouble}); its calls go to the other servers"
            _log.warning("%s", printable(what))
        backend.trouble = trouble
        self._tell()

    async def close(self) -> None:
        """Ends the questions that are still asked."""
        loop = asyncio.get_running_loop()
        probes = [probe for probe in self._probes.values() if probe.get_loop() is loop]
        self._probes.clear()
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    def _tell(self) -> None:
        change, self._change = self._change, None
        if change is not None and change.get_loop() is asyncio.get_running_loop():
            change.set_result(None)

    def _watch(self) -> None:
        """Has each server that is set aside asked from time to time; tasks do not outlive their event loop."""
        loop = asyncio.get_running_loop()
        for backend in self.backends:
            probe = self._probes.get(backend)
            if backend.trouble and (probe is None or probe.done() or probe.get_loop() is not loop):
                self._probes[backend] = loop.create_task(self._probe(backend))

    async def _probe(self, backend: Backend) -> None:
        await self._sleep(backend.pause)
        while not await self._able(backend):
            backend.pause = min(2 * backend.pause, _LONGEST_PAUSE)
            await self._sleep(backend.pause)
        # Longer pauses until a call succeeds: a server may answer this question and nothing else.
        backend.pause = min(2 * backend.pause, _LONGEST_PAUSE)
        backend.trouble, backend.faults = None, 0
        _log.warning("%s", printable(f"{backend.name} answers again"))
        self._tell()


def blocks_of(text: str) -> list[bytes]:
    """A digest of each beginning of `text` that ends with a whole block."""
    data = text.encode("utf-8", "replace")
    hashed, found = hashlib.blake2b(digest_size=8), []
    for start in range(0, len(data) - _BLOCK + 1, _BLOCK):
        hashed.update(data[start : start + _BLOCK])
        found.append(hashed.digest())
    return found


def _choose(free: Sequence[Backend], blocks: Sequence[bytes]) -> Backend:
    """By the rule above; the one that has served less for its weight where the rule leaves two."""
    least = min(free, key=lambda one: (one.load, one.served / one.weight))
    near = [one for one in free if one.load <= _BUSIER * least.load + 1 / one.weight]
    return max(near, key=lambda one: (one.held(blocks), one is least))
