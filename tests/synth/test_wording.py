"""Questions: every plan in eight forms, two of which training never sees."""

from __future__ import annotations

import pytest

from longread.synth import plans
from longread.synth.dataset import Made
from longread.synth.plans import (
    Aggregate,
    Combine,
    Elapsed,
    Entity,
    Extreme,
    Find,
    Follow,
    Intervene,
    Lookup,
    Order,
)
from longread.synth.wording import FORMS, HELD_OUT, question, relation

A, B, C = Entity("Alpha"), Entity("Beta"), Entity("Gamma")
_AREA = Lookup(A, "Geography / Area", "quantity")
_OTHER = Lookup(Find("Capital", "Beeton"), "Geography / Area", "quantity")
_KINDS: list[plans.Plan] = [
    A,
    Find("Capital", "Beeton"),
    Follow(A, "Land boundaries / border countries", "least"),
    Extreme((A, B, C), "Geography / Area", "most"),
    _AREA,
    Combine(_AREA, _OTHER, "difference"),
    Combine(_AREA, _OTHER, "ratio"),
    Aggregate("Geography / Area", "count", "12.5"),
    Aggregate("Geography / Area", "mean"),
    Aggregate("Geography / Area", "most"),
    Elapsed(Lookup(A, "Independence", "date"), Lookup(B, "Independence", "date")),
    Order((A, B, C), "Geography / Area", "quantity"),
    Order((A, B, C), "Independence", "date"),
    Intervene("Alpha", "Geography / Area", "0.5", Extreme((A, B), "Geography / Area", "least")),
    Intervene("Alpha", "Geography / Area", "2", Combine(_AREA, _OTHER, "sum")),
]


@pytest.mark.parametrize("plan", _KINDS, ids=lambda plan: plan.op)
def test_all_forms_differ_and_say_what_is_asked(plan: plans.Plan):
    said = [question(plan, form) for form in range(FORMS)]
    assert len(set(said)) == FORMS == 8
    for one in said:
        assert "{" not in one and "}" not in one and "  " not in one
        assert one[-1] in ".?" and one[0].isupper()
        for part in plans.walk(plan):
            if isinstance(part, Entity):
                assert part.name in one
            if isinstance(part, Find):
                assert part.value in one
            if path := getattr(part, "relation", ""):
                assert relation(str(path)) in one


def test_forms_of_different_plans_differ():
    said = [question(plan, form) for plan in _KINDS for form in range(FORMS)]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (Follow(A, "x", "most"), Follow(A, "x", "least")),
        (Extreme((A, B), "x", "most"), Extreme((A, B), "x", "least")),
        (Extreme((A, B), "x", "most"), Extreme((A, B, C), "x", "most")),
        (Combine(_AREA, _OTHER, "sum"), Combine(_AREA, _OTHER, "difference")),
        (Combine(_AREA, _OTHER, "ratio"), Combine(_OTHER, _AREA, "ratio")),
        (Aggregate("x", "most"), Aggregate("x", "least")),
        (Aggregate("x", "count", "1"), Aggregate("x", "count", "2")),
        (Order((A, B), "x", "quantity"), Order((A, B), "x", "date")),
        (Order((A, B), "x", "date"), Order((A, B), "y", "date")),
    ],
)
def test_what_changes_the_answer_changes_the_words(left: plans.Plan, right: plans.Plan):
    for form in range(FORMS):
        assert question(left, form) != question(right, form)


def test_rounding_is_said_where_answers_are_rounded_and_nowhere_else():
    for plan in _KINDS:
        for form in range(FORMS):
            assert question(plan, form).endswith("Round to two decimals.") == plans.quotient(plan)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("Capital", '"Capital"'),
        ("Geography / Area", '"Area" (under "Geography")'),
        ("World / Geography / Area", '"Area" (under "World / Geography")'),
    ],
)
def test_relations_are_named_by_all_their_keys(path: str, said: str):
    assert relation(path) == said


@pytest.mark.parametrize(
    ("left", "right"), [("Land / Area / total", "Sea / Area / total"), ("Area / total area", "total area")]
)
def test_two_relations_have_two_names(left: str, right: str):
    assert relation(left) != relation(right)


def test_held_out_forms_are_for_evaluation_alone(finished: list[Made]):
    assert {one.sample.split for one in finished} == {"train", "evaluation"}
    for sample, _ in finished:
        plan, asked = plans.from_json(sample.plan), sample.question.partition("\n")[0]
        forms = [form for form in range(FORMS) if question(plan, form) == asked]
        assert len(forms) == 1
        assert (forms[0] in HELD_OUT) == (sample.split == "evaluation")


def test_chains_are_told_step_by_step_and_not_nested():
    plan = Lookup(
        Follow(Follow(Find("Capital", "Beeton"), "Borders", "least"), "Exports", "most"), "Area", "text"
    )
    assert question(plan, 0) == (
        'Begin with the one whose "Capital" is "Beeton". Among its "Borders", take the one with the smallest figure. '
        'Among the "Exports" of that one, take the one with the largest figure. '
        'What is the "Area" of the one taken last?'
    )
    short = Lookup(Follow(A, "Borders", "least"), "Area", "text")
    assert (
        question(short, 0)
        == 'What is the "Area" of the one with the smallest figure among the "Borders" of Alpha?'
    )


def test_names_that_could_be_taken_for_two_stand_between_semicolons():
    over = (Entity("Bosnia and Hum"), Entity("Trinia"), Entity("Peru"))
    assert question(Order(over, "Area", "quantity"), 0).startswith(
        "Put Bosnia and Hum; Trinia; and Peru in order"
    )
    assert question(Order((A, B, C), "Area", "quantity"), 0).startswith("Put Alpha, Beta and Gamma in order")
