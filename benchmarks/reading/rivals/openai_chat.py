"""One prompt, one reply: what the reimplemented contenders ask the server with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from openai import AsyncOpenAI

from benchmarks.reading.rivals.job import Ask


class Chat:
    """Calls with the client's usual retries, at most so many at once as all contenders may make."""

    def __init__(self, ask: Ask) -> None:
        self._client = AsyncOpenAI(base_url=ask.base_url, api_key=ask.key)
        self._most = ask.note_tokens
        self._gate = asyncio.Semaphore(ask.concurrency)

    async def say(self, prompt: str) -> str:
        """The reply to one prompt."""
        async with self._gate:
            reply = await self._client.chat.completions.create(
                model="stub",
                messages=[{"role": "user", "content": prompt}],
                max_tokens=self._most,
                temperature=0.7,
            )
        return reply.choices[0].message.content or ""

    async def all(self, prompts: Iterable[str]) -> list[str]:
        """The replies to prompts that do not depend on one another."""
        return await asyncio.gather(*map(self.say, prompts))

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()
