"""Asks a model and keeps what it said with what it cost, so that a run that is repeated asks nothing twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from longread.config import one_line
from longread.errors import LongreadError, ModelError
from longread.models.base import ChatModel, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator
from longread.reading.budgets import FRAME
from longread.reading.caps import Caps, Meter, spent
from longread.reading.store import Store, key
from longread.types import Usage

NO_REPLY = "no reply"
"""Why what was asked for in a call that failed is not there."""
_TOKENS = 8_192
"""Of a reply, thinking included."""
_LEAST = 64
"""Of a reply to a prompt that leaves no room for one."""
_ROW = 3
"""Prompts in a row that fail where the model is dead."""
_SPENT, _SETTLED = "spent", "settled"
"""Under which totals and what counts tokens are kept; replies have digests for keys."""
_OBJECTS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class NoReplyError(ModelError):
    """The model was not asked, or did not reply: nothing is known of what it would have said."""


class SpentError(NoReplyError):
    """The calls that a part of the run may make are used up."""


class DeadModelError(LongreadError):
    """So many calls failed in a row that the others would too. Replies are kept."""


@dataclass
class Failures:
    """Calls of a run that failed."""

    count: int = 0
    last: str = ""
    row: dict[str, str] = field(default_factory=dict)
    """What those said that failed since the last reply, by prompt."""

    def add(self, prompt: str, error: str) -> None:
        """Counts a call."""
        self.count += 1
        self.last = self.row[prompt] = error


class KeptModel:
    """A chat model that replies from the store where it can, and keeps to its caps where it cannot.

    Args:
        model: Is asked what it was not asked before.
        store: Keeps replies by what decides them, and what they cost.
        caps: Of the whole run, over all processes that work on it. Tokens and cost end the run, CapReached.
        calls: Replies that are given, kept ones included, so that a run that goes on comes as far as another.
        failures: Of the whole run; a few in a row end it, DeadModelError.
        window: Instead of what the model states.
    """

    def __init__(
        self,
        model: ChatModel,
        store: Store,
        caps: Caps,
        calls: int,
        failures: Failures | None = None,
        window: int | None = None,
    ) -> None:
        self.window = window or model.window
        self._model = model
        self._store = store
        self._failures = failures or Failures()
        self._most = caps.calls
        self.left = calls
        # An estimate that went on learning would make other prompts when the run is repeated.
        self.ratio, self.structured = self._settled([model.ratio, model.structured])
        self.count = model.count if self.ratio is None else Estimator(self.ratio).count
        self._calls, self._tokens, self._cost = json.loads(store.get(_SPENT) or "[0, 0, 0.0]")
        metered = Caps(None, caps.tokens, caps.cost)
        self._meter = Meter(metered, self._calls, self._tokens, self._cost)
        self._flying = 0
        self._single = bool(metered)
        self._turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Nothing: the ratio is settled."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """The reply that was kept, or the model's, whole; an empty one is not kept. Raises NoReplyError."""
        if self.left < 1:
            raise SpentError("the calls of this part of the run are used up")
        self.left -= 1
        kept_as = key("synth", self.name, [(m.role, m.text) for m in messages], sampling)
        if (kept := self._store.get(kept_as)) is not None:
            fields = json.loads(kept)
            return Reply(**fields | {"usage": Usage(**fields["usage"])})
        tokens = sum(self.count(message.text) for message in messages)
        async with self._alone():
            reply = await self._asked(messages, sampling, tokens)
        if reply.text.strip():
            said = {"text": reply.text, "thinking": reply.thinking, "finish": reply.finish}
            self._store.put(kept_as, json.dumps(said | {"usage": asdict(reply.usage)}))
        return reply

    async def say(self, prompt: str, sampling: Sampling) -> str:
        """The text of a reply that the window has room for. NoReplyError where there is none but thinking."""
        message = Message.of("user", prompt)
        if self.window is not None:
            size = self.count(prompt) if self.ratio is None else self.count(prompt) * 5 // 4  # an estimate
            sampling = sampling._replace(
                max_tokens=min(sampling.max_tokens, max(self.window - size - FRAME, _LEAST))
            )
        reply = await self.chat((message,), sampling)
        if not reply.text.strip():
            raise NoReplyError(f"{self.name} gave an empty reply")
        return reply.text

    async def close(self) -> None:
        """Nothing: whoever opened the model closes it."""

    def _alone(self) -> AbstractAsyncContextManager[Any]:
        """Where tokens or cost are capped, one call at a time: what others in flight will take is not known."""
        if not self._single:
            return nullcontext()
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not loop:
            self._turn = loop, asyncio.Lock()
        return self._turn[1]

    async def _asked(self, messages: tuple[Message, ...], sampling: Sampling, tokens: int) -> Reply:
        if self._most is not None and self._calls + self._flying >= self._most:
            raise SpentError(f"the run has used up its max_calls, {self._most:,}")
        self._meter.admit(tokens)
        self._flying += 1
        try:
            reply = await self._model.chat(messages, sampling)
        except ModelError as error:
            self._failures.add(key(*(message.text for message in messages)), str(error))
            if len(self._failures.row) >= _ROW:
                first = one_line(next(iter(self._failures.row.values())))
                raise DeadModelError(
                    f"{self.name} fails again and again: {first}; the replies are kept: the same command goes on"
                ) from error
            raise NoReplyError(str(error)) from error
        finally:
            self._flying -= 1
            self._meter.landed(tokens)
        self._failures.row.clear()
        self._spend(reply.usage, tokens + self.count(reply.thinking + reply.text))
        return reply

    def _spend(self, usage: Usage, estimate: int) -> None:
        self._meter.add(usage, estimate)
        self._calls += usage.calls
        self._tokens += spent(usage.input_tokens, usage.output_tokens, estimate)
        self._cost = None if self._cost is None or usage.cost is None else self._cost + usage.cost
        self._store.put(_SPENT, json.dumps([self._calls, self._tokens, self._cost]))

    def _settled(self, values: list[Any]) -> list[Any]:
        if (kept := self._store.get(_SETTLED)) is None:
            kept = json.dumps(values)
            self._store.put(_SETTLED, kept)
        settled: list[Any] = json.loads(kept)
        return settled


@dataclass(frozen=True)
class Asker:
    """Asks a model for JSON.

    Args:
        model: Asked once for each prompt.
        wait: Runs a call to its end, in the event loop that the model belongs to.
    """

    model: KeptModel
    wait: Callable[[Coroutine[Any, Any, Any]], Any]

    def ask(self, prompt: str, schema: dict[str, Any] | None, seed: int = 0) -> str:
        """The reply; another seed draws another. ModelError when there is none, which is not kept."""
        said: str = self.wait(self.model.say(prompt, Sampling(_TOKENS, seed=seed, schema=schema)))
        return said


def quoted(data: Any) -> str:
    """Data as JSON in which no tag can begin, so that what surrounds it in a prompt cannot be closed from inside."""
    return json.dumps(data, ensure_ascii=False, indent=1).replace("<", "\\u003c")


def object_in(reply: str) -> dict[str, Any]:
    """The JSON object of a reply; an empty one when there is none that can be read."""
    try:
        return _OBJECTS.validate_json(reply[reply.find("{") : reply.rfind("}") + 1])
    except ValidationError:
        return {}


def listed(reply: str, name: str) -> list[Any] | None:
    """The list of this name in the JSON object of a reply; None when there is none that can be read."""
    found = object_in(reply).get(name)
    return found if isinstance(found, list) else None
