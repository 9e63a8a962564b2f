"""The tiny model that comes along: it reads the small world, and is what it says it is."""

from __future__ import annotations

from pathlib import Path

import openai
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import longread.models
from longread import Reader
from longread.grading import Gold, grade
from longread.types import Corpus
from longread.worlds.nano.questions import make
from tests.server.serving import Serving
from tests.support.cli import Cli

FOLDER = Path(longread.models.__file__).parent / "nano"
LINES = """\
Anna Berg works for Silver Works.
The pet of Leo Hill is parrot.
Silver Works is based in Oslo.
Nora Cole: some tea please.
In May Leo Hill sold 42 sacks.
Red Mills sells rope."""
TEXT = "".join(f" {line}\n" for line in LINES.splitlines())  # as its world's pages are written


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader("nano", temperature=0)


def right(reader: Reader, task: str, lines: int, count: int) -> int:
    """How many questions about names that training never saw are answered right, with their evidence cited."""
    found = 0
    for index in range(count):
        sample, documents = make(task, lines, 4_711, index, "evaluation", (2,))
        answer = reader.ask(sample.question, Corpus(documents))
        good = grade(sample.grader, answer.text, Gold((sample.answer,))).contains == 1
        text = {document.source: document.text for document in documents}
        assert all(c.text == text[c.source][c.start : c.end] for c in answer.citations)
        if good:
            needed = {documents[0].text[e.start : e.end] for e in sample.evidence}
            found += any(c.text in needed for c in answer.citations)
    return found


def test_it_looks_things_up_and_joins_them(reader: Reader) -> None:
    assert right(reader, "reading", 12, 20) >= 16
    assert right(reader, "multi_hop", 12, 20) >= 12


def test_what_it_skips_would_have_changed_no_answer(reader: Reader, tmp_path: Path) -> None:
    shown = (FOLDER / "prompts.toml").read_text().replace("skip = true\n", "")
    (tmp_path / "shown.toml").write_text(shown)
    whole = Reader("nano", temperature=0, prompts=str(tmp_path / "shown.toml"))
    skipped = total = 0
    for task in ("reading", "multi_hop", "dialogue"):
        for index in range(3):
            sample, documents = make(task, 400, 4_711, index, "evaluation", (2,))
            short, full = (one.ask(sample.question, Corpus(documents)) for one in (reader, whole))
            assert (short.text, short.citations) == (full.text, full.citations)
            assert full.chunks.skipped == 0
            skipped, total = skipped + short.chunks.skipped, total + short.chunks.total
    assert skipped > 0.6 * total


def test_what_it_does_not_find_is_not_made_up_as_a_citation(reader: Reader) -> None:
    documents = make("reading", 12, 4_711, 0, "evaluation")[1]
    answer = reader.ask("What is the pet of Yusuf Page?", Corpus(documents))
    assert not any("Yusuf Page" in c.text for c in answer.citations)


def test_it_is_small_and_any_transformers_loads_it() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 10_000_000
    model = AutoModelForCausalLM.from_pretrained(FOLDER)
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    prompt = f"TEXT\n--- a.txt ---\n{TEXT}\nWhat is the pet of Leo Hill?\nNOTE and ANSWER\n"
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    with torch.no_grad():
        made = model.generate(ids, max_new_tokens=32, do_sample=False)
    assert "ANSWER: parrot" in tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True)


def test_from_the_command_line_and_through_the_server(cli: Cli) -> None:
    (cli.folder / "world.txt").write_text(TEXT)
    done = cli("ask", "What is the seat of the employer of Anna Berg?", "world.txt", "--model", "nano")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Oslo\n\n[1] world.txt:3\n    Silver Works is based in Oslo.")
    with Serving(cli, "--model", "nano") as server:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
        asked = [{"role": "user", "content": f"<text>{TEXT}</text>What is the product of Red Mills?"}]
        stream = client.chat.completions.create(model="nano", messages=asked, stream=True)
        pieces = [piece for piece in stream if piece.choices]
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == "rope"
        (cited,) = pieces[-1].choices[0].delta.model_extra["annotations"]
        assert cited["file_citation"]["text"] == "Red Mills sells rope."
