"""Asks a model until its reply has the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from longread.errors import ModelError
from longread.models.base import ChatModel, Delta, Message, Sampling
from longread.reading.budgets import FRAME, Budgets
from longread.reading.policy import Call
from longread.reading.prompts import Prompts
from longread.reading.recording import RecordedModel
from longread.reading.replies import FormatError

T = TypeVar("T")

_SHOWN_REPLY = 1_000
"""Characters of a broken reply that the model is shown again."""


class UnusableReplyError(ModelError):
    """The model replied, and there was no answer in any of its replies."""


class NoFormError(FormatError):
    """All attempts gave text without the form asked for."""

    def __init__(self, text: str, calls: tuple[Call, ...]) -> None:
        super().__init__("no reply had the form asked for")
        self.text = text
        self.calls = calls


class Request(NamedTuple):
    """A prompt, the name of the template it was made from, and what of it is text of documents."""

    template: str
    text: str
    section: str = ""


@dataclass(frozen=True)
class Asking:
    """A model with the settings by which it is asked."""

    model: ChatModel
    prompts: Prompts
    budgets: Budgets
    temperature: float | None = 0.7
    top_p: float | None = 0.95
    seed: int | None = 0
    attempts: int = 3
    """How often a reply that breaks the form is asked for."""
    nonce: str = "0" * 16
    """Fences document text; drawn anew for each run."""

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    def count(self, text: str) -> int:
        """Tokens in `text`, as the model counts."""
        return self.model.count(text)

    def _render(self, template: str, **values: object) -> Request:
        # A model may have been talked into noting the fence: it must not stand within it.
        shown = {name: str(value).replace(self.nonce, "…") for name, value in values.items()}
        text = self.prompts.render(template, open=f"<<{self.nonce}", close=f"{self.nonce}>>", **shown)
        return Request(template, text, shown.get("section", ""))

    async def _ask(
        self,
        prompt: Request,
        tokens: int,
        parse: Callable[[str], T],
        *,
        schema: dict[str, Any] | None = None,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> tuple[T, tuple[Call, ...], bool]:
        """Asks until a reply can be parsed: (result, calls, whether it took a repair).

        A cut-off or empty reply is asked for again with a larger limit, a malformed one with what was wrong.
        Raises NoFormError when only malformed replies came, ModelError when the last one was empty.
        """
        question = Message.of("user", prompt.text)
        messages: tuple[Message, ...] = (question,)
        limit = tokens + self.budgets.thinking
        size = self.count(prompt.text) + FRAME
        if self.model.ratio is not None:
            size = size * 5 // 4  # an estimate
        most = max(self.budgets.window - size, 64)
        limit = min(limit, most)
        calls: list[Call] = []
        for attempt in range(self.attempts):
            last = attempt == self.attempts - 1
            if attempt and on_delta:
                on_delta(Delta(restart=True))
            seed = None if self.seed is None else self.seed + attempt
            sampling = Sampling(limit, self.temperature, self.top_p, seed, schema)
            reply = await self.model.chat(messages, sampling, on_delta)
            calls.append(Call(messages, sampling, reply))
            messages = (question,)
            if reply.finish == "length":
                limit = min(2 * limit, most)
                if not last or not reply.text.strip():
                    continue
            if not reply.text.strip():
                continue
            try:
                return parse(reply.text), tuple(calls), attempt > 0
            except FormatError as error:
                again = Message.of("user", self.prompts.render("again", error=error))
                messages = (question, Message.of("assistant", reply.text[:_SHOWN_REPLY]), again)
        if not reply.text.strip():
            self._forget(calls)
            raise UnusableReplyError(
                f"{self.name} gave no usable reply in {self.attempts} attempts: the last one was "
                + ("cut off while thinking; set thinking_tokens higher" if reply.thinking else "empty")
            )
        raise NoFormError(reply.text, tuple(calls))

    def _forget(self, calls: Sequence[Call]) -> None:
        if isinstance(self.model, RecordedModel):
            self.model.void([(call.messages, call.sampling) for call in calls])
