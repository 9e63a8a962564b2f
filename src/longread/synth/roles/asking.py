"""Asks a model for JSON and keeps what it said, so that a run that is repeated asks nothing twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from longread.errors import ModelError
from longread.models.base import ChatModel, Message, Reply, Sampling
from longread.reading.store import Store, key

_TOKENS = 8_192
"""Of a reply, thinking included."""
_LISTS: TypeAdapter[dict[str, list[Any]]] = TypeAdapter(dict[str, list[Any]])


@dataclass(frozen=True)
class Asker:
    """A model that is asked, and where its replies are kept.

    Args:
        model: Asked once for each prompt.
        store: Keeps replies by what decides them.
        wait: Runs a call to its end, in the event loop that the model belongs to.
    """

    model: ChatModel
    store: Store
    wait: Callable[[Coroutine[Any, Any, Reply]], Reply]

    def ask(self, prompt: str, schema: dict[str, Any], seed: int = 0) -> str:
        """The reply; another seed draws another. ModelError when there is none, which is not kept."""
        kept_as = key("synth", self.model.name, prompt, schema, seed)
        if (kept := self.store.get(kept_as)) is not None:
            return kept
        sampling = Sampling(_TOKENS, seed=seed, schema=schema)
        said = self.wait(self.model.chat((Message.of("user", prompt),), sampling)).text
        if not said.strip():
            raise ModelError(f"{self.model.name} gave an empty reply")
        self.store.put(kept_as, said)
        return said


def quoted(data: Any) -> str:
    """Data as JSON in which no tag can begin, so that what surrounds it in a prompt cannot be closed from inside."""
    return json.dumps(data, ensure_ascii=False, indent=1).replace("<", "\\u003c")


def listed(reply: str, name: str) -> list[Any] | None:
    """The list of this name in the JSON object of a reply; None when there is none that can be read."""
    try:
        return _LISTS.validate_json(reply[reply.find("{") : reply.rfind("}") + 1]).get(name)
    except ValidationError:
        return None
