"""Asks a language model whether an answer is right, and keeps what it was asked and what it said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from longread.errors import ModelError
from longread.evals.benchmarks.base import Benchmark, Item
from longread.evals.sitting import Outcome
from longread.grading import Graded, judge, longmemeval
from longread.grading.answer import after_thinking
from longread.models.base import ChatModel, Message, Sampling
from longread.reading.store import Store, key

_SAMPLING = Sampling(max_tokens=8_192, temperature=0.0, top_p=None, seed=0)


class Judgement(NamedTuple):
    """What a judge said."""

    model: str
    prompt: str
    reply: str
    verdict: bool | None
    """None when the reply held no verdict, or two."""


@dataclass
class Bench:
    """A judge, and where its judgements are kept."""

    model: ChatModel
    store: Store

    def __str__(self) -> str:
        return self.model.name  # what Inspect's log says of it

    async def judge(
        self, benchmark: Benchmark, item: Item, outcome: Outcome, graded: Graded
    ) -> Judgement | None:
        """The judgement; None where the benchmark's protocol asks none. Raises ModelError."""
        prompt = _prompt(benchmark, item, outcome, graded)
        if prompt is None:
            return None
        kept_as = key("judge", self.model.name, prompt)
        reply = self.store.get(kept_as)
        if reply is None:
            said = await self.model.chat((Message.of("user", prompt),), _SAMPLING)
            reply = said.text
            if not reply.strip():
                raise ModelError(f"the judge {self.model.name} gave an empty reply")
            self.store.put(kept_as, reply)
        verdict = longmemeval.verdict if benchmark.judge == "longmemeval" else judge.verdict
        return Judgement(self.model.name, prompt, reply, verdict(reply))


def _prompt(benchmark: Benchmark, item: Item, outcome: Outcome, graded: Graded) -> str | None:
    response = after_thinking(outcome.response)
    gold = outcome.gold.answers[0]
    match benchmark.judge:
        case None:
            return None
        case "longmemeval":
            return longmemeval.judge_prompt(
                item.groups["type"], outcome.question, gold, response, longmemeval.abstains(item.id)
            )
        case "equivalence":
            if benchmark.grader == "docmath" and graded.answer is not None:
                return None  # the rule has decided
            return judge.equivalence_prompt(outcome.question, graded.answer or response, gold)
