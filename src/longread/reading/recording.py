"""What a run keeps while it goes on, and the model that answers from it when the run is repeated."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from longread.models.base import ChatModel, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator
from longread.reading.caps import NO_CAPS, Caps, Meter
from longread.reading.notes import Entry, Notes, Operation
from longread.types import Usage


class Run(Protocol):
    """Where one run's calls are kept, so that repeating the run repeats no finished call."""

    @property
    def id(self) -> str | None:
        """Random id; None for a run that is not kept."""
        ...

    @property
    def nonce(self) -> str:
        """Random word that fences document text in prompts."""
        ...

    def recall(self, key: str) -> Reply | None:
        """The reply recorded under `key`, or None."""
        ...

    def admit(self, tokens: int, most: int) -> bool:
        """Whether a call may be made now (see `Meter.admit`); CapReached when none may."""
        ...

    def landed(self, most: int) -> None:
        """A call that was admitted is over, with a reply or without."""
        ...

    def record(self, key: str, reply: Reply, tokens: int) -> None:
        """Keeps a reply for good. `tokens` are those of the call as estimated here."""
        ...

    def void(self, keys: Sequence[str]) -> None:
        """Replies that led nowhere: they count as used, but are asked for anew when the run resumes."""
        ...

    def step(
        self, position: int, question: int, chunk: int, before: Notes, after: Notes, change: Change
    ) -> None:
        """Keeps what one section did to a question's notes."""
        ...

    def settle(self, name: str, value: Any) -> Any:
        """The value this run started with: `value` the first time, the same ever after."""
        ...

    def usage(self) -> Usage:
        """What all calls of the run cost together."""
        ...


class Change(NamedTuple):
    """What a step asked for and what was dropped to stay within the budget."""

    operations: tuple[Operation, ...]
    dropped: tuple[Entry, ...]


class UnkeptRun:
    """A run without a journal."""

    id = None

    def __init__(self, caps: Caps = NO_CAPS) -> None:
        self.nonce = secrets.token_hex(8)
        self._usage = Usage()
        self._meter = Meter(caps)

    def recall(self, key: str) -> Reply | None:
        """Nothing is ever recorded."""
        return None

    def admit(self, tokens: int, most: int) -> bool:
        """Holds the run to its caps."""
        return self._meter.admit(tokens, most)

    def landed(self, most: int) -> None:
        """Makes room for another call."""
        self._meter.landed(most)

    def record(self, key: str, reply: Reply, tokens: int) -> None:
        """Counts what the reply cost."""
        self._usage += reply.usage
        self._meter.add(reply.usage, tokens)

    def void(self, keys: Sequence[str]) -> None:
        """Keeps nothing."""

    def step(
        self, position: int, question: int, chunk: int, before: Notes, after: Notes, change: Change
    ) -> None:
        """Keeps nothing."""

    def settle(self, name: str, value: Any) -> Any:
        """The value given."""
        return value

    def usage(self) -> Usage:
        """What the calls cost together."""
        return self._usage


class RecordedModel:
    """A chat model whose replies are recorded in a run, and replayed when the run is repeated."""

    def __init__(self, model: ChatModel, run: Run) -> None:
        self._model = model
        self._run = run
        self._asked: Counter[str] = Counter()
        self._landing: asyncio.Future[None] | None = None
        """Comes when the next call in flight has landed, if anyone waits for it."""
        self.path = 0
        """Calls of the longest chain in which each began after the one before had ended."""
        self._structured = bool(run.settle("structured", model.structured))
        # An estimate that went on learning would cut notes otherwise when the run is repeated.
        self.ratio = run.settle("ratio", model.ratio)
        self._count = model.count if self.ratio is None else Estimator(self.ratio).count

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def window(self) -> int | None:
        """The model's window."""
        return self._model.window

    @property
    def structured(self) -> bool:
        """Whether the run asks for schemas. Settled, since a server's refusal would change prompts on resume."""
        return self._structured

    def count(self, text: str) -> int:
        """Tokens in `text`, by the ratio the run began with."""
        return self._count(text)

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Nothing: the ratio is settled."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """The recorded reply, or else the model's, recorded before it is returned.

        The same request made twice in one run (after an empty reply, say) is two records.
        """
        digest = _digest(messages, sampling)
        self._asked[digest] += 1
        key = f"{digest}-{self._asked[digest]}"
        begun = self.path
        reply = self._run.recall(key)
        if reply is not None:
            self.path = max(self.path, begun + 1)
            return reply
        tokens = sum(self._count(message.text) for message in messages)
        try:
            async with self._admitted(tokens, tokens + sampling.max_tokens):
                reply = await self._model.chat(messages, sampling, on_delta)
        except BaseException:
            self._asked[digest] -= 1  # when it is asked again, by the same key
            raise
        reply = replace(reply, text=_clean(reply.text), thinking=_clean(reply.thinking))
        self._run.record(key, reply, tokens + self._count(reply.thinking + reply.text))
        self.path = max(self.path, begun + 1)
        return reply

    @asynccontextmanager
    async def _admitted(self, tokens: int, most: int) -> AsyncIterator[None]:
        """Within it, a call is in flight; waits where calls in flight may use up a cap."""
        while not self._run.admit(tokens, most):
            self._landing = self._landing or asyncio.get_running_loop().create_future()
            await asyncio.shield(self._landing)
        try:
            yield
        finally:
            self._run.landed(most)
            landing, self._landing = self._landing, None
            if landing is not None:
                landing.set_result(None)

    def void(self, requests: Sequence[tuple[tuple[Message, ...], Sampling]]) -> None:
        """Marks the replies to these requests as leading nowhere."""
        digests = {_digest(*request) for request in requests}
        self._run.void([f"{d}-{n}" for d in digests for n in range(1, self._asked[d] + 1)])

    async def close(self) -> None:
        """Closes the model."""
        await self._model.close()


def _clean(text: str) -> str:
    """Text without lone surrogates, which JSON can carry and files cannot."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _digest(messages: tuple[Message, ...], sampling: Sampling) -> str:
    hashed = hashlib.sha256()
    for message in messages:
        text = message.text.encode("utf-8", "surrogatepass")
        hashed.update(f"{message.role} {len(text)}\n".encode())
        hashed.update(text)
    hashed.update(json.dumps(sampling, sort_keys=True).encode())
    return hashed.hexdigest()[:32]
