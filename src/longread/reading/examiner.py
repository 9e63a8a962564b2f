"""Puts the exam to a policy: the real reader reads and answers every question, with notes."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar, cast

from longread.errors import ModelError
from longread.models.base import ChatModel, Delta, Message, OnDelta, Reply, Sampling
from longread.reading.asking import Request
from longread.reading.exam import Item, is_right
from longread.reading.language import LanguagePolicy
from longread.reading.policy import Call, Policy
from longread.reading.reader import Reader
from longread.types import Corpus, Usage

T = TypeVar("T")

CHUNK = 1_000
"""Tokens read at once, so that short documents are long enough to need notes."""
_PROMPT = 400
"""Tokens of wording and notes in a prompt, about."""
_REPLY = 80
"""Tokens of a reply, about; models that think write more."""
_GOOD, _USABLE = 9, 7
"""Right answers out of ten, at least."""
_GOOD_BROKEN, _USABLE_BROKEN = 0.05, 0.2
"""Replies that broke the form, at most."""


class Outcome(NamedTuple):
    """How one question went."""

    item: Item
    right: bool
    text: str
    """The answer, or the error there was instead."""


class Cost(NamedTuple):
    """What the exam will take, about."""

    calls: int
    input_tokens: int
    output_tokens: int


@dataclass
class Tally:
    """Counts replies."""

    replies: int = 0
    formed: int = 0
    """Those that could be used; the others broke the form, were cut off, or empty."""
    usage: Usage = field(default_factory=Usage)

    @property
    def broken(self) -> int:
        """Replies that could not be used."""
        return self.replies - self.formed


class Examiner:
    """Examines one policy. A language policy reads in chunks of CHUNK tokens."""

    def __init__(self, policy: Policy) -> None:
        self.tally = Tally()
        self.outcomes: list[Outcome] = []
        if isinstance(policy, LanguagePolicy):
            budgets = policy.budgets._replace(chunk=min(CHUNK, policy.budgets.chunk))
            model = cast(ChatModel, _Counted(policy.model, self.tally))
            policy = _Watched(**vars(policy) | {"budgets": budgets, "model": model}, tally=self.tally)
        self._policy = policy

    def cost(self, exam: Sequence[Item]) -> Cost:
        """What the exam will take, about."""
        if not isinstance(self._policy, LanguagePolicy):
            return Cost(0, 0, 0)
        tokens = [self._policy.count(item.document.text) for item in exam]
        calls = sum(math.ceil(size / self._policy.chunk_tokens) + 1 for size in tokens)
        return Cost(calls, sum(tokens) + calls * _PROMPT, calls * _REPLY)

    async def run(self, exam: Sequence[Item]) -> AsyncIterator[Outcome]:
        """Asks every question. One that ends in an error of the model counts as wrong."""
        reader = Reader(self._policy, strategy="sequential", revisits=0)
        for item in exam:
            try:
                answer = await reader.aask(item.question, Corpus((item.document,)))
                outcome = Outcome(item, is_right(item, answer), answer.text)
            except ModelError as error:
                outcome = Outcome(item, False, str(error))
            self.outcomes.append(outcome)
            yield outcome

    @property
    def right(self) -> int:
        """Right answers."""
        return sum(outcome.right for outcome in self.outcomes)

    @property
    def kinds(self) -> dict[str, tuple[int, int]]:
        """Kind of question -> right answers, all answers."""
        found: dict[str, tuple[int, int]] = {}
        for outcome in self.outcomes:
            right, asked = found.get(outcome.item.kind, (0, 0))
            found[outcome.item.kind] = (right + outcome.right, asked + 1)
        return found

    @property
    def broken(self) -> float:
        """Share of replies that could not be used."""
        return self.tally.broken / max(self.tally.replies, 1)

    @property
    def grade(self) -> str:
        """good, usable or weak. The thresholds are ours, and ten questions tell only so much."""
        share = 10 * self.right / max(len(self.outcomes), 1)
        if share >= _GOOD and self.broken <= _GOOD_BROKEN:
            return "good"
        return "usable" if share >= _USABLE and self.broken <= _USABLE_BROKEN else "weak"


class _Counted:
    """A chat model whose replies are counted."""

    def __init__(self, model: ChatModel, tally: Tally) -> None:
        self._model = model
        self._tally = tally

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        reply = await self._model.chat(messages, sampling, on_delta)
        self._tally.replies += 1
        self._tally.usage += reply.usage
        return reply


@dataclass(frozen=True)
class _Watched(LanguagePolicy):
    """A language policy whose usable replies are counted."""

    tally: Tally = field(default_factory=Tally)

    async def _ask(
        self,
        prompt: Request,
        tokens: int,
        parse: Callable[[str], T],
        *,
        schema: dict[str, Any] | None = None,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> tuple[T, tuple[Call, ...], bool]:
        asked = await super()._ask(prompt, tokens, parse, schema=schema, on_delta=on_delta)
        self.tally.formed += 1
        return asked
