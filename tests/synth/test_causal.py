"""Why-questions, over pages that state a cause in a field of its own."""

from __future__ import annotations

import json
import random
from pathlib import Path

from longread.synth import dataset, plans
from longread.synth.make import Unit, compose
from longread.synth.pages import base_of as whole
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.propose import Topics, causal
from longread.synth.sql import Tables
from longread.synth.verify import Ground, verify
from longread.types import Document, Sample
from tests.synth.pages import base_of, document

_PARTS = ("pump", "valve", "seal", "sensor", "gear", "fuse", "hose", "belt")
_WHY = ("corroded", "was fitted backwards", "ran dry", "had been left open", "froze")


def _case(number: int) -> str:
    number %= len(_PARTS) * len(_WHY)
    return f"Case {chr(65 + number % 26)}{'abc'[number // 26]}olden"


def incidents(field: str = "Root cause") -> list[Document]:
    """Forty reports of incidents, each with its cause."""
    rng = random.Random(0)
    causes = [f"The {part} {why}" for part in _PARTS for why in _WHY]
    rng.shuffle(causes)
    return [
        document(
            json.dumps(
                {
                    "Incident": {"Name": _case(number)},
                    "Report": {field: cause, "Hours lost": str(rng.randrange(1, 9_000))},
                    "Parts shared with": f"{_case(number + 1)} {rng.randrange(5, 9)}; {_case(number + 9)} 3",
                    "Notes": " ".join(rng.choice(_PARTS) for _ in range(150))
                    + f" seen again at Case {chr(65 + (number + 7) % 26)}aolden",
                },
                indent=1,
            ),
            f"incidents/{number}.json",
        )
        for number, cause in enumerate(causes)
    ]


def test_why_is_asked_and_proved(tmp_path: Path):
    out = run(incidents(), Recipe(10, (4096,), 1, ("causal",)), tmp_path / "out")
    (shard,) = dataset.shards(out)
    made = [one.sample for one in dataset.read_samples(shard)]
    assert len(made) >= 9 and all("Root cause" in one.question for one in made)
    asked = {type(plans.from_json(one.plan).of) for one in made}  # type: ignore[union-attr]
    assert asked == {plans.Extreme, plans.Follow}
    assert all(len({piece.doc for piece in one.evidence}) > 1 for one in made)
    assert not [faults for _, faults in prove(out) if faults]


def test_nothing_is_asked_where_no_field_says_why():
    topics = Topics(base_of(incidents("Because of rain")))
    assert not topics.causes and causal(random.Random(0), topics) is None
    assert Topics(base_of(incidents())).causes


def _faults(plan: plans.Plan, type_: str, given: list[Document]) -> list[str]:
    known = Ground({one.id: one for one in given}, base := whole(given), Tables(base))
    sizes = dict.fromkeys(known.documents, 9)
    made = compose(random.Random(0), Unit("train", type_, 1, (4096,), 0), plan, base, sizes, 0)
    assert isinstance(made, Sample)
    return [check.name for check in verify(made, known) if not check.passed]


def test_what_one_document_answers_is_not_asked_where_several_state_it():
    given = incidents()
    plan = plans.Lookup(plans.Entity(whole(given).pages[0].name), "Report / Root cause", "text")
    assert _faults(plan, "causal", given) == ["spread"]
    one, other = (
        document(f"Company,Staff\n{a},5\n{b},7\n", f"{a}.csv", "table")
        for a, b in (("Alpha", "Beta"), ("Gamma", "Delta"))
    )
    sides = [plans.Lookup(plans.Entity(name), "Staff", "quantity") for name in ("Alpha", "Beta", "Gamma")]
    within, across = (plans.Combine(sides[0], side, "sum") for side in sides[1:])
    assert _faults(within, "numerical", [one]) == []
    assert _faults(within, "numerical", [one, other]) == ["spread"]
    assert _faults(across, "numerical", [one, other]) == []
