"""A model that says what a function tells it to: for tests, and for trying out policies and strategies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from longread.models.base import Delta, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator
from longread.types import Usage

_PIECE = 16


class ScriptedModel:
    """Deterministic: the same messages and sampling give the same reply.

    Args:
        reply: What to say. A Reply is given back as it is; a string is measured, and cut off at
            `sampling.max_tokens`.
        name: What the user calls it.
        window: Tokens that prompt and reply may take together; only stated, not enforced.
        structured: Whether `reply` honours `sampling.schema`.
        estimator: Counts tokens.
    """

    def __init__(
        self,
        reply: Callable[[tuple[Message, ...], Sampling], str | Reply],
        *,
        name: str = "scripted",
        window: int | None = None,
        structured: bool = False,
        estimator: Estimator | None = None,
    ) -> None:
        self.name = name
        self.window = window
        self.structured = structured
        self.calls = 0
        """How often it was asked."""
        self._reply = reply
        self._estimator = estimator or Estimator()

    @property
    def ratio(self) -> float:
        """Tokens for each four bytes of UTF-8; it does not change."""
        return self._estimator.ratio

    def count(self, text: str) -> int:
        """Tokens in `text`, estimated."""
        return self._estimator.count(text)

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """There is no tokenizer to ask."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """The scripted reply, streamed in small pieces."""
        self.calls += 1
        said = self._reply(messages, sampling)
        reply = said if isinstance(said, Reply) else self._measured(said, messages, sampling)
        if on_delta:
            for start in range(0, len(reply.thinking), _PIECE):
                on_delta(Delta(thinking=reply.thinking[start : start + _PIECE]))
            for start in range(0, len(reply.text), _PIECE):
                on_delta(Delta(text=reply.text[start : start + _PIECE]))
        return reply

    async def close(self) -> None:
        """Nothing to release."""

    def _measured(self, said: str, messages: tuple[Message, ...], sampling: Sampling) -> Reply:
        text = said
        while self.count(text) > sampling.max_tokens:
            text = text[: len(text) * sampling.max_tokens // self.count(text)]
        given = sum(self.count(message.text) for message in messages)
        usage = Usage(1, given, None, self.count(text), None)
        return Reply(text=text, finish="stop" if text == said else "length", usage=usage)
