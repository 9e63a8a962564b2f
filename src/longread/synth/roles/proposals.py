"""A proposed question, and the gate it must pass: whoever proposes, only what is proved comes through."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from longread.synth import plans
from longread.synth.answers import answer
from longread.synth.base import Base
from longread.synth.make import Unit, compose
from longread.synth.proof import Proof, UnderivableError
from longread.synth.propose import Topics
from longread.synth.values import plain, quantity, written
from longread.synth.verify import Ground, verify
from longread.types import Evidence, Sample

_PARTS = 24
"""Steps of a plan, at most."""
ROOTS: Mapping[str, tuple[type, ...]] = {
    "multi_fact": (plans.Lookup,),
    "multiple_choice": (plans.Lookup,),
    "causal": (plans.Lookup,),
    "comparison": (plans.Extreme,),
    "numerical": (plans.Combine,),
    "aggregation": (plans.Aggregate,),
    "temporal": (plans.Elapsed,),
    "ordering": (plans.Order,),
    "hypothetical": (plans.Intervene,),
}
"""What a plan of each type may be; other types, such as those over code, are not proposed."""
_FACTORS = Decimal("0.01"), Decimal(100)


class Quote(BaseModel):
    """A piece of a document that is said to be evidence."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    doc: str
    quote: str


class Proposal(BaseModel):
    """A question as it is proposed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    plan: plans.Plan
    answer: str
    quotes: tuple[Quote, ...]


class Turn(NamedTuple):
    """A plan that was accepted."""

    plan: str
    solved: bool
    """Whether the solver got it; the proxy's is no measure of what a model finds hard."""


@dataclass(frozen=True)
class View:
    """What a proposer is asked for, and shown."""

    unit: Unit
    base: Base
    """The pages shown."""
    topics: Topics
    """What can be asked of the split."""
    history: tuple[Turn, ...]
    """What was accepted before, the newest last."""
    rng: random.Random
    number: int
    """Of the round."""


@dataclass(frozen=True)
class Gate:
    """Accepts what both interpreters prove and the quotes bear out."""

    ground: Ground
    tokens: Mapping[str, int]
    """Size of each document."""

    def check(self, proposal: Proposal, view: View) -> Sample | str:
        """A sample that passes all of `verify`, or the reason why there is none."""
        plan = proposal.plan
        if not _fits(plan, view):
            return "plan does not fit"
        proof = Proof(view.base)
        try:
            derived = answer(proof.execute(plan))
        except UnderivableError:
            return "not derivable from what was shown"
        if not _says(proposal.answer, derived):
            return "wrong answer"
        if not _asks_well(plan, derived, view.topics, view.unit.type):
            return "answer is not short and distinct"
        if not proposal.quotes or not all(self._bears(quote, proof.evidence) for quote in proposal.quotes):
            return "quote is not of the evidence"
        sample = compose(view.rng, view.unit, plan, self.ground.base, self.tokens, view.rng.randrange(4))
        if isinstance(sample, str):
            return sample
        faults = [check for check in verify(sample, self.ground) if not check.passed]
        return faults[0].name if faults else replace(sample, source="proposed")

    def _bears(self, quote: Quote, evidence: tuple[Evidence, ...]) -> bool:
        """Whether the quote stands in its document where evidence does."""
        places = [(piece.start, piece.end) for piece in evidence if piece.doc == quote.doc]
        if not quote.quote or not places:
            return False
        stands = occurrences(quote.quote, self.ground.documents[quote.doc].text)
        return any(at < end and start < at + len(quote.quote) for at in stands for start, end in places)


def occurrences(part: str, text: str) -> Iterator[int]:
    """Where a part begins in a text."""
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def possible(type_: str) -> bool:
    """Whether questions of this type are proposed."""
    return type_ in ROOTS


def _fits(plan: plans.Plan, view: View) -> bool:
    """Whether a plan is of its type and of a size and wording that a question can have."""
    parts = list(plans.walk(plan))
    return (
        isinstance(plan, ROOTS.get(view.unit.type, ()))
        and len(parts) <= _PARTS
        and all(part.relation in view.topics.texts for part in parts if isinstance(part, plans.Find))
        and all(
            _FACTORS[0] <= Decimal(part.factor) <= _FACTORS[1]
            for part in parts
            if isinstance(part, plans.Intervene)
        )
        and not (isinstance(plan, plans.Lookup) and plan.says == "date")
    )


def _says(proposed: str, derived: str) -> bool:
    """Whether two answers are the same, however a number is written."""
    said = quantity(proposed)
    return proposed.strip() == derived or (said is not None and written(said.number) == derived)


def _asks_well(plan: plans.Plan, derived: str, topics: Topics, type_: str) -> bool:
    """Whether what a page is asked for is what the plans that are drawn ask for."""
    if not isinstance(plan, plans.Lookup):
        return True
    if plan.says == "quantity":
        return type_ not in ("multiple_choice", "causal") and plan.relation in topics.quantities
    good = (topics.causes if type_ == "causal" else topics.texts).get(plan.relation, ())
    return any(plain(page.facts[plan.relation].value) == derived for page in good)
