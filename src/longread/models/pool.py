"""One model at many servers: each call goes to one of them, and to another where that one fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from longread.errors import ModelError
from longread.models.balancer import Backend, Balancer, Trouble, blocks_of
from longread.models.base import OnDelta, Reply, Sampling
from longread.models.faults import Fault, ServerRefusalError
from longread.models.openai import OpenAIModel
from longread.models.retrying import Prompt, Restarts, RetryingModel


class PoolModel(RetryingModel):
    """Implements `models.base.ChatModel` over several servers.

    A call that fails at one server is made at the next at once; only when all have failed is there a pause. What is
    wrong with the request itself, such as a prompt that is too long, is told and not tried elsewhere.

    Args:
        servers: The model at each server. From here on they share one estimate of tokens.
        weights: Shares of the calls, by server; 1 where not given.
        slots: Calls that a server works on at once, where it says so.
        retries: How often a call that failed everywhere is tried again.
        sleep: Waits between attempts, and between questions to a server that was set aside.
    """

    def __init__(
        self,
        servers: Sequence[OpenAIModel],
        *,
        weights: Sequence[float] | None = None,
        slots: Sequence[int | None] | None = None,
        retries: int = 8,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        first = servers[0]
        place = ", ".join(server.place for server in servers)
        super().__init__(first.name, place, retries, first.estimator, sleep)
        for server in servers:
            server.estimator = self.estimator
        backends = [
            Backend(
                server.place,
                server.alive,
                weight=weights[at] if weights else 1.0,
                slots=slots[at] if slots else None,
            )
            for at, server in enumerate(servers)
        ]
        self.servers: Mapping[Backend, OpenAIModel] = dict(zip(backends, servers, strict=True))
        self.balancer = Balancer(backends, sleep)

    @property
    def window(self) -> int | None:
        """The smallest that is known: any call may go to any server."""
        return min((server.window for server in self.servers.values() if server.window), default=None)

    @property
    def structured(self) -> bool:
        """Whether all servers honour `Sampling.schema`."""
        return all(server.structured for server in self.servers.values())

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
