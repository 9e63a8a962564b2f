"""Short requests over several model servers: to the one that the reader's own calls would go to."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from longread.models.balancer import Backend, Balancer, blocks_of
from longread.models.faults import Fault, ServerError
from longread.server.api.forms import ChatRequest
from longread.server.api.relay import EndpointRelay

_BUSY = (429, 503)
"""Statuses that say something of the server, whatever it was asked; others may come of a client's request."""


class SpreadRelay:
    """A request that fails at one server goes to the next, unless some of a stream was passed on.

    Args:
        relays: To each server.
        balancer: Of the calls of runs too.
    """

    def __init__(self, relays: Mapping[Backend, EndpointRelay], balancer: Balancer) -> None:
        self._relays = relays
        self._balancer = balancer

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The response of the first server that gives a good one, else of the last; Fault where there is none."""
        asked: set[Backend] = set()
        last: Response | Fault = Fault("all are set aside")
        blocks = blocks_of(body.decode(errors="replace"))
        while backend := await self._balancer.claim(blocks, asked):
            asked.add(backend)
            streams = False
            try:
                last = await self._relays[backend].send(request, body)
                if streams := isinstance(last, StreamingResponse):
                    last.body_iterator = self._until_over(last.body_iterator, backend)
                    return last
                error = ServerError(last.status_code, "", last.headers)
                if error.status in _BUSY:
                    fault = Fault(f"HTTP {error.status}", retry_after=error.retry_after)
                    self._balancer.failed(backend, fault)
                elif last.status_code < 300 or not (error.passing or error.own):
                    self._balancer.worked(backend)
                    return last
            except Fault as fault:
                last = fault
                self._balancer.failed(backend, fault)
            finally:
                if not streams:
                    self._balancer.release(backend)
        if isinstance(last, Fault):
            raise last
        return last

    async def _until_over(self, pieces: AsyncIterable[Any], backend: Backend) -> AsyncIterator[Any]:
        try:
            async for piece in pieces:
                yield piece
            self._balancer.worked(backend)
        except Fault as fault:
            self._balancer.failed(backend, fault)
            raise
        finally:
            self._balancer.release(backend)

    async def close(self) -> None:
        """Closes the connections; the balancer is the model's."""
        for relay in self._relays.values():
            await relay.close()
