"""From an outcome to a result: the rule's score, the judge's, and their maximum, each kept apart."""

from __future__ import annotations

from typing import NamedTuple

from longread.errors import ModelError
from longread.evals.benchmarks.base import Benchmark, Item
from longread.evals.judging import Bench, Judgement
from longread.evals.results import Result
from longread.evals.sitting import Outcome
from longread.grading import Graded, grade


class Scored(NamedTuple):
    """A result, and what the judge was asked and said."""

    result: Result
    judgement: Judgement | None


async def score(
    benchmark: Benchmark, item: Item, epoch: int, outcome: Outcome, bench: Bench | None
) -> Scored:
    """The result of an outcome. Without a judge, the rule alone counts.

    A judge that fails where the rule did not already decide is a failure of the item.
    """
    graded = Graded(0.0, 0.0, None)
    judgement, failure = None, outcome.failure
    if failure is None:
        graded = grade(benchmark.grader, outcome.response, outcome.gold)
    if failure is None and bench is not None:
        try:
            judgement = await bench.judge(benchmark, item, outcome, graded)
        except ModelError as error:
            if graded.score < 1 or benchmark.judged_alone:
                failure = f"the judge failed: {error}"
    judge = None if judgement is None or judgement.verdict is None else float(judgement.verdict)
    if failure is not None:
        total = 0.0
    elif benchmark.judged_alone and bench is not None:
        total = judge or 0.0
    else:
        total = max(graded.score, judge or 0.0)
    result = Result(
        id=item.id,
        epoch=epoch,
        groups=item.groups,
        score=total,
        rule=graded.score,
        judge=judge,
        strict=graded.strict,
        contains=graded.contains if benchmark.grader == "longbook" else None,
        failure=failure,
        twin=item.twin,
        found=outcome.found,
        cited=outcome.cited,
        calls=outcome.calls,
        critical=outcome.critical,
        input_tokens=outcome.input_tokens,
        output_tokens=outcome.output_tokens,
        seconds=outcome.seconds,
        answer=graded.answer,
        golds=outcome.gold.answers,
    )
    return Scored(result, judgement)
