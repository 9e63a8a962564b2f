"""Many readings at once that share one network: a batch is formed when every one of them waits for a reply.

Batches follow from the order of the readings and never from time, so that a seed fixes a run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from longread.errors import ModelError
from longread.models.base import Delta, Message, OnDelta, Reply, Sampling
from longread.models.turns import Turns
from longread.training.generation import Generated, Request
from longread.training.records import Conversation

T = TypeVar("T")

Generate = Callable[[Sequence[Request]], Sequence[Generated]]
"""Replies to requests, in their order."""


class Lane:
    """The chat model of one reading: it waits for the others, and keeps the ids of what it said.

    Implements `models.base.ChatModel`.
    """

    ratio: float | None = None
    """Counts are exact."""
    structured = False
    """No schema is enforced."""

    def __init__(self, turns: Turns, window: int, wait: Callable[[Request], Awaitable[Generated]]) -> None:
        self.name = turns.name
        self.window: int | None = window
        self.conversations: list[Conversation] = []
        """All that was said so far, in order."""
        self._turns = turns
        self._wait = wait

    def count(self, text: str) -> int:
        """Tokens in `text`, exactly."""
        return len(self._turns.encode(text))

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Counts are exact: there is nothing to correct."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """One reply, drawn with those of the other lanes. Temperature, nucleus and seed are those of the batch."""
        prompt = tuple(self._turns.prompt(messages))
        room = self._turns.room(prompt, self.window, sampling.max_tokens)
        conversation, finish = await self._wait(Request(prompt, room))
        self.conversations.append(conversation)
        reply = self._turns.reply(prompt, conversation.reply, conversation.logprobs, finish)
        if on_delta:
            on_delta(Delta(reply.text, reply.thinking))
        return reply

    async def close(self) -> None:
        """Nothing: the network goes on."""


async def lockstep(
    jobs: Sequence[Callable[[Lane], Awaitable[T]]], turns: Turns, window: int, generate: Generate
) -> list[T]:
    """Runs all jobs, each with a lane of its own, and gives their results in order.

    The first error of a job ends all of them; what a job can survive, it catches itself.
    """
    waiting: dict[int, tuple[Request, asyncio.Future[Generated]]] = {}
    busy = len(jobs)
    idle = asyncio.Event()

    def rest() -> None:
        nonlocal busy
        busy -= 1
        if not busy:
            idle.set()

    async def run(at: int, job: Callable[[Lane], Awaitable[T]]) -> T:
        async def wait(request: Request) -> Generated:
            answer: asyncio.Future[Generated] = asyncio.get_running_loop().create_future()
            waiting[at] = request, answer
            rest()
            return await answer

        try:
            return await job(Lane(turns, window, wait))
        finally:
            rest()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(at, job)) for at, job in enumerate(jobs)]
            while jobs:
                await idle.wait()
                idle.clear()
                order = sorted(waiting)
                if not order:
                    break
                taken = [waiting.pop(at) for at in order]
                replies = generate([request for request, _ in taken])
                busy = len(taken)
                for (_, answer), reply in zip(taken, replies, strict=True):
                    if answer.cancelled():
                        raise ModelError("a reading was cancelled while it waited")
                    answer.set_result(reply)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
