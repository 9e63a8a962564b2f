"""Short requests over several model servers: to the one that the reader's own calls would go to."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from typing import Any

from starlette.responses import Response, StreamingResponse

from longread.models.balancer import Backend, Balancer, Trouble, blocks_of
from longread.models.faults import Fault, ServerError, ServerRefusalError
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.relay import EndpointRelay


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
        """The response of the first server that gives a good one, else that of the last."""
        failed: dict[Backend, Trouble] = {}
        last: Response | Refusal = Refusal(502, "no model server answers; try again", "no_reply", 1)
        blocks = blocks_of(body.decode(errors="replace"))
        while backend := await self._balancer.claim(blocks, failed):
            streams = False
            try:
                last = await self._relays[backend].send(request, body)
                trouble = _trouble(last)
                if trouble is None:
                    self._balancer.worked(backend)
                    if streams := isinstance(last, StreamingResponse):
                        last.body_iterator = self._until_over(last.body_iterator, backend)
                    return last
            except Refusal as refusal:
                last, trouble = refusal, Fault(refusal.message)
            finally:
                if not streams:
                    self._balancer.release(backend)
            failed[backend] = trouble
            self._balancer.failed(backend, trouble)
        if isinstance(last, Refusal):
            raise last
        return last

    async def _until_over(self, pieces: AsyncIterable[Any], backend: Backend) -> AsyncIterator[Any]:
        try:
            async for piece in pieces:
                yield piece
        finally:
            self._balancer.release(backend)

    async def close(self) -> None:
        """Closes the connections; the balancer is the model's."""
        for relay in self._relays.values():
            await relay.close()


def _trouble(response: Response) -> Trouble | None:
    """Why another server may do better; None for a reply, and for what is wrong with the request itself."""
    if response.status_code < 300:
        return None
    error = ServerError(response.status_code, "", response.headers)
    told = f"HTTP {response.status_code}"
    if error.passing:
        return Fault(told, retry_after=error.retry_after)
    return ServerRefusalError(told) if error.own else None
