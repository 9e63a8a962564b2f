"""Labels by a rule that only examples show: what they leave open or what fits another rule is not asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from longread.synth import dataset, plans
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.proof import Proof, UnderivableError
from longread.synth.rules import decided, rivals
from longread.synth.sql import Tables
from longread.synth.verify import verify
from longread.synth.wording import question
from tests.synth import pages
from tests.synth.pages import base, documents

HEIGHTS = {"Alpha": 10, "Beta": 20, "Gamma": 30, "Delta": 40, "Omega": 50, "Sigma": 60}
SHOTS = (("Alpha", "bada"), ("Beta", "bada"), ("Omega", "kiki"), ("Delta", "kiki"))


def known(**more: dict[str, str]) -> pages.Base:
    towns = {
        name: {"height": f"{height} m", "near": "Alpha; Beta; Gamma"} | more.get(name, {})
        for name, height in HEIGHTS.items()
    }
    return base(**towns)


def asked(name: str, shots: tuple[tuple[str, str], ...] = SHOTS, above: str = "20") -> plans.Induce:
    return plans.Induce(name, "height", above, ("bada", "kiki"), shots)


@pytest.mark.parametrize(
    ("plan", "label"),
    [
        (asked("Sigma"), "kiki"),
        (asked("Gamma"), "kiki"),
        (asked("Gamma", above="30"), "bada"),
        (asked("Sigma", (*SHOTS, ("Gamma", "kiki"))), "kiki"),
        (asked("Sigma", (*SHOTS, ("Gamma", "bada"))), None),
        (asked("Sigma", (("Alpha", "kiki"), ("Beta", "bada"))), None),
        (asked("Nowhere"), None),
        (asked("Sigma", (*SHOTS, ("Nowhere", "kiki"))), None),
    ],
)
def test_both_interpreters_apply_the_rule_and_check_the_examples(plan: plans.Induce, label: str | None):
    given = known()
    docs = [page.doc for page in given.pages]
    assert Tables(given).execute(plan, docs) == label
    if label is None:
        with pytest.raises(UnderivableError):
            Proof(given).execute(plan)
    else:
        assert Proof(given).execute(plan) == label


def test_units_that_differ_give_nothing():
    given = known(Beta={"height": "20 km"})
    assert Tables(given).execute(asked("Sigma"), [page.doc for page in given.pages]) is None
    with pytest.raises(UnderivableError, match="several units"):
        Proof(given).execute(asked("Sigma"))


def test_what_lies_between_the_examples_is_open():
    assert decided(asked("Gamma"), known(), "height") == ""
    assert decided(asked("Sigma"), known(), "height") == "kiki"
    assert decided(asked("Sigma", above="45"), known(), "near") is None


def test_another_figure_that_sorts_the_examples_is_a_rival_if_it_decides_otherwise():
    depths = {"Alpha": 9, "Beta": 8, "Omega": 2, "Delta": 1, "Gamma": 5}
    for sigma, found in ((3, ["depth"]), (7, ["depth"]), (9, ["depth"]), (1, [])):
        more = {name: {"depth": f"{depth} m"} for name, depth in (depths | {"Sigma": sigma}).items()}
        assert rivals(asked("Sigma"), known(**more), "kiki") == found
    assert rivals(asked("Sigma"), known(), "kiki") == []


def test_rules_are_asked_for_and_proved(tmp_path: Path):
    out = run(documents(), Recipe(20, (16_384,), 1, ("in_context",)), tmp_path / "out")
    made = [one.sample for shard in dataset.shards(out) for one in dataset.read_samples(shard)]
    assert len(made) >= 10
    for one in made:
        plan = plans.from_json(one.plan)
        assert isinstance(plan, plans.Induce) and one.answer in plan.labels
        assert all(f"{name} → {label}" in one.question for name, label in plan.shots)
    assert not [faults for _, faults in prove(out) if faults]


@pytest.mark.parametrize("most", [1, 2])
def test_a_sample_whose_examples_leave_its_answer_open_is_not_proven(tmp_path: Path, most: int):
    out = run(documents(), Recipe(10, (16_384,), 1, ("in_context",)), tmp_path / "out")
    stored = [one for one, split in dataset.read_documents(out / dataset.DOCUMENTS) if split == "train"]
    ground = pages.ground(stored)
    (shard,) = dataset.shards(out)
    sample = next(one.sample for one in dataset.read_samples(shard) if one.sample.split == "train")
    plan = plans.from_json(sample.plan)
    assert isinstance(plan, plans.Induce)
    fewer = replace(plan, shots=tuple({label: (name, label) for name, label in plan.shots}.values())[:most])
    proof = Proof(ground.base.within(sample.documents))
    given = proof.execute(fewer)
    open_ = replace(
        sample,
        plan=plans.to_json(fewer),
        question=question(fewer, 0),
        answer=str(given),
        evidence=proof.evidence,
    )
    assert [check.name for check in verify(open_, ground) if not check.passed] == ["rule"]
