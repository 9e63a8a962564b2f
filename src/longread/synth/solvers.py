"""Solvers that a good question defeats, and one that it must not: how a data set does against each.

What only executes plans must get all right. What knows the answers of other questions but no document, what reads the
single best document perfectly, and the policy without a model should get little beyond chance.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from longread.config import Settings
from longread.grading import Gold, grade
from longread.reading.extractive import ExtractivePolicy
from longread.reading.reader import Reader
from longread.reading.terms import terms
from longread.synth import plans
from longread.synth.answers import answer
from longread.synth.options import OPTIONS, options
from longread.synth.proof import Proof, UnderivableError
from longread.synth.verify import Ground
from longread.types import Corpus, Sample

EXECUTOR, CLOSED, BEST, EXTRACTIVE = SOLVERS = (
    "plan executor",
    "closed book",
    "best document (BM25)",
    "extractive policy",
)
READ = 10
"""Samples of a unit that the policy without a model reads; it takes seconds for each."""
_CHUNK, _NOTES = 5_000, 4_000
"""Tokens of its chunks and notes."""


@dataclass(frozen=True)
class Trial:
    """What a solver got right."""

    tried: int
    right: int
    chance: float = 0.0
    """How many it would have got right by drawing among the answers that a question offers."""

    def __add__(self, other: Trial) -> Trial:
        """Both together."""
        return Trial(self.tried + other.tried, self.right + other.right, self.chance + other.chance)


def trials(samples: Sequence[Sample], ground: Ground) -> dict[str, Trial]:
    """How each solver does on the samples of one type and split."""
    return {
        EXECUTOR: _count(samples, [executed(sample, ground, sample.documents) for sample in samples]),
        CLOSED: _count(samples, closed_book(samples)),
        BEST: _count(samples, best_document(samples, ground)),
        EXTRACTIVE: _count(samples[:READ], [extractive(s, ground) for s in samples[:READ]]),
    }


def executed(sample: Sample, ground: Ground, docs: Sequence[str]) -> bool:
    """Whether the plan gives the answer over these documents."""
    plan = plans.from_json(sample.plan)
    try:
        derived = answer(Proof(ground.base.within(docs)).execute(plan))
    except UnderivableError:
        return False
    if sample.grader != "choice":
        return derived == sample.answer
    offered = options(plan, derived, ground.base, sample.seed)
    return offered is not None and "ABCD"[offered.index(derived)] == sample.answer


def closed_book(samples: Sequence[Sample]) -> list[bool]:
    """Guesses the longest option, the first that a question names, or what most often answers the others."""
    counts = Counter(sample.answer for sample in samples)
    return [sample.answer == _guess(sample, counts - Counter([sample.answer])) for sample in samples]


def best_document(samples: Sequence[Sample], ground: Ground) -> list[bool]:
    """Executes plans over the one document of the context that matches the question best (BM25).

    Of a conversation, which is one document, it takes what follows the turn that matches best.
    """
    docs = list(dict.fromkeys(doc for sample in samples for doc in sample.documents))
    score = scorer([ground.documents[doc].text for doc in docs])
    right = []
    for sample in samples:
        scores = dict(zip(docs, score(sample.question), strict=True))
        best = max(sample.documents, key=lambda doc: scores[doc])
        turns = [turn for page in ground.base.by_doc[best] for turn in page.turns]
        if turns and isinstance(plans.from_json(sample.plan), plans.Reply):
            ranked = scorer([turn.said for turn in turns[:-1]])(sample.question)
            right.append(turns[ranked.index(max(ranked)) + 1].line == sample.answer)
        else:
            right.append(executed(sample, ground, [best]))
    return right


def scorer(texts: Sequence[str]) -> Callable[[str], list[float]]:
    """Scores of all texts for a question, by BM25."""
    import bm25s  # with numpy, half of what it takes to start

    if not texts:
        return lambda _: []
    index = bm25s.BM25()
    index.index([terms(text) for text in texts], show_progress=False)

    def score(question: str) -> list[float]:
        asked = terms(question)
        return [float(one) for one in index.get_scores(asked)] if asked else [0.0] * len(texts)

    return score


def extractive(sample: Sample, ground: Ground) -> bool:
    """Whether what the policy without a model quotes holds the answer, however much else it holds."""
    reader = Reader(
        ExtractivePolicy(_CHUNK, _NOTES), settings=Settings.model_validate({"strategy": "sequential"})
    )
    corpus = Corpus(tuple(ground.documents[doc] for doc in sample.documents))
    said = asyncio.run(reader.aask(sample.question, corpus)).text
    wanted = listed(sample.question)[sample.answer] if sample.grader == "choice" else sample.answer
    return grade("cem", said, Gold((wanted, *sample.aliases))).contains == 1


def offered(plan: plans.Plan) -> list[str]:
    """What a question names for the answer to be chosen or ordered from."""
    match plan:
        case plans.Extreme() | plans.Order():
            return [one.name for one in plan.over if isinstance(one, plans.Entity)]
        case plans.Intervene():
            return offered(plan.then)
        case plans.Induce():
            return list(dict.fromkeys(label for _, label in plan.shots))
        case _:
            return []


def listed(question: str) -> dict[str, str]:
    """The options of a question by letter."""
    return {line[1]: line[4:] for line in question.splitlines()[1:]}


def _guess(sample: Sample, others: Counter[str]) -> str:
    if sample.grader == "choice":
        options = listed(sample.question)
        return max(options, key=lambda letter: (len(options[letter]), letter))
    named = offered(plans.from_json(sample.plan))
    if named:
        return "; ".join(named) if ";" in sample.answer else named[0]
    return max(others, key=lambda given: (others[given], given), default="")


def _count(samples: Sequence[Sample], right: Sequence[bool]) -> Trial:
    return Trial(len(samples), sum(right), sum(map(chance, samples)))


def chance(sample: Sample) -> float:
    """Of drawing the answer among those that the question offers."""
    if sample.grader == "choice":
        return 1 / OPTIONS
    named = len(offered(plans.from_json(sample.plan)))
    if not named:
        return 0.0
    return 1 / math.factorial(named) if ";" in sample.answer else 1 / named
