"""Samples of one type over one split: proposals, contexts and checks, until there are enough."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from longread.synth import plans
from longread.synth.answers import answer
from longread.synth.avoid import Avoided
from longread.synth.base import Base, Page
from longread.synth.context import fill
from longread.synth.corpus import AVOIDED
from longread.synth.dataset import Made
from longread.synth.options import options
from longread.synth.proof import Proof, UnderivableError
from longread.synth.propose import PROPOSERS, Topics
from longread.synth.seal import sample_id
from longread.synth.solvers import Trial, trials
from longread.synth.types import TYPES, grader
from longread.synth.verify import Ground, choices, verify
from longread.synth.wording import forms, question
from longread.types import Sample

TRIES = 12
"""Proposals for each sample that is wanted, before giving up."""
MOST_ALIKE = 0.016
"""Share of a unit's samples that may have the same answer, so that it is below 2 % of a type with both splits."""
_SEEDS = 64
_DRAWS = 50
"""Proposals of which one must be a plan for a type to be possible."""


class Unit(NamedTuple):
    """What is made independently of all else: the samples of a type over a split."""

    split: str
    type: str
    wanted: int
    targets: tuple[int, ...]
    """Nominal tokens of contexts, one of which is drawn for each sample."""
    seed: int


class Yield(NamedTuple):
    """What came of a unit."""

    made: tuple[Made, ...]
    rejected: Mapping[str, int]
    """Why proposals were dropped, and how many."""
    tried: Mapping[str, Trial]
    """How solvers do on the samples."""


def possible(type_: str, base: Base) -> bool:
    """Whether questions of a type can be asked of a base at all."""
    topics = topics_of(type_, base)
    drawn = (random.Random(f"possible:{type_}:{number}") for number in range(_DRAWS))  # noqa: S311
    return any(PROPOSERS[type_](rng, topics) for rng in drawn) if topics.any else False


def make(unit: Unit, ground: Ground, tokens: Mapping[str, int], avoid: Avoided) -> Yield:
    """The samples of a unit; the same for the same arguments."""
    base = ground.base
    topics = topics_of(unit.type, base)
    made: list[Made] = []
    rejected: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    asked: set[tuple[str, str]] = set()
    for number in range(unit.wanted * TRIES if topics.any else 0):
        if len(made) == unit.wanted:
            break
        rng = random.Random(f"{unit.seed}:{unit.split}:{unit.type}:{number}")  # noqa: S311
        plan = PROPOSERS[unit.type](rng, topics)
        if plan is None:
            rejected["nothing to ask"] += 1
            continue
        sample = compose(rng, unit, plan, base, tokens, len(made))
        if isinstance(sample, str):
            rejected[sample] += 1
            continue
        if answers[counted(sample)] >= max(1, int(MOST_ALIKE * unit.wanted)):
            rejected["answer too common"] += 1
        elif (sample.plan, counted(sample)) in asked:
            rejected["asked before"] += 1
        elif avoid.asks(sample.question.partition("\n")[0]):
            rejected[AVOIDED] += 1
        elif faults := [check for check in verify(sample, ground) if not check.passed]:
            rejected[faults[0].name] += 1
        else:
            answers[counted(sample)] += 1
            asked.add((sample.plan, counted(sample)))
            made.append(quoting(sample, ground))
    kept = _balanced(made)
    rejected.update({"answer too common": len(made) - len(kept)})
    tried = trials([one.sample for one in kept], ground)
    return Yield(kept, dict(sorted((+rejected).items())), tried)


def _balanced(made: list[Made]) -> tuple[Made, ...]:
    """Without the last of those whose answer is too common when fewer were made than wanted."""
    while True:
        most = max(1, int(MOST_ALIKE * len(made)))
        seen: Counter[str] = Counter()
        kept = []
        for one in made:
            seen[counted(one.sample)] += 1
            if seen[counted(one.sample)] <= most:
                kept.append(one)
        if len(kept) == len(made):
            return tuple(kept)
        made = kept


def topics_of(type_: str, base: Base) -> Topics:
    """What questions of a type can be about."""
    return Topics(Base(tuple(page for page in base.pages if page.kind == TYPES[type_].kind)))


def quoting(sample: Sample, ground: Ground) -> Made:
    """A sample with the text of its evidence."""
    texts = (ground.documents[doc].text[start:end] for doc, start, end, _ in sample.evidence)
    return Made(sample, tuple(texts))


def counted(sample: Sample) -> str:
    """What must not be common: the answer, or, as letters are, what is asked."""
    return sample.plan if sample.grader == "choice" else sample.answer


def compose(
    rng: random.Random, unit: Unit, plan: plans.Plan, base: Base, tokens: Mapping[str, int], number: int
) -> Sample | str:
    """A sample of a plan with its context, the `number`th of its unit; a reason where there can be none."""
    target = rng.choice(unit.targets)
    docs = list(base.by_doc)
    near = list(dict.fromkeys(page.doc for page in base.pages if _near(page, plan)))
    required: list[str] = []
    if not any(isinstance(part, plans.Aggregate) for part in plans.walk(plan)):
        proof = Proof(base)
        try:
            proof.execute(plan)
        except UnderivableError:
            return "not derivable"
        required = [evidence.doc for evidence in proof.evidence]
    documents = fill(rng, required, near, docs, tokens, target, max(unit.targets))
    if documents is None:
        return "too long"
    proof = Proof(base.within(documents))
    try:
        derived = answer(proof.execute(plan))
    except UnderivableError:
        return "not derivable in context"
    words, given, seed = question(plan, rng.choice(forms(unit.split))), derived, unit.seed
    if unit.type == "multiple_choice":
        letter = "ABCD"[number % 4]
        for seed in range(_SEEDS):
            offered = options(plan, derived, base, seed)
            if offered and "ABCD"[offered.index(derived)] == letter:
                words, given = choices(words, offered), letter
                break
        else:
            return "too few options"
    return Sample(
        id=sample_id(unit.split, unit.type, plans.to_json(plan), documents),
        task=TYPES[unit.type].task,
        type=unit.type,
        question=words,
        answer=given,
        grader=grader(unit.type, plan),
        documents=documents,
        evidence=proof.evidence,
        plan=plans.to_json(plan),
        split=unit.split,
        source="corpus",
        seed=seed,
    )


def _near(page: Page, plan: plans.Plan) -> bool:
    """Whether a page says something on what is asked."""
    return bool(page.turns) if isinstance(plan, plans.Reply) else bool(page.facts.keys() & _relations(plan))


def _relations(plan: plans.Plan) -> set[str]:
    if isinstance(plan, plans.Holds):
        return {plan.source}
    return {str(relation) for part in plans.walk(plan) if (relation := getattr(part, "relation", None))}
