"""Whether labels show one rule only: no other figure may sort the same examples and decide otherwise.

The rules considered are those that the question speaks of: one figure, one label above a bound, another below.
"""

from __future__ import annotations

from longread.synth import plans
from longread.synth.base import Base


def decided(plan: plans.Induce, base: Base, relation: str) -> str | None:
    """The label that a rule on `relation` gives, `` where it leaves that open; None where it does not fit.

    Open is what lies between the examples of the two labels.
    """
    pages = [base.by_name.get(name) for name in (*dict(plan.shots), plan.name)]
    stated = [page.quantities.get(relation) if page else None for page in pages]
    numbers = [quantity.number for quantity in stated if quantity]
    if len(numbers) < len(stated) or len({quantity.unit for quantity in stated if quantity}) > 1:
        return None
    asked = numbers.pop()
    low, high = (
        [number for number, (_, given) in zip(numbers, plan.shots, strict=True) if given == label]
        for label in plan.labels
    )
    for below, above, (lower, upper) in ((low, high, plan.labels), (high, low, plan.labels[::-1])):
        if below and above and max(below) < min(above):
            return lower if asked <= max(below) else upper if asked >= min(above) else ""
    return None


def rivals(plan: plans.Induce, base: Base, answer: str) -> list[str]:
    """The relations that sort the examples as well and do not give `answer`."""
    relations = dict.fromkeys(relation for page in base.pages for relation in page.quantities)
    return [r for r in relations if decided(plan, base, r) not in (None, answer)]
