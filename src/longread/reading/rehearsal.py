"""What a run will take, found by going through it with a model that only counts.

The real strategy and the real policy make the real prompts; what the model would say is assumed to be typical. So an
estimate follows every change of either, and no formula has to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, TypeVar

from longread.models.base import ChatModel, Delta, Reply, Sampling
from longread.models.probe import Speed, probe
from longread.models.usage import Prices, read_cost
from longread.reading.asking import Request
from longread.reading.journal import Pace
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Add, Notes
from longread.reading.policy import Call, Noted, Task
from longread.reading.recording import Run
from longread.reading.section import Section

T = TypeVar("T")

_TEMPLATE = 12
"""Tokens that a chat template adds to a prompt."""
_FACTS = 3
"""Chunks that leave a note on a question, whatever the length of the text: a few hops, spread over it."""
_FACT = (
    "The fact in question is stated here in about as many words as a note usually takes, with the full names."
)
_ANSWER = f"NOTE: {_FACT}\nANSWER: It is as the note says [n1]."
_MEMORY = f"<memory>{' '.join([_FACT] * 12)}</memory>"
_REPLIES = {"answer": _ANSWER, "whole": _ANSWER, "review": "SEEK: -", "select": "KEEP n1"}
"""What is sought is found nowhere: no chunk is left unread, and none is read again."""


class Plan(NamedTuple):
    """What would be read, and how."""

    strategy: str
    reason: str
    """Why this strategy."""
    documents: int
    tokens: int
    """Of the documents."""
    chunks: int


class Estimate(NamedTuple):
    """What a run is expected to take. None is unknown."""

    plan: Plan
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float | None = None
    cost: float | None = 0.0
    """In the currency of the configured prices."""


@dataclass
class Tally:
    """What a rehearsal counts."""

    calls: int = 0
    text_tokens: int = 0
    """Of prompts: text of documents."""
    wording_tokens: int = 0
    """Of prompts: all else."""
    output_tokens: int = 0
    wording: str = ""
    """The longest prompt without its text. Servers cut prose and a table of digits into unlike numbers of tokens."""


@dataclass(frozen=True)
class Rehearsal(LanguagePolicy):
    """A language policy that makes its prompts and never sends them."""

    tally: Tally = field(default_factory=Tally)

    @classmethod
    def of(cls, policy: LanguagePolicy) -> Self:
        """One that does as `policy` would."""
        return cls(**vars(policy))

    def bind(self, run: Run) -> Self:
        """Itself: there is nothing to record."""
        return self

    def shown(self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section) -> Section:
        """All of it: which names notes will bring in is not known, and a user agrees to more rather than to less."""
        return section

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        """Nothing, and now and then a fact; a memory is always written anew."""
        noted = await super().note(tasks, notes, section, total)
        if (section.index + 1) * _FACTS // total == section.index * _FACTS // total:
            return noted
        more = self.prompts.confirm + self.prompts.skip  # a second look, and what follows from a note
        for task, held in [*zip(tasks, notes, strict=True)] * more:
            await self._read(task, held, section.only(()), total)
        if self.prompts.format == "text":
            return noted
        self.tally.output_tokens += len(tasks) * self.count(_ANSWER)
        return [Noted((Add(_FACT),))] * len(tasks)

    def _bounded(self, memory: str, plan: str | None) -> tuple[str, str | None]:
        """A typical memory, or as much of it as there is room for."""
        words, size = memory.split(), max(self.count(memory), self.budgets.notes)
        return " ".join(words[: max(1, len(words) * self.budgets.notes // size)]), plan

    async def _ask(
        self,
        prompt: Request,
        tokens: int,
        parse: Callable[[str], T],
        *,
        schema: dict[str, Any] | None = None,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> tuple[T, tuple[Call, ...], bool]:
        reply = _REPLIES.get(prompt.template, _MEMORY if self.prompts.format == "text" else "NOTHING")
        text = self.count(prompt.section)
        self.tally.calls += 1
        self.tally.text_tokens += text
        self.tally.wording_tokens += self.count(prompt.text) - text + _TEMPLATE
        self.tally.output_tokens += min(tokens, self.count(reply))
        wording = prompt.text.replace(prompt.section, "", 1)
        self.tally.wording = max(self.tally.wording, wording, key=len)
        return parse(reply), (Call((), Sampling(tokens), Reply(reply)),), False


async def reckon(
    plan: Plan, tally: Tally, model: ChatModel, *, sample: str | None, pace: Pace | None, price: Prices | None
) -> Estimate:
    """The estimate that follows from a rehearsal.

    Args:
        plan: What was rehearsed.
        tally: What was counted.
        model: The model that was rehearsed for.
        sample: A piece of the text that may be sent to the model, to see how it counts and how fast it is.
        pace: How the model did in earlier runs, which knows best how much it writes and how long that takes.
        price: Of the model.
    """
    given, seconds = tally.text_tokens + tally.wording_tokens, None
    written = round(pace.output_tokens * tally.calls) if pace else tally.output_tokens
    if sample is not None:
        ratio = model.ratio
        wording, _ = await _measure(model, tally.wording, ratio)
        text, speed = await _measure(model, sample, ratio)
        given = round(tally.text_tokens * text + tally.wording_tokens * wording)
        seconds = speed.seconds_for(given, written)
    if pace:
        seconds = pace.seconds * (given + written)
    return Estimate(plan, tally.calls, given, written, seconds, read_cost(given, 0, written, price))


async def _measure(model: ChatModel, text: str, ratio: float | None) -> tuple[float, Speed]:
    """Tokens that the model's server reports for each that was counted when its ratio was `ratio`; its speed."""
    learned = model.ratio / ratio if model.ratio and ratio else 1.0
    speed = await probe(model, text)
    if not speed.reported:
        return 1.0, speed
    return learned * max(speed.prompt_tokens - _TEMPLATE, 1) / max(speed.counted_tokens, 1), speed
