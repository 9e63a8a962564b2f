"""What of a question must not change when it is worded anew, and when two plans ask the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from longread.grading.text import normalise
from longread.synth import plans
from longread.synth.facts.keyed import JOINT
from longread.synth.roles.prose import ORDERS
from longread.synth.wording import ENDINGS, FORMS, RANKS, question

_NUMBER = re.compile(
    rf"(?:(?<!\w)[-–−])?\d+(?:[.,]\d+)*(?:[ -](?:thousand|million|billion|trillion))?|\b(?:{'|'.join(RANKS)})\b",
    re.IGNORECASE,
)


def parted(asked: str) -> tuple[str, str]:
    """What is asked, and how the answer is to be written, which stays as it is."""
    ending = next((ending for ending in ENDINGS if asked.endswith(ending)), "")
    return asked.removesuffix(ending), ending


def slots(plan: plans.Plan) -> list[str]:
    """Names, values, numbers, ranks and innermost keys of a plan."""
    return list(dict.fromkeys(slot for part in plans.walk(plan) for slot in _slots(part) if slot))


def changed(asked: str, plan: plans.Plan) -> str | None:
    """The first slot that a wording lacks as a whole word, or number or order that the plan's own wordings have not.

    The longest slots come first, so that no other is found within them.
    """
    rest = asked
    for slot in sorted(slots(plan), key=len, reverse=True):
        rest, found = re.subn(rf"(?<!\w){re.escape(slot)}(?!\w)", " ", rest)
        if not found:
            return slot
    own = " ".join(_wordings(plan))
    return next(
        (
            new
            for kind in (_NUMBER, ORDERS)
            for new in kind.findall(asked)
            if new.lower() not in _said(kind, own)
        ),
        None,
    )


def ours(asked: str, plan: plans.Plan) -> bool:
    """Whether a question is one of our own wordings of a plan, of which some are for evaluation alone."""
    return normalise(asked) in map(normalise, _wordings(plan))


def alike(one: plans.Plan, other: plans.Plan) -> bool:
    """Whether two plans are the same, in whatever order they name what is summed, compared or ordered."""
    first, second = (_sorted(plans.PLAN.dump_python(plan, mode="json")) for plan in (one, other))
    return bool(first == second)


def _slots(part: plans.Plan) -> Iterator[str]:
    match part:
        case plans.Entity():
            yield part.name
        case plans.Find():
            yield part.value
        case plans.Aggregate():
            yield part.above
        case plans.Intervene():
            yield from (part.name, part.factor)
        case plans.Reply():
            yield from (part.opening, part.speaker, *part.words, RANKS[part.number - 1])
        case _:
            pass
    yield getattr(part, "relation", "").rpartition(JOINT)[2].strip()


def _wordings(plan: plans.Plan) -> list[str]:
    return [question(plan, form) for form in range(FORMS)]


def _said(kind: re.Pattern[str], text: str) -> set[str]:
    return {found.lower() for found in kind.findall(text)}


def _sorted(tree: Any) -> Any:
    """The JSON of a plan with the parts of symmetric steps in one order."""
    if isinstance(tree, list):
        return [_sorted(part) for part in tree]
    if not isinstance(tree, dict):
        return tree
    node = {name: _sorted(part) for name, part in tree.items()}
    if node["op"] in ("extreme", "order"):
        node["over"] = sorted(node["over"], key=repr)
    if node["op"] == "elapsed" or (node.get("how") in ("sum", "difference") and "left" in node):
        node["left"], node["right"] = sorted((node["left"], node["right"]), key=repr)
    return node
