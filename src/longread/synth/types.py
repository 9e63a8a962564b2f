"""The types of questions: which task of training each belongs to, and how its answers are graded."""

from __future__ import annotations

from typing import NamedTuple

from longread.synth import plans


class Type(NamedTuple):
    """A type of question."""

    task: str
    """What training balances."""
    kind: str = "record"
    """Of the pages it asks about."""
    weight: int = 1
    """Its share of a data set's samples, beside those of the others."""


VIEWPOINT = "viewpoint"
"""The type, and the kind of pages, that there is only with a model."""
TYPES = {
    "multi_fact": Type("multi_hop", weight=3),
    "comparison": Type("reading"),
    "numerical": Type("numerical"),
    "aggregation": Type("numerical"),
    "temporal": Type("numerical"),
    "ordering": Type("reading"),
    "hypothetical": Type("reading"),
    "causal": Type("reading"),
    "in_context": Type("reading"),
    "multiple_choice": Type("multiple_choice"),
    "code": Type("multi_hop", "code"),
    "dialogue": Type("dialogue", "dialogue"),
    VIEWPOINT: Type("reading", VIEWPOINT),
}


def grader(type_: str, plan: plans.Plan) -> str:
    """The name of the grader, in `longread.grading`, of answers to a plan."""
    if type_ == "multiple_choice":
        return "choice"
    return "docmath" if numeric(plan) else "cem"


def numeric(plan: plans.Plan) -> bool:
    """Whether the answer is a number."""
    match plan:
        case plans.Combine() | plans.Elapsed():
            return True
        case plans.Aggregate():
            return plan.how in ("count", "sum", "mean")
        case plans.Lookup():
            return plan.says == "quantity"
        case plans.Intervene():
            return numeric(plan.then)
        case _:
            return False
