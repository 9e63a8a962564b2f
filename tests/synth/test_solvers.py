"""Solvers: what they get right is what they are able to, on a finished set and on questions made to be easy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from longread.synth import plans, solvers
from longread.synth.dataset import Made
from longread.synth.verify import Ground
from longread.types import Sample
from tests.synth import pages


@pytest.fixture(scope="module")
def ground() -> Ground:
    return pages.ground(pages.documents())


CAPITAL = "Government / Capital / name"


def trained() -> Ground:
    return pages.ground([one for one in pages.documents() if pages.split(one.source) == "train"])


def about(ground: Ground, plan: plans.Plan, answer: str, question: str = "?", grader: str = "cem") -> Sample:
    docs = tuple(list(ground.base.by_doc)[:8])
    return Sample("x", "reading", "comparison", question, answer, grader, docs, plan=plans.to_json(plan))


def test_the_executor_gets_a_finished_set_right_and_the_others_little(finished: list[Made], ground: Ground):
    train = [one.sample for one in finished if one.sample.split == "train"]
    tried = solvers.trials(train, trained())
    assert tried[solvers.EXECUTOR] == solvers.Trial(len(train), len(train), tried[solvers.EXECUTOR].chance)
    assert tried[solvers.CLOSED].right <= tried[solvers.CLOSED].chance + 0.1 * len(train)
    assert tried[solvers.BEST].right <= 0.2 * len(train)
    assert tried[solvers.EXTRACTIVE].tried == solvers.READ


def test_the_executor_is_wrong_where_the_answer_is(finished: list[Made]):
    ground = trained()
    sample = next(one.sample for one in finished if one.sample.split == "train")
    assert solvers.executed(sample, ground, sample.documents)
    assert not solvers.executed(replace(sample, answer="Nowhere"), ground, sample.documents)
    assert not solvers.executed(sample, ground, ())


def test_the_best_document_answers_what_stands_in_one(ground: Ground):
    page = ground.base.pages[3]
    plan = plans.Lookup(plans.Entity(page.name), CAPITAL, "text")
    asked = f"What is the capital of {page.name}?"
    easy = about(ground, plan, str(page.facts[CAPITAL].value), asked)
    assert solvers.best_document([easy, replace(easy, answer="Nowhere")], ground) == [True, False]


def test_closed_book_guesses_what_is_common_first_or_long(ground: Ground):
    one = plans.Lookup(plans.Entity("Alpha"), CAPITAL, "text")
    some = [about(ground, one, answer) for answer in ("Rome", "Rome", "Rome", "Oslo")]
    assert solvers.closed_book(some) == [True, True, True, False]
    over = (plans.Entity("Alpha"), plans.Entity("Beta"))
    most = plans.Extreme(over, "area", "most")
    assert solvers.closed_book([about(ground, most, "Alpha"), about(ground, most, "Beta")]) == [True, False]
    orders = plans.Order((*over, plans.Entity("Gamma")), "area", "quantity")
    tried = solvers.trials(
        [about(ground, most, "Alpha"), about(ground, orders, "Gamma; Alpha; Beta")], ground
    )
    assert tried[solvers.CLOSED].chance == pytest.approx(1 / 2 + 1 / 6)
    offered = "Which?\n(A) Rome\n(B) Ulaanbaatar\n(C) Oslo\n(D) Bern"
    assert solvers.closed_book([about(ground, one, "B", offered, "choice")]) == [True]


def test_the_policy_without_a_model_finds_what_is_asked_plainly(ground: Ground):
    page = ground.base.pages[3]
    capital = str(page.facts[CAPITAL].value)
    plan = plans.Lookup(plans.Entity(page.name), CAPITAL, "text")
    sample = about(ground, plan, capital, f"What is the capital of {page.name}?")
    assert solvers.extractive(sample, ground)
    assert not solvers.extractive(replace(sample, answer="Nowhere"), ground)
