"""Why-questions, over pages that state a cause in a field of its own."""

from __future__ import annotations

import json
import random
from pathlib import Path

from longread.synth import dataset, plans
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.propose import Topics, causal
from longread.types import Document
from tests.synth.pages import base_of, document

_PARTS = ("pump", "valve", "seal", "sensor", "gear", "fuse", "hose", "belt")
_WHY = ("corroded", "was fitted backwards", "ran dry", "had been left open", "froze")


def incidents(field: str = "Root cause") -> list[Document]:
    """Forty reports of incidents, each with its cause."""
    rng = random.Random(0)
    causes = [f"The {part} {why}" for part in _PARTS for why in _WHY]
    rng.shuffle(causes)
    return [
        document(
            json.dumps(
                {
                    "Incident": {"Name": f"Case {chr(65 + number % 26)}{'abc'[number // 26]}olden"},
                    "Report": {field: cause, "Hours lost": str(rng.randrange(1, 9_000))},
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
    assert {type(plans.from_json(one.plan).of) for one in made} > {plans.Extreme}  # type: ignore[union-attr]
    assert not [faults for _, faults in prove(out) if faults]


def test_nothing_is_asked_where_no_field_says_why():
    topics = Topics(base_of(incidents("Because of rain")))
    assert not topics.causes and causal(random.Random(0), topics) is None
    assert Topics(base_of(incidents())).causes
