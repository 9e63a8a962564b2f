"""Nothing that stands in a benchmark's files goes into a data set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longread.synth import dataset
from longread.synth.avoid import GRAM, Avoided
from longread.synth.pipeline import PLAN, Recipe, run
from longread.types import Sample
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
    assert Avoided.of([document(rows, "benchmark.json", "json")]).asks(text) is avoided


RECIPE = Recipe(24, (4096,), 3, ("comparison", "temporal"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(documents(), RECIPE, tmp_path_factory.mktemp("avoid") / "plain")


def samples(folder: Path) -> list[Sample]:
    return [one.sample for shard in dataset.shards(folder) for one in dataset.read_samples(shard)]


def test_questions_of_a_benchmark_are_not_asked(plain: Path, tmp_path: Path):
    asked = {one.question for one in samples(plain)}
    taken = sorted(asked)[:5]
    benchmark = document("\n".join(taken), "benchmark.txt", "text")
    out = run(documents(), RECIPE, tmp_path / "out", avoid=Avoided.of([benchmark]))
    made = {one.question for one in samples(out)}
    assert made.isdisjoint(taken) and len(made & asked) > len(asked) / 2
    assert "stands in a file to be avoided: " in (out / "README.md").read_text()


def test_documents_of_a_benchmark_are_left_out(plain: Path, tmp_path: Path):
    taken = documents()[4]
    avoid = Avoided.of([document(taken.text, "copy.txt", "text")])
    out = run(documents(), RECIPE, tmp_path / "out", avoid=avoid)
    made = samples(out)
    assert made and all(taken.id not in one.documents for one in made)
    stored = {document.source for document, _ in dataset.read_documents(out / dataset.DOCUMENTS)}
    assert taken.source not in stored and len(stored) == len(documents()) - 1
    assert "| stands in a file to be avoided | 1 |" in (out / "README.md").read_text()
    assert (out / PLAN).read_bytes() != (plain / PLAN).read_bytes()
