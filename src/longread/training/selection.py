"""Which questions are worth a stage: each is attempted with the model it begins with, and drawn by its successes."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from longread.errors import InputError
from longread.training.records import Trajectory
from longread.training.rollouts import Case
from longread.training.sampling import equal_draw, retrospective
from longread.training.stage import Reinforcement, Select

Attempt = Callable[[Sequence[Case], int], Awaitable[Sequence[Trajectory]]]
"""Attempts at each of some questions, `k` times; the number tells the batches apart."""
PASSED = "passed.json"
_RIGHT = 0.5
"""Reward from which an attempt passes: rules give 0 or 1, MRCR a ratio."""


async def select(
    settings: Select,
    stage: Reinforcement,
    cases: Sequence[Case],
    attempt: Attempt,
    folder: Path,
) -> list[Case]:
    """The cases that are drawn. Attempts are kept in `folder`, so that a resumed run makes none again."""
    kept = folder / PASSED
    passed: dict[str, int] = json.loads(kept.read_text("utf-8")) if kept.is_file() else {}
    left = [case for case in cases if case.sample.id not in passed]
    for start in range(0, len(left), stage.questions):
        some = left[start : start + stage.questions]
        tried = await attempt(some, -1 - start // stage.questions)
        for number, case in enumerate(some):
            passed[case.sample.id] = sum(one.reward >= _RIGHT for one in tried if one.question == number)
        part = kept.with_name(kept.name + ".part")
        part.write_text(json.dumps(passed), "utf-8")
        part.replace(kept)
    solved = [passed[case.sample.id] for case in cases]
    if settings.draw == "hard":
        count = max(1, round(settings.keep * len(cases)))
        chosen = retrospective(cases, solved, settings.k, count, stage.seed)
    else:
        rates = [one / settings.k for one in solved]
        chosen = equal_draw(cases, rates, settings.bins, lambda case: case.sample.source, stage.seed)
    if not chosen:
        raise InputError(
            f"of {len(cases):,} questions none is left to draw: the model solves all or none of each; "
            "take other data, or leave `select` out"
        )
    return chosen
