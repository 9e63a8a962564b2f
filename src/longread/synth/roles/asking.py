"""Asks a model and keeps what it said with what it cost, so that a run that is repeated asks nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from longread.errors import ModelError
from longread.models.base import ChatModel, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator
from longread.reading.caps import Caps, Meter, spent
from longread.reading.store import Store, key
from longread.types import Usage

_TOKENS = 8_192
"""Of a reply, thinking included."""
_SPENT, _SETTLED = "spent", "settled"
"""Under which totals and what counts tokens are kept; replies have digests for keys."""
_OBJECTS: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class NoReplyError(ModelError):
    """The model was not asked, or did not reply: nothing is known of what it would have said."""


class SpentError(NoReplyError):
    """The calls that a part of the run may make are used up."""


class KeptModel:
    """A chat model that replies from the store where it can, and keeps to its caps where it cannot.

    Args:
        model: Is asked what it was not asked before.
        store: Keeps replies by what decides them, and what they cost.
        caps: Of the whole run, over all processes that work on it. Tokens and cost end the run, CapReached.
        calls: Replies that are given, kept ones included, so that a run that goes on comes as far as another.
    """

    def __init__(self, model: ChatModel, store: Store, caps: Caps, calls: int) -> None:
        self._model = model
        self._store = store
        self._most = caps.calls
        self.left = calls
        # An estimate that went on learning would make other prompts when the run is repeated.
        self.ratio, self.structured = self._settled([model.ratio, model.structured])
        self.count = model.count if self.ratio is None else Estimator(self.ratio).count
        self._calls, self._tokens, self._cost = json.loads(store.get(_SPENT) or "[0, 0, 0.0]")
        self._meter = Meter(Caps(None, caps.tokens, caps.cost), self._calls, self._tokens, self._cost)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def window(self) -> int | None:
        """The model's window."""
        return self._model.window

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
        if self._most is not None and self._calls >= self._most:
            raise SpentError(f"the run has used up its max_calls, {self._most:,}")
        tokens = sum(self.count(message.text) for message in messages)
        self._meter.admit(tokens)
        try:
            reply = await self._model.chat(messages, sampling)
        except ModelError as error:
            raise NoReplyError(str(error)) from error
        self._spend(reply.usage, tokens + self.count(reply.thinking + reply.text))
        if reply.text.strip():
            said = {"text": reply.text, "thinking": reply.thinking, "finish": reply.finish}
            self._store.put(kept_as, json.dumps(said | {"usage": asdict(reply.usage)}))
        return reply

    async def close(self) -> None:
        """Nothing: whoever opened the model closes it."""

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
        sampling = Sampling(_TOKENS, seed=seed, schema=schema)
        reply: Reply = self.wait(self.model.chat((Message.of("user", prompt),), sampling))
        if not reply.text.strip():
            raise NoReplyError(f"{self.model.name} gave an empty reply")
        return reply.text


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
