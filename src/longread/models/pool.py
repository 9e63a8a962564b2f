"""One model at many servers: each call goes to one of them, and to another where that one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from longread.errors import ModelError
from longread.models.balancer import Backend, Balancer, Trouble, blocks_of
from longread.models.base import OnDelta, Reply, Sampling
from longread.models.endpoint import Endpoint
from longread.models.faults import Fault, ServerRefusalError
from longread.models.openai import OpenAIModel
from longread.models.retrying import Prompt, Restarts, RetryingModel


class PoolModel(RetryingModel):
    """Implements `models.base.ChatModel` over several servers.

    A call that fails at one server is made at the next at once; only when all have failed is there a pause. What is
    wrong with the request itself, such as a prompt that is too long, is told and not tried elsewhere.

    A server that does not answer at the start counts for nothing until it does. Then, as after any trouble, it is
    asked what it is, and stays aside where that is less than the others were taken for.

    Args:
        servers: The model at each server. From here on they share one estimate of tokens.
        name: What the user calls the model; the first server's name for it where not given.
        weights: Shares of the calls, by server; 1 where not given.
        endpoints: What was found out about each server.
        window: Tokens, where the user says so, whatever the servers say.
        structured: Whether the servers enforce JSON schemas, where the user says so.
        retries: How often a call that failed everywhere is tried again.
        sleep: Waits between attempts, and between questions to a server that was set aside.
    """

    def __init__(
        self,
        servers: Sequence[OpenAIModel],
        *,
        name: str | None = None,
        weights: Sequence[float] | None = None,
        endpoints: Sequence[Endpoint] | None = None,
        window: int | None = None,
        structured: bool | None = None,
        retries: int = 8,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        first = servers[0]
        place = ", ".join(server.place for server in servers)
        super().__init__(name or first.name, place, retries, first.estimator, sleep)
        self._window, self._structured = window, structured
        self.servers: dict[Backend, OpenAIModel] = {}
        for at, server in enumerate(servers):
            server.estimator = self.estimator
            backend = Backend(
                server.place,
                weight=weights[at] if weights else 1.0,
                slots=endpoints[at].slots if endpoints else None,
            )
            self.servers[backend] = server
        self.balancer = Balancer(tuple(self.servers), self._fits, sleep)
        troubles = [one.trouble for one in endpoints or ()]
        self._relied = list(servers)
        if not all(troubles):
            self._relied = [server for server, trouble in zip(servers, troubles, strict=True) if not trouble]
            for backend, trouble in zip(self.servers, troubles, strict=True):
                if trouble:
                    self.balancer.set_aside(backend, Fault(trouble, reached=False))

    @property
    def window(self) -> int | None:
        """The smallest that is known: any call may go to any server."""
        return min((server.window for server in self.servers.values() if server.window), default=None)

    @property
    def structured(self) -> bool:
        """Whether all servers that answered at the start honour `Sampling.schema`."""
        return all(server.structured for server in self._relied)

    async def _fits(self, backend: Backend) -> bool:
        """Whether a server that was set aside answers, and is what the calls need; else says why not."""
        server = self.servers[backend]
        if not await server.alive():
            return False
        found = await server.inspect()
        window = self._window or found.window
        structured = found.structured if self._structured is None else self._structured
        why = None
        if self.structured and not structured:
            why = (
                found.trouble
                or "is not known to enforce JSON schemas, as the others do (set structured=false)"
            )
        elif self.window and window and window < self.window:
            why = f"has a window of {window:,} tokens, less than the {self.window:,} of the others"
        if why:
            self.balancer.set_aside(backend, Fault(f"it {why}"))
            return False
        if not found.trouble:
            server.adapt(window, structured=structured)
            backend.slots = found.slots
        return True

    @property
    def note(self) -> str | None:
        """What the user should know of the endpoints."""
        notes = dict.fromkeys(server.note for server in self.servers.values() if server.note)
        return "; ".join(notes) or None

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Sets the estimate by the tokenizer of the first server that has one; False where none has."""
        for server in self.servers.values():
            if await server.calibrate(samples):
                return True
        return False

    async def attempt(self, prompt: Prompt, sampling: Sampling, on_delta: OnDelta) -> Reply:
        """One attempt at each server, until one gives a reply.

        Raises:
            Fault: None did; it may succeed when tried again.
            ModelError: The request is wrong, or each server refuses it.
        """
        deltas = Restarts(on_delta)
        blocks = blocks_of("\n".join(message["content"] for message in prompt))
        failed: dict[Backend, Trouble] = {}
        while backend := await self.balancer.claim(blocks, failed):
            deltas.begin()
            try:
                reply = await self.servers[backend].attempt(prompt, sampling, deltas)
            except (Fault, ServerRefusalError) as trouble:
                failed[backend] = trouble
                self.balancer.failed(backend, trouble)
            else:
                self.balancer.worked(backend)
                return reply
            finally:
                self.balancer.release(backend)
        raise self._outcome(failed)

    def _outcome(self, failed: Mapping[Backend, Trouble]) -> Fault | ModelError:
        """That no server gave a reply, and why each did not."""
        told = {one: one.trouble for one in self.servers if one.trouble} | dict(failed)
        faults = {one: trouble for one, trouble in told.items() if isinstance(trouble, Fault)}
        refusals = [str(trouble) for trouble in told.values() if isinstance(trouble, ServerRefusalError)]
        if len(refusals) == len(self.servers):
            return ModelError("; ".join(refusals))
        waits = [fault.retry_after for fault in faults.values() if fault.retry_after is not None]
        return Fault(
            "; ".join([*(f"{one.name}: {fault}" for one, fault in faults.items()), *refusals]),
            retry_after=min(waits) if faults and len(waits) == len(faults) else None,
            reached=any(fault.reached for one, fault in faults.items() if one in failed),
        )

    async def close(self) -> None:
        """Closes all connections."""
        await self.balancer.close()
        await asyncio.gather(*(server.close() for server in self.servers.values()))
