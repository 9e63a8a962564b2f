"""A run played back from the journal alone: which prompts were sent, and what came back.

Prompts are not stored. The run is gone through once more with its recorded replies, and makes them again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from longread.errors import LongreadError
from longread.models.base import ChatModel, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator
from longread.reading.journal import Journal
from longread.reading.notes import Notes
from longread.reading.policy import Call
from longread.reading.recording import Change, RecordedModel, Run
from longread.types import Usage


class NotRecordedError(LongreadError):
    """The end of what was recorded."""


class AbsentModel:
    """Stands where a run's model was, without asking it anything.

    Args:
        name: The model's name.
        settled: What the run began with (`Journal.settled`).
    """

    def __init__(self, name: str, settled: dict[str, Any]) -> None:
        self.name = name
        self.window: int | None = settled["budgets"][0] if "budgets" in settled else None
        self.structured = bool(settled.get("structured"))
        self.ratio: float | None = settled.get("ratio")

    def count(self, text: str) -> int:
        """Tokens in `text`, as estimated when the run began."""
        return Estimator(self.ratio or 1.0).count(text)

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """There is nobody to ask."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """Raises NotRecordedError."""
        raise NotRecordedError("this call was not made")

    async def close(self) -> None:
        """Nothing to release."""


class ReplayedRun:
    """A run of the journal that is only looked at."""

    def __init__(self, journal: Journal, id: str) -> None:
        self._journal = journal
        self.id = id
        self.nonce = journal.nonce(id)
        self._settled = journal.settled(id)

    def recall(self, key: str) -> Reply | None:
        """The recorded reply, also one that led nowhere."""
        return self._journal.reply(self.id, key)

    def admit(self, tokens: int, most: int) -> bool:
        """Raises NotRecordedError: whoever asks for leave to call has come to the end."""
        raise NotRecordedError("this call was not made")

    def landed(self, most: int) -> None:
        """Never comes to pass."""

    def record(self, key: str, reply: Reply, tokens: int) -> None:
        """Keeps nothing."""

    def void(self, keys: Sequence[str]) -> None:
        """Keeps nothing."""

    def step(
        self, position: int, question: int, chunk: int, before: Notes, after: Notes, change: Change
    ) -> None:
        """Keeps nothing."""

    def settle(self, name: str, value: Any) -> Any:
        """The value the run began with."""
        return self._settled.get(name, value)

    def usage(self) -> Usage:
        """Nothing is used."""
        return Usage()


class WatchedModel(RecordedModel):
    """Answers from a run, and keeps each exchange in `calls`."""

    def __init__(self, model: ChatModel, run: Run) -> None:
        super().__init__(model, run)
        self.calls: list[Call] = []

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """The recorded reply."""
        reply = await super().chat(messages, sampling, on_delta)
        self.calls.append(Call(messages, sampling, reply))
        return reply
