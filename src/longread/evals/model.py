"""A model of Inspect's as the reader's ChatModel."""

from __future__ import annotations

from collections.abc import Sequence

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    ContentReasoning,
    GenerateConfig,
    Model,
    ModelOutput,
)
from inspect_ai.util import LimitExceededError

from longread.errors import ModelError
from longread.models.base import Delta, Message, OnDelta, Reply, Sampling
from longread.models.tokens import Estimator, utf8_length
from longread.types import Usage

_ROLES: dict[str, type[ChatMessage]] = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
}


class InspectModel:
    """Implements `models.base.ChatModel`. Inspect keeps its own log of the calls, and retries them."""

    def __init__(self, model: Model, window: int | None = None) -> None:
        self._model = model
        self.window = window
        self.structured = False
        self._estimator = Estimator()

    @property
    def name(self) -> str:
        """As Inspect calls it."""
        return str(self._model)

    @property
    def ratio(self) -> float:
        """Tokens for each four bytes of UTF-8."""
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
        """One reply. ModelError when Inspect's own retries did not help."""
        config = GenerateConfig(
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            seed=sampling.seed,
        )
        given = [_ROLES[message.role](content=message.text) for message in messages]
        try:
            output = await self._model.generate(given, config=config)
        except LimitExceededError:
            raise  # which ends the sample as Inspect has it
        except Exception as error:  # each provider has errors of its own
            raise ModelError(f"{self.name} gave no reply: {type(error).__name__}: {error}") from error
        if output.error or not output.choices:
            raise ModelError(f"{self.name} gave no reply: {output.error or 'it is empty'}")
        reply = _reply(output)
        if reply.usage.input_tokens:
            size = sum(utf8_length(message.text) for message in messages)
            self._estimator.observe(size, reply.usage.input_tokens)
        if on_delta:
            on_delta(Delta(text=reply.text, thinking=reply.thinking))
        return reply

    async def close(self) -> None:
        """Nothing: the model is Inspect's."""


def _reply(output: ModelOutput) -> Reply:
    message = output.choices[0].message
    thinking = ""
    if not isinstance(message.content, str):
        thinking = "".join(part.reasoning for part in message.content if isinstance(part, ContentReasoning))
    usage = output.usage
    counted = (
        Usage(
            1,
            usage.input_tokens + (usage.input_tokens_cache_read or 0),
            usage.input_tokens_cache_read,
            usage.output_tokens,
            None,
        )
        if usage
        else Usage(1, None, None, None, None)
    )
    return Reply(
        text=message.text,
        thinking=thinking,
        finish="length" if output.choices[0].stop_reason in ("max_tokens", "model_length") else "stop",
        usage=counted,
    )
