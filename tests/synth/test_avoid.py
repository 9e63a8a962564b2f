"""Nothing that stands in a benchmark's files goes into a data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longread.synth import dataset
from longread.synth.avoid import GRAM, Avoided
from longread.synth.pipeline import PLAN, Recipe, run
from tests.synth.pages import document, documents

WORDS = [f"w{number}" for number in range(40)]


@pytest.mark.parametrize(
    ("text", "avoided"),
    [
        (" ".join(WORDS[:GRAM]), True),
        ("before; " + ", ".join(WORDS[5 : 5 + GRAM]).upper() + " after", True),
        (" ".join(WORDS[: GRAM - 1]), False),
        (" ".join(reversed(WORDS)), False),
        ("Where is  the key?", True),
        ("Where is the key of", False),
        ("", False),
    ],
)
def test_thirteen_words_or_a_whole_text_are_known_again(text: str, avoided: bool):
    rows = json.dumps([{"question": "Where is the key?", "context": " ".join(WORDS)}])
    assert Avoided.of([document(rows, "benchmark.json", "json")]).has(text) is avoided


def test_questions_and_documents_of_a_benchmark_are_left_out(tmp_path: Path):
    recipe = Recipe(24, (4096,), 3, ("comparison", "temporal"))
    plain = run(documents(), recipe, tmp_path / "plain")
    (shard,) = dataset.shards(plain)
    asked = [one.sample.question for one in dataset.read_samples(shard)]
    taken = documents()[4]
    benchmark = [
        document("\n".join(asked[:5]), "benchmark.txt", "text"), document(taken.text, "copy.txt", "text")
    ]  # fmt: skip
    out = run(documents(), recipe, tmp_path / "out", avoid=Avoided.of(benchmark))
    (shard,) = dataset.shards(out)
    made = [one.sample for one in dataset.read_samples(shard)]
    assert made and not {one.question for one in made} & set(asked[:5])
    assert all(taken.id not in one.documents for one in made)
    assert taken.source not in {
        document.source for document, _ in dataset.read_documents(out / dataset.DOCUMENTS)
    }
    assert "stands in a file to be avoided" in (out / "README.md").read_text()
    assert (out / PLAN).read_bytes() != (plain / PLAN).read_bytes()
