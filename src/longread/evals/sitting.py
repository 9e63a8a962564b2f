"""One model with one strategy, given items to answer."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import anyio
from anyio import CapacityLimiter, to_process, to_thread
from pydantic import TypeAdapter

from longread.config import Settings
from longread.errors import LongreadError, UsageError
from longread.evals import direct
from longread.evals.benchmarks.base import Benchmark, Item, Text
from longread.evals.results import Cited, Found
from longread.evals.witness import Seen, Witnessed, cited
from longread.grading import Gold
from longread.reading.extractive import ExtractivePolicy
from longread.reading.extractive.survey import Survey
from longread.reading.journal import Journal
from longread.reading.language import LanguagePolicy
from longread.reading.policy import Policy, Turn
from longread.reading.reader import Reader
from longread.reading.section import Section
from longread.reading.store import Store, key
from longread.reading.strategies import get_strategy, strategies

DIRECT = "direct"
"""The strategy that sends the benchmark's own prompt in one pass."""


@dataclass(frozen=True)
class Outcome:
    """What came of one item in one epoch."""

    question: str
    gold: Gold
    response: str = ""
    failure: str | None = None
    found: Found | None = None
    cited: Cited | None = None
    calls: int = 0
    critical: int = 0
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    seconds: float = 0.0


OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def check_strategy(name: str) -> None:
    """UsageError unless there is a strategy of that name."""
    if name not in ("auto", DIRECT, *strategies()):
        raise UsageError(
            f"there is no strategy '{name}'; choose one of {DIRECT}, auto, {', '.join(strategies())}"
        )


@dataclass
class Sitting:
    """Answers items and keeps what was answered.

    Args:
        policy: Opens the model when first needed.
        settings: Those of reading; their strategy does not count.
        strategy: One of reading's, `auto`, or `direct`.
        store: Where outcomes are kept.
        journal: Where the calls of a long reading are kept while it goes on.
        on_done: Told of each outcome.
        also: Strategies that other sittings will ask for. Where looking over a text is what costs, it is done once.
    """

    policy: Callable[[], Awaitable[Policy]]
    settings: Settings
    strategy: str
    store: Store
    journal: Journal
    on_done: Callable[[Outcome], None] = lambda _: None
    also: tuple[str, ...] = ()
    _opened: Policy | None = None
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _processes: CapacityLimiter | None = None

    def __post_init__(self) -> None:
        check_strategy(self.strategy)

    def __str__(self) -> str:
        return self.strategy  # what Inspect's log says of it

    async def take(self, benchmark: Benchmark, item: Item, epoch: int) -> Outcome:
        """The outcome of an item. What fails is an outcome too, one that is not kept."""
        async with self._lock:
            if self._opened is None:
                self._opened = await self.policy()
        policy = seeded(self._opened, epoch)
        if kept := self.store.get(kept_as(benchmark, item, epoch, self.strategy, policy)):
            outcome = OUTCOME.validate_json(kept)
        else:
            try:
                outcomes = await self._answer(policy, item)
                for strategy, one in outcomes.items():
                    kept_under = kept_as(benchmark, item, epoch, strategy, policy)
                    self.store.put(kept_under, OUTCOME.dump_json(one).decode())
                outcome = outcomes[self.strategy]
            except LongreadError as error:
                outcome = Outcome(item.question, item.gold, failure=str(error))
        self.on_done(outcome)
        return outcome

    async def _answer(self, policy: Policy, item: Item) -> dict[str, Outcome]:
        """Outcomes by strategy."""
        if isinstance(policy, ExtractivePolicy):  # which keeps a core busy
            if self._processes is None:
                self._processes = CapacityLimiter(os.cpu_count() or 1)
            settings = self.settings.model_copy(update={"api_key": None})
            return await to_process.run_sync(
                partial(_extract, item, settings, (self.strategy, *self.also)),
                cancellable=True,
                limiter=self._processes,
            )
        text = await to_thread.run_sync(item.material.open)
        if self.strategy == DIRECT:
            return {DIRECT: await _direct(policy, item, text)}
        return {self.strategy: await _read(policy, item, text, self.settings, self.strategy, self.journal)}


def kept_as(benchmark: Benchmark, item: Item, epoch: int, strategy: str, policy: Policy) -> str:
    """The key of an outcome: all that decides it. `policy` is that of the epoch."""
    decides = (benchmark.name, item.id, item.question, item.ending, repr(item.material), epoch)
    return key(*decides, strategy, policy.fingerprint)


def seeded(policy: Policy, epoch: int) -> Policy:
    """Each epoch draws anew, and the same again when it is repeated."""
    if epoch == 1 or not isinstance(policy, LanguagePolicy):
        return policy
    return replace(policy, seed=(policy.seed or 0) + epoch - 1)


def _extract(item: Item, settings: Settings, strategies: tuple[str, ...]) -> dict[str, Outcome]:
    """In a process of its own. A policy that goes by words would take the wishes about wording for the question."""
    policy = _Surveyor(settings.chunk_tokens or 5_000, settings.notes_tokens or 4_000)
    text = item.material.open()._replace(ending=" ")
    return {
        strategy: anyio.run(_read, policy, item, text, settings, strategy, None) for strategy in strategies
    }


class _Surveyor(ExtractivePolicy):
    """Reads one text for one question, under any strategy; looks it over once."""

    _survey: Survey | None = None

    async def begin(
        self, query: str, sections: Sequence[Section], *, withhold: bool, history: Sequence[Turn] = ()
    ) -> Survey:
        if self._survey is None:
            self._survey = await super().begin(query, sections, withhold=withhold, history=history)
        return self._survey


async def _read(
    policy: Policy, item: Item, text: Text, settings: Settings, strategy: str, journal: Journal | None
) -> Outcome:
    if strategy != "auto":
        get_strategy(strategy)
    started = time.monotonic()
    seen = Seen()
    reader = Reader(
        Witnessed(policy, seen),
        settings=settings.model_copy(update={"strategy": strategy}),
        truncate=strategy == "full",
        journal=journal,
    )
    asked = text.question or item.question
    ending = text.ending or item.ending
    answer = await reader.aask(f"{asked}\n\n{ending}".strip(), text.corpus)
    return Outcome(
        question=asked,
        gold=text.gold or item.gold,
        response=_unmarked(answer.text, len(answer.citations)),
        found=seen.found(text.evidence),
        cited=cited(answer.citations, text.corpus, text.evidence),
        calls=answer.usage.calls,
        critical=seen.path,
        input_tokens=answer.usage.input_tokens,
        output_tokens=answer.usage.output_tokens,
        seconds=time.monotonic() - started,
    )


async def _direct(policy: Policy, item: Item, text: Text) -> Outcome:
    if not isinstance(policy, LanguagePolicy):
        raise UsageError(f"--strategy {DIRECT} needs a language model; {policy.name} is none")
    started = time.monotonic()
    question = text.question or item.question
    said = await direct.ask(policy, text.corpus, text.messages, question, text.ending or item.ending)
    return Outcome(
        question=question,
        gold=text.gold or item.gold,
        response=said.text,
        calls=said.usage.calls,
        critical=said.usage.calls,
        input_tokens=said.usage.input_tokens,
        output_tokens=said.usage.output_tokens,
        seconds=time.monotonic() - started,
    )


def _unmarked(text: str, citations: int) -> str:
    """An answer without its citation markers, which no benchmark's rule expects."""

    def drop(match: re.Match[str]) -> str:
        return "" if 1 <= int(match[1]) <= citations else match[0]

    return re.sub(r"[ \t]?\[(\d{1,6})\]", drop, text)
