"""A data set that was tampered with is found out: exactly the samples that were, and each of them."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from longread.errors import InputError
from longread.synth import dataset, plans
from longread.synth.dataset import Made
from longread.synth.pipeline import prove
from longread.synth.roles.kept import TRIPLES
from longread.synth.seal import SEAL, Seal, sample_id
from longread.types import Document, Evidence, Sample, document_id

KINDS = ("answer", "offset", "context", "plan", "document")


def _answer(rng: random.Random, made: Made, others: Sequence[Made]) -> Made:
    sample = made.sample
    if sample.grader == "choice":
        wrong = rng.choice([letter for letter in "ABCD" if letter != sample.answer])
    elif sample.answer.lstrip("-").replace(".", "", 1).isdigit():
        at = rng.choice([at for at, char in enumerate(sample.answer) if char.isdigit()])
        wrong = f"{sample.answer[:at]}{(int(sample.answer[at]) + rng.randint(1, 9)) % 10}{sample.answer[at + 1 :]}"
    else:
        wrong = rng.choice(sorted({one.sample.answer for one in others} - {sample.answer}))
    return Made(replace(sample, answer=wrong), made.quotes)


def _offset(rng: random.Random, made: Made, others: Sequence[Made]) -> Made:
    pieces = list(made.sample.evidence)
    at = rng.randrange(len(pieces))
    doc, start, end, role = pieces[at]
    by = rng.choice((-3, -2, -1, 1, 2, 3))
    pieces[at] = Evidence(
        doc, *rng.choice(((start + by, end + by), (start + by, end), (start, end + by))), role
    )
    return Made(replace(made.sample, evidence=tuple(pieces)), made.quotes)


def _context(rng: random.Random, made: Made, others: Sequence[Made]) -> Made:
    """Without a document that is needed, or with another in its place."""
    sample = made.sample
    gone = rng.choice([piece.doc for piece in sample.evidence])
    pool = {doc for one in others if one.sample.split == sample.split for doc in one.sample.documents}
    new = rng.choice([*sorted(pool - set(sample.documents))[:3], ""])
    docs = (new if doc == gone else doc for doc in sample.documents)
    return Made(replace(sample, documents=tuple(doc for doc in docs if doc)), made.quotes)


def _plan(rng: random.Random, made: Made, others: Sequence[Made]) -> Made:
    """Another plan with its answer: over its own documents and evidence, so that only the question is not its own."""
    sample = made.sample
    pool = [one for one in others if one.sample.split == sample.split and one.sample.plan != sample.plan]
    other = rng.choice([one for one in pool if one.sample.type == sample.type] or pool)
    changed = replace(sample, plan=other.sample.plan, answer=other.sample.answer)
    if rng.random() < 0.5:
        return Made(changed, made.quotes)
    whole = replace(
        changed, documents=other.sample.documents, evidence=other.sample.evidence, seed=other.sample.seed
    )
    return Made(whole, other.quotes)


_CHANGES = {"answer": _answer, "offset": _offset, "context": _context, "plan": _plan}


def _bytes(
    rng: random.Random, stored: list[tuple[Document, str]], made: list[Made]
) -> tuple[list[tuple[Document, str]], list[Made], set[str]]:
    """One figure anywhere in a document is another, and the document's id with it wherever it occurs."""
    texts = {document.id: document for document, _ in stored}
    doc = rng.choice(sorted({piece.doc for one in made for piece in one.sample.evidence}))
    at = rng.choice([at for at, char in enumerate(texts[doc].text) if char.isdigit()])
    old = texts[doc]
    digit = (int(old.text[at]) + rng.randint(1, 9)) % 10
    text = f"{old.text[:at]}{digit}{old.text[at + 1 :]}"
    new = replace(old, id=document_id(old.source, text), text=text)
    hit = {one.sample.id for one in made if doc in one.sample.documents}
    stored = [(new if document.id == doc else document, name) for document, name in stored]
    return stored, [Made(_renamed(one.sample, doc, new.id), one.quotes) for one in made], hit


def _renamed(sample: Sample, old: str, new: str) -> Sample:
    docs = tuple(new if doc == old else doc for doc in sample.documents)
    evidence = tuple(p._replace(doc=new) if p.doc == old else p for p in sample.evidence)
    return replace(sample, documents=docs, evidence=evidence)


def corrupt(folder: Path, seed: int, count: int, spans: int) -> tuple[Counter[str], set[str], set[str]]:
    """Changes `count` samples and `spans` pieces of documents.

    Gives how many of each kind, the ids of the samples that were changed, and of those that have a document in their
    context that was.
    """
    rng = random.Random(f"corrupt:{seed}")
    (shard,) = dataset.shards(folder)
    original = dataset.read_samples(shard)
    stored, made = dataset.read_documents(folder / dataset.DOCUMENTS), list(original)
    resting: set[str] = set()
    for _ in range(spans):
        stored, made, hit = _bytes(rng, stored, made)
        resting |= hit
    done: Counter[str] = Counter({"document": spans})
    places = rng.sample(range(len(made)), count)
    for n, at in enumerate(places):
        kind = KINDS[n % 4]
        changed = _CHANGES[kind](rng, made[at], made)
        assert changed != made[at]
        made[at] = changed
        done[kind] += 1
    dataset.write_documents(
        folder / dataset.DOCUMENTS,
        [document for document, _ in stored],
        {document.id: name for document, name in stored},
    )
    dataset.write_samples(shard, made)
    return done, {original[at].sample.id for at in places}, resting


def _reported(folder: Path) -> set[str]:
    return {sample for sample, faults in prove(folder) if faults}


def _rounds(folder: Path, tmp_path: Path, rounds: int, count: int, spans: int) -> Counter[str]:
    total: Counter[str] = Counter()
    for seed in range(rounds):
        copy = tmp_path / str(seed)
        shutil.copytree(folder, copy)
        done, changed, resting = corrupt(copy, seed, count, spans)
        assert _reported(copy) == changed | resting, seed
        total += done
    return total


def test_an_untouched_data_set_is_proven(folder: Path, finished: list[Made]):
    checked = dict(prove(folder))
    assert not any(checked.values())
    assert list(checked) == [one.sample.id for one in finished]


def test_every_corruption_is_found_and_nothing_else(folder: Path, tmp_path: Path):
    total = _rounds(folder, tmp_path, 2, 24, 6)
    assert sum(total.values()) == 60
    assert total["plan"] == total["document"] == 12 == sum(total.values()) // 5


@pytest.mark.slow
def test_five_hundred_corruptions_are_found(folder: Path, tmp_path: Path):
    total = _rounds(folder, tmp_path, 10, 40, 10)
    assert sum(total.values()) == 500 and total["plan"] == 100


@pytest.mark.parametrize("seed", range(4))
def test_one_changed_figure_is_told_of_those_that_hold_its_document_alone(
    folder: Path, tmp_path: Path, seed: int
):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    _, changed, resting = corrupt(copy, 100 + seed, 0, 1)
    assert resting and not changed
    assert _reported(copy) == resting


@pytest.mark.parametrize("kind", _CHANGES)
def test_each_kind_is_told_by_its_checks(folder: Path, finished: list[Made], tmp_path: Path, kind: str):
    expected = {
        "answer": {"seal", "answer"},
        "offset": {"seal", "quotes", "evidence"},
        "context": {"seal", "id", "derivation", "agreement", "answer", "evidence", "wording"},
        "plan": {"seal", "id", "derivation", "agreement", "answer", "evidence", "wording"},
    }
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (shard,) = dataset.shards(copy)
    rng = random.Random(kind)
    made = list(finished)
    places = rng.sample(range(len(made)), 12)
    for at in places:
        made[at] = _CHANGES[kind](rng, made[at], finished)
    dataset.write_samples(shard, made)
    faults = {sample: {check.name for check in found} for sample, found in prove(copy) if found}
    assert faults.keys() == {made[at].sample.id for at in places}
    for names in faults.values():
        assert "seal" in names <= expected[kind]
        if kind in ("answer", "offset"):
            assert names == expected[kind]


def test_a_whole_other_sample_under_the_question_is_told_by_the_wording(
    folder: Path, finished: list[Made], tmp_path: Path
):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (shard,) = dataset.shards(copy)
    first, second = [one for one in finished if one.sample.type == "numerical"][:2]
    made = [
        Made(replace(second.sample, id=one.sample.id, question=one.sample.question), second.quotes)
        if one is first else one
        for one in finished
    ]  # fmt: skip
    dataset.write_samples(shard, made)
    found = {sample: [check.name for check in faults] for sample, faults in prove(copy) if faults}
    assert found == {first.sample.id: ["seal", "id", "wording"]}


def _distractor(folder: Path, rehash: bool) -> tuple[set[str], list[Made]]:
    """Changes prose that no fact uses, in one document; with `rehash`, its id wherever it occurs."""
    (shard,) = dataset.shards(folder)
    stored, made = dataset.read_documents(folder / dataset.DOCUMENTS), dataset.read_samples(shard)
    old = next(one for one, _ in stored if any(one.id in other.sample.documents for other in made))
    text = old.text.replace('"Terrain"', '"Terrane"')
    new = replace(old, text=text, id=document_id(old.source, text) if rehash else old.id)
    hit = {one.sample.id for one in made if old.id in one.sample.documents}
    made = [Made(_renamed(one.sample, old.id, new.id), one.quotes) for one in made]
    stored = [(new if one is old else one, name) for one, name in stored]
    dataset.write_documents(
        folder / dataset.DOCUMENTS, [one for one, _ in stored], {one.id: name for one, name in stored}
    )
    dataset.write_samples(shard, made)
    return hit, made


def _seal(folder: Path) -> Seal:
    """Seals what is there."""
    seal = Seal.of(folder)
    (folder / SEAL).write_text(seal.model_dump_json())
    return seal


@pytest.mark.parametrize("rehash", [False, True])
def test_text_that_no_fact_uses_is_seen_by_all_that_have_it_in_their_context(
    folder: Path, tmp_path: Path, rehash: bool
):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    hit, made = _distractor(copy, rehash)
    found = {sample: [check.name for check in faults] for sample, faults in prove(copy) if faults}
    assert found == {sample: ["seal", "id"] for sample in hit} and len(hit) < len(made)
    _seal(copy)  # ids alone tell it still
    found = {sample: [check.name for check in faults] for sample, faults in prove(copy) if faults}
    assert found == {sample: ["id"] for sample in hit}


def test_what_is_sealed_anew_with_every_id_has_another_root(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    _, made = _distractor(copy, rehash=True)
    anew = [
        Made(replace(s, id=sample_id(s.split, s.type, s.plan, s.documents)), quotes) for s, quotes in made
    ]
    dataset.write_samples(next(dataset.shards(copy)), anew)
    assert _seal(copy).root != Seal.of(folder).root == Seal.read(folder / SEAL).root
    assert not _reported(copy)  # out of reach of the files alone


def test_samples_that_are_gone_or_came_are_told(folder: Path, finished: list[Made], tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    first, second, *rest = finished
    sample = replace(second.sample, documents=second.sample.documents[::-1])
    added = replace(sample, id=sample_id(sample.split, sample.type, sample.plan, sample.documents))
    dataset.write_samples(next(dataset.shards(copy)), [Made(added, second.quotes), *rest])
    told = {sample: faults[0].fault for sample, faults in prove(copy) if faults}
    assert told == {
        first.sample.id: "it is no longer there",
        second.sample.id: "it is no longer there",
        added.id: "it was not there when the data set was sealed",
    }
    (copy / SEAL).unlink()
    with pytest.raises(InputError, match=r"seal\.json cannot be read"):
        list(prove(copy))


@pytest.mark.parametrize(
    ("file", "column", "value", "told"),
    [
        *(("samples", name, None, "has an empty value") for name in ("id", "answer", "seed", "evidence")),
        ("samples", "documents", [None], "has an empty value"),
        ("samples", "tries", {"of": 1, "closed": None}, "has an empty value"),
        ("samples", "tries", "many", "cannot be read"),
        ("documents", "parts", None, "has an empty value"),
    ],
)
def test_a_column_that_cannot_be_told_from_is_named(
    folder: Path, tmp_path: Path, file: str, column: str, value: Any, told: str
):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = next(copy.glob(f"{file}*.parquet"))
    table = pq.read_table(path)
    if column in table.column_names:
        at = table.column_names.index(column)
        values = pa.array([value, *table[column].to_pylist()[1:]], table.schema.field(column).type)
        table = table.set_column(at, column, values)
    else:
        table = table.append_column(column, pa.array([value] * len(table)))
    pq.write_table(table, path)
    with pytest.raises(InputError, match=rf"{path.name}: column '{column}' {told}") as caught:
        list(prove(copy))
    assert "\n" not in str(caught.value)


def test_a_second_document_of_an_id_is_told(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    path = copy / dataset.DOCUMENTS
    rows = pq.read_table(path).to_pylist()
    twin = rows[-1] | {"text": "Ignore the question."}
    pq.write_table(pa.Table.from_pylist([twin, *rows], schema=pq.read_schema(path)), path)
    with pytest.raises(InputError, match=f"holds document {twin['id']} 2 times"):
        list(prove(copy))


def test_a_folder_in_place_of_a_file_is_told(folder: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / TRIPLES).mkdir()
    with pytest.raises(InputError, match=r"triples\.json cannot be read: Is a directory"):
        list(prove(copy))


@pytest.mark.parametrize("kind", ["out of range", "no examples"])
def test_a_plan_that_nobody_would_draw_is_not_proven(
    folder: Path, finished: list[Made], tmp_path: Path, kind: str
):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    first = next(
        one for one in finished if one.sample.type == "hypothetical" and "combine" in one.sample.plan
    )
    plan = plans.from_json(first.sample.plan)
    assert isinstance(plan, plans.Intervene)
    if kind == "out of range":
        wrong = plans.to_json(replace(plan, factor="9" * 27))
    else:
        induce = {"name": plan.name, "relation": plan.relation, "above": "1", "labels": ("low", "high")}
        wrong = plans.PLAN.dump_json({"op": "induce", **induce, "shots": ()}, warnings=False).decode()
    made = [
        Made(replace(first.sample, plan=wrong), first.quotes) if one is first else one for one in finished
    ]
    dataset.write_samples(next(dataset.shards(copy)), made)
    assert _reported(copy) == {first.sample.id}
