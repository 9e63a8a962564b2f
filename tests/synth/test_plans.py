"""Plans are stored as JSON, and two interpreters give the same for each."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from functools import cache

import pytest
from pydantic import ValidationError

from longread.synth import plans
from longread.synth.answers import Result, answer, rounded, same
from longread.synth.base import Base
from longread.synth.options import options
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
    Plan,
)
from longread.synth.proof import Proof, UnderivableError
from longread.synth.propose import PROPOSERS, Topics
from longread.synth.sql import Tables, compile_plan
from longread.synth.types import TYPES, grader, numeric
from longread.synth.verify import Ground, verify
from longread.synth.wording import question
from longread.types import Sample
from tests.synth.pages import RECORDS, base, base_of, document, documents, ground


@cache
def small() -> Base:
    return base(
        Alpha={
            "area": "100 sq km",
            "people": "1,000 (2023 est.)",
            "founded": "29 February 1960",
            "capital": "Ayton",
            "faith": "Sun",
            "borders": "Beta 10 km; Gamma 30 km",
        },
        Beta={
            "area": "250.5 sq km",
            "founded": "28 February 1970 (by treaty)",
            "capital": 'Beeton\'s "Gate"',
            "faith": "Sun",
            "borders": "Alpha 10 km; Gamma 5 km; Delta 7 km",
            "trade": "Gamma 60%, Alpha 20% (2022)",
        },
        Gamma={
            "area": "40 sq km",
            "founded": "1 March 1980",
            "capital": "Ceeton",
            "borders": "Alpha 30 km; Beta 5 km",
            "weight": "0 kg",
        },
        Delta={
            "area": "40 sq km",
            "founded": "3 May 2001",
            "capital": "Deeton",
            "weight": "5 kg",
            "borders": "Beta 7 km; Nowhere 8 km",
            "people": "unknown",
        },
    )


def both(plan: Plan, *names: str) -> tuple[Result | None, Result | None, tuple[str, ...]]:
    """What each interpreter gives over the pages of these names or all, and the evidence as it stands."""
    known = small()
    docs = [page.doc for page in known.pages if not names or page.name in names]
    proof = Proof(known.within(docs))
    try:
        first: Result | None = proof.execute(plan)
    except UnderivableError:
        first = None
    values = {(fact.doc, fact.start): fact.value for page in known.pages for fact in page.facts.values()}
    quotes = tuple(values[piece.doc, piece.start] for piece in proof.evidence)
    return first, Tables(known).execute(plan, docs), quotes


A, B, C, D = (Entity(name) for name in ("Alpha", "Beta", "Gamma", "Delta"))


def area(one: plans.One) -> Lookup:
    return Lookup(one, "area", "quantity")


def founded(one: plans.One) -> Lookup:
    return Lookup(one, "founded", "date")


_WORKED: list[tuple[Plan, str, tuple[str, ...]]] = [
    (A, "Alpha", ()),
    (Find("capital", "Ceeton"), "Gamma", ("Ceeton",)),
    (Find("capital", "Beeton's \"Gate\""), "Beta", ("Beeton's \"Gate\"",)),
    (Follow(A, "borders", "most"), "Gamma", ("Beta 10 km; Gamma 30 km",)),
    (Follow(A, "borders", "least"), "Beta", ("Beta 10 km; Gamma 30 km",)),
    (Follow(D, "borders", "most"), "Nowhere", ("Beta 7 km; Nowhere 8 km",)),
    (Follow(B, "trade", "least"), "Alpha", ("Gamma 60%, Alpha 20% (2022)",)),
    (
        Follow(Follow(Find("capital", "Ayton"), "borders", "most"), "borders", "least"),
        "Beta",
        ("Ayton", "Beta 10 km; Gamma 30 km", "Alpha 30 km; Beta 5 km"),
    ),
    (Extreme((A, B, C), "area", "most"), "Beta", ("100 sq km", "250.5 sq km", "40 sq km")),
    (Extreme((A, B, C), "area", "least"), "Gamma", ("100 sq km", "250.5 sq km", "40 sq km")),
    (
        Extreme((A, Follow(D, "borders", "least")), "area", "most"),
        "Beta",
        ("Beta 7 km; Nowhere 8 km", "100 sq km", "250.5 sq km"),
    ),
    (Lookup(C, "area", "quantity"), "40", ("40 sq km",)),
    (Lookup(B, "area", "quantity"), "250.5", ("250.5 sq km",)),
    (Lookup(A, "people", "quantity"), "1000", ("1,000 (2023 est.)",)),
    (Lookup(A, "people", "text"), "1,000 (2023 est.)", ("1,000 (2023 est.)",)),
    (Lookup(B, "founded", "date"), "28 February 1970 (by treaty)", ("28 February 1970 (by treaty)",)),
    (Lookup(Follow(A, "borders", "most"), "capital", "text"), "Ceeton", ("Beta 10 km; Gamma 30 km", "Ceeton")),
    (Combine(area(A), area(B), "difference"), "150.5", ("100 sq km", "250.5 sq km")),
    (Combine(area(A), area(B), "sum"), "350.5", ("100 sq km", "250.5 sq km")),
    (Combine(area(A), area(C), "ratio"), "2.5", ("100 sq km", "40 sq km")),
    (Combine(area(C), area(B), "ratio"), "0.16", ("40 sq km", "250.5 sq km")),
    (Combine(area(A), area(A), "difference"), "0", ("100 sq km",)),
    (Aggregate("area", "count"), "4", ("100 sq km", "250.5 sq km", "40 sq km", "40 sq km")),
    (Aggregate("area", "count", "40"), "2", ("100 sq km", "250.5 sq km", "40 sq km", "40 sq km")),
    (Aggregate("area", "count", "250.5"), "0", ("100 sq km", "250.5 sq km", "40 sq km", "40 sq km")),
    (Aggregate("area", "sum"), "430.5", ("100 sq km", "250.5 sq km", "40 sq km", "40 sq km")),
    (Aggregate("area", "mean"), "107.62", ("100 sq km", "250.5 sq km", "40 sq km", "40 sq km")),
    (Aggregate("area", "most"), "", ()),
    (Aggregate("weight", "most"), "Delta", ("0 kg", "5 kg")),
    (Aggregate("weight", "least"), "Gamma", ("0 kg", "5 kg")),
    (Elapsed(founded(B), founded(C)), "10", ("28 February 1970 (by treaty)", "1 March 1980")),
    (Elapsed(founded(D), founded(C)), "21", ("3 May 2001", "1 March 1980")),
    (Elapsed(founded(D), founded(B)), "31", ("3 May 2001", "28 February 1970 (by treaty)")),
    (Elapsed(founded(A), founded(C)), "20", ("29 February 1960", "1 March 1980")),
    (Order((A, B, C), "area", "quantity"), "Beta; Alpha; Gamma", ("100 sq km", "250.5 sq km", "40 sq km")),
    (Order((D, A, C), "founded", "date"), "Alpha; Gamma; Delta", ("3 May 2001", "29 February 1960", "1 March 1980")),
    (Intervene("Alpha", "area", "3", Extreme((A, B), "area", "most")), "Alpha", ("100 sq km", "250.5 sq km")),
    (Intervene("Alpha", "area", "0.1", Extreme((A, C), "area", "least")), "Alpha", ("100 sq km", "40 sq km")),
    (Intervene("Beta", "area", "0.1", Combine(area(A), area(B), "sum")), "125.05", ("250.5 sq km", "100 sq km")),
    (Intervene("Alpha", "area", "5", Combine(area(A), area(C), "ratio")), "12.5", ("100 sq km", "40 sq km")),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "wanted", "quotes"), _WORKED, ids=lambda one: getattr(one, "op", ""))
def test_each_plan_gives_what_a_reader_works_out(plan: Plan, wanted: str, quotes: tuple[str, ...]):
    first, second, read = both(plan)
    if not wanted:
        assert first is None and second is None
        return
    assert first is not None and answer(first) == wanted
    assert read == quotes
    assert same(first, second, plans.quotient(plan))


def test_only_the_given_documents_count():
    assert both(Aggregate("area", "sum"), "Alpha", "Beta")[:2] == (Decimal("350.5"), Decimal("350.5"))
    assert both(Aggregate("area", "most"), "Alpha", "Beta")[:2] == ("Beta", "Beta")
    assert both(Aggregate("area", "most"), "Alpha")[:2] == (None, None)
    assert both(Lookup(A, "area", "quantity"), "Beta")[:2] == (None, None)


def test_counts_and_extremes_over_all_are_covered_and_sums_require():
    known = small()
    for how, role in (("count", "coverage"), ("sum", "required"), ("mean", "required")):
        proof = Proof(known)
        proof.execute(Aggregate("area", how))  # type: ignore[arg-type]
        assert {piece.role for piece in proof.evidence} == {role}
    proof = Proof(known)
    proof.execute(Aggregate("weight", "least"))
    assert {piece.role for piece in proof.evidence} == {"coverage"}


_UNDERIVABLE: list[Plan] = [
    Find("capital", "Nowhere"),
    Find("faith", "Sun"),
    Follow(A, "area", "most"),
    Follow(A, "trade", "most"),
    Follow(Follow(D, "borders", "most"), "borders", "most"),
    Lookup(Entity("Nobody"), "area", "quantity"),
    Lookup(A, "weight", "quantity"),
    Lookup(D, "people", "quantity"),
    Lookup(A, "capital", "quantity"),
    Extreme((A, Entity("Nobody")), "area", "most"),
    Extreme((A, C, D), "area", "most"),
    Extreme((A, A), "area", "most"),
    Extreme((A, C), "weight", "most"),
    Combine(area(A), Lookup(A, "people", "quantity"), "sum"),
    Combine(Lookup(D, "weight", "quantity"), Lookup(C, "weight", "quantity"), "ratio"),
    Aggregate("nothing", "count"),
    Aggregate("area", "least"),
    Aggregate("people", "most"),
    Order((A, C, D), "area", "quantity"),
    Order((A, Entity("Nobody")), "area", "quantity"),
    Order((A, C), "capital", "date"),
    Intervene("Alpha", "area", "2.505", Extreme((A, B), "area", "most")),
]


@pytest.mark.parametrize("plan", _UNDERIVABLE, ids=lambda plan: plan.op)
def test_what_cannot_be_derived_is_nothing_in_both(plan: Plan):
    assert both(plan)[:2] == (None, None)


_ODD: list[Plan] = [
    Lookup(Find("faith", "Sun"), "area", "quantity"),
    Order((A, A), "area", "quantity"),
    Entity("Nobody"),
    Extreme((A,), "area", "most"),
    Elapsed(founded(A), Lookup(B, "capital", "date")),
    Elapsed(founded(A), founded(Entity("Nobody"))),
    Elapsed(founded(A), founded(B)),  # 29 February 1960 to 28 February 1970
]


@pytest.mark.parametrize("plan", _ODD, ids=lambda plan: plan.op)
def test_the_interpreters_agree_on_odd_plans(plan: Plan):
    first, second, _ = both(plan)
    assert first == second


@pytest.mark.parametrize("value", ["1" + "0" * 30 + " km", "0.0000000001 km", "\ud800"])
def test_any_value_can_be_put_into_tables(value: str):
    known = base(Alpha={"see": "Beta", "x": value}, Beta={"see": "Alpha", "x": "1 km"})
    assert Tables(known).execute(Entity("Alpha"), [known.pages[0].doc]) == "Alpha"


@pytest.mark.parametrize("type_", RECORDS)
def test_both_interpreters_agree_on_what_is_proposed(type_: str):
    known = base_of(documents(3, 24, 0))
    topics, tables = Topics(known), Tables(known)
    derived = proposed = 0
    for number in range(60):
        rng = random.Random(f"{type_}:{number}")
        plan = PROPOSERS[type_](rng, topics)
        if plan is None:
            continue
        proposed += 1
        assert plans.from_json(plans.to_json(plan)) == plan
        docs = rng.sample([page.doc for page in known.pages], rng.choice((24, 24, 12)))
        proof = Proof(known.within(docs))
        try:
            first = proof.execute(plan)
        except UnderivableError:
            if not isinstance(plan, Elapsed):  # of which one date may be missing: see above
                assert tables.execute(plan, docs) is None
            continue
        derived += 1
        assert same(first, tables.execute(plan, docs), plans.quotient(plan)), plan
        assert isinstance(first, Decimal) == numeric(plan)
        assert {piece.doc for piece in proof.evidence} <= set(docs)
    assert proposed >= 40 and derived >= 15


def test_proposals_are_those_of_their_seed_and_type():
    topics = Topics(base_of(documents(3, 24, 0)))
    for type_ in RECORDS:
        propose = PROPOSERS[type_]
        for number in range(10):
            assert propose(random.Random(number), topics) == propose(random.Random(number), topics)
        kinds = {type(plan) for number in range(40) if (plan := propose(random.Random(number), topics))}
        expected = {
            "multi_fact": {Lookup},
            "comparison": {Extreme},
            "numerical": {Combine},
            "aggregation": {Aggregate},
            "temporal": {Elapsed},
            "ordering": {Order},
            "hypothetical": {Intervene},
            "multiple_choice": {Lookup},
        }
        assert kinds == expected[type_]
    assert PROPOSERS.keys() == TYPES.keys()


def test_topics_leave_out_what_few_pages_have_and_figures():
    topics = Topics(base_of(documents(3, 24, 0)))
    assert "Geography / Area / land" in topics.quantities and "Economy / GDP" in topics.quantities
    assert set(topics.dates) == {"Government / Independence"}
    assert "Government / Capital / name" in topics.texts
    assert "Introduction / Background" not in topics.texts
    assert "Government / Country name / conventional short form" not in topics.texts
    few = Topics(base_of(documents(3, 8, 0)))
    assert not few.quantities and not few.texts and not few.dates


@pytest.mark.parametrize(
    "text",
    ["", "{}", "nothing", '{"op": "entity"}', '{"op": "other", "name": "x"}', '{"op": "find", "relation": "x"}',
     '{"op": "follow", "of": {"op": "aggregate", "relation": "x", "how": "sum"}, "relation": "x", "pick": "most"}',
     '{"op": "extreme", "over": [], "relation": "x", "pick": "biggest"}'],
)  # fmt: skip
def test_what_is_no_plan_is_refused(text: str):
    with pytest.raises(ValidationError):
        plans.from_json(text)


@pytest.mark.parametrize("plan", [plan for plan, _, _ in _WORKED] + _UNDERIVABLE, ids=lambda plan: plan.op)
def test_plans_survive_json(plan: Plan):
    assert plans.from_json(plans.to_json(plan)) == plan
    assert next(plans.walk(plan)) == plan


def test_hops_count_facts_in_a_row():
    assert plans.hops(A) == 0
    assert plans.hops(Find("capital", "Ayton")) == 1
    assert plans.hops(Lookup(Follow(Find("capital", "Ayton"), "borders", "most"), "area", "quantity")) == 3
    assert plans.hops(Combine(area(A), area(Follow(A, "borders", "most")), "sum")) == 2
    assert plans.hops(Intervene("Alpha", "area", "2", Extreme((A, B), "area", "most"))) == 1
    assert plans.hops(Elapsed(founded(A), founded(Find("capital", "Ceeton")))) == 2
    assert plans.hops(Aggregate("area", "sum")) == plans.hops(Order((A, B), "area", "quantity")) == 1


def test_walking_meets_every_part():
    deep = Intervene(
        "Alpha",
        "area",
        "2",
        Combine(area(A), area(Follow(Extreme((B, C), "area", "most"), "x", "most")), "sum"),
    )
    assert [part.op for part in plans.walk(deep)] == [
        "intervene", "combine", "lookup", "entity", "lookup", "follow", "extreme", "entity", "entity",
    ]  # fmt: skip


def test_graders_follow_from_the_kind_of_answer():
    ratio = Intervene("Alpha", "area", "2", Combine(area(A), area(B), "ratio"))
    assert plans.quotient(ratio) and plans.quotient(Aggregate("area", "mean"))
    assert not plans.quotient(Aggregate("area", "sum")) and not plans.quotient(A)
    assert grader("hypothetical", ratio) == grader("aggregation", Aggregate("area", "count")) == "docmath"
    assert (
        grader("aggregation", Aggregate("area", "most"))
        == grader("ordering", Order((A, B), "area", "date"))
        == "cem"
    )
    assert grader("multiple_choice", Lookup(A, "area", "quantity")) == "choice"


def test_quotients_round_half_to_even_and_agree_up_to_the_last_place():
    assert [str(rounded(Decimal(n))) for n in ("0.125", "0.135", "2", "-0.005")] == [
        "0.12",
        "0.14",
        "2.00",
        "-0.00",
    ]
    assert same(Decimal("2.50"), Decimal("2.51"), True)
    assert not same(Decimal("2.50"), Decimal("2.51"), False)
    assert not same(Decimal("2.50"), Decimal("2.52"), True)
    assert same(Decimal("2.50"), Decimal("2.5"), False)
    assert not same(None, None, True) and not same("x", None, False) and same("x", "x", False)


def test_options_are_others_of_the_column_with_the_answer():
    known = base_of(documents(3, 24, 0))
    page = known.pages[0]
    plan = Lookup(Entity(page.name), "Government / Capital / name", "text")
    right = page.facts["Government / Capital / name"].value
    column = {one.facts["Government / Capital / name"].value for one in known.pages}
    places = set()
    for seed in range(40):
        offered = options(plan, right, known, seed)
        assert offered is not None and len(set(offered)) == 4 and right in offered and set(offered) <= column
        assert offered == options(plan, right, known, seed)
        places.add(offered.index(right))
    assert places == {0, 1, 2, 3}
    assert options(Entity(page.name), right, known, 0) is None
    assert options(plan, right, known.within([page.doc]), 0) is None


def test_an_aggregate_over_two_figures_is_no_question():
    known = pages_of_three()
    for number, fault in ((3, ""), (2, "it is asked over fewer than 3 figures")):
        docs = tuple(page.doc for page in known.base.pages[:number])
        proof = Proof(known.base.within(docs))
        plan = Aggregate("area", "sum")
        given = answer(proof.execute(plan))
        sample = Sample(
            "x", "numerical", "aggregation", question(plan, 0), given, "docmath", docs,
            evidence=proof.evidence, plan=plans.to_json(plan), split="train",
        )  # fmt: skip
        assert [check.fault for check in verify(sample, known) if not check.passed] == [fault] * bool(fault)


def pages_of_three() -> Ground:
    given = [
        document(
            json.dumps({"name": name, "area": f"{area} sq km", "near": "Alpha; Beta; Gamma"}), f"{name}.json"
        )
        for name, area in (("Alpha", 10), ("Beta", 20), ("Gamma", 35))
    ]
    return ground(given)


def test_a_query_is_no_longer_for_many_rows():
    rows = {
        f"Name{chr(65 + n % 26)}{'x' * (n // 26)}": {"see": "NameA", "Area": f"{n} km"} for n in range(200)
    }
    known = base(**rows)
    assert len(compile_plan(Aggregate("Area", "sum"))) < 2_000
    docs = [page.doc for page in known.pages]
    for some in (docs, docs[:7], [*docs[:7], "absent"], docs[7:]):
        total = sum(page.quantities["Area"].number for page in known.within(some).pages)
        assert Tables(known).execute(Aggregate("Area", "sum"), some) == total
    tables = Tables(known)
    assert [tables.execute(Aggregate("Area", "count"), docs[:n]) for n in (5, 9, 5, 0)] == [5, 9, 5, None]
