"""Options of multiple choice: the answer among three others that stand in the same column."""

from __future__ import annotations

import random

from longread.synth import plans
from longread.synth.base import Base
from longread.synth.values import plain

OPTIONS = 4


def options(plan: plans.Plan, derived: str, base: Base, seed: int) -> tuple[str, ...] | None:
    """Four options in an order drawn by `seed`; None when the column has too few others."""
    if not isinstance(plan, plans.Lookup):
        return None
    column = {plain(page.facts[plan.relation].value) for page in base.pages if plan.relation in page.facts}
    others = sorted(value for value in column if value != derived and len(value) <= 2 * max(20, len(derived)))
    if len(others) < OPTIONS - 1:
        return None
    rng = random.Random(f"options:{seed}:{plans.to_json(plan)}")  # noqa: S311
    offered = [*rng.sample(others, OPTIONS - 1), derived]
    rng.shuffle(offered)
    return tuple(offered)
