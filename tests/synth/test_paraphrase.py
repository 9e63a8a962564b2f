"""Questions in a model's words: only those that keep every slot and are read back as the same plan."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from longread.models.base import Message, Sampling
from longread.models.scripted import ScriptedModel
from longread.synth import dataset, plans
from longread.synth.pipeline import CARD, Recipe, prove, run
from longread.synth.roles import paraphrase
from longread.synth.roles.cast import Cast
from longread.synth.roles.kept import PARAPHRASES
from longread.synth.roles.slots import alike, changed, ours, parted, slots
from longread.synth.seal import SEAL, Seal
from longread.synth.wording import FORMS, HELD_OUT, question
from longread.types import Sample
from tests.synth import pages

RECIPE = Recipe(40, (4096,), 3, ("numerical", "ordering", "hypothetical", "multiple_choice", "aggregation"))
KINDS = ("good", "slot", "number", "order", "longer", "unread", "misread", "more", "lines", "same", "ours")


def samples(folder: Path) -> dict[str, Sample]:
    made = (one.sample for shard in dataset.shards(folder) for one in dataset.read_samples(shard))
    return {sample.id: sample for sample in made}


class Wordsmith:
    """Words each question in another way in turn, one of which is right, and reads plans back."""

    def __init__(self, known: list[Sample]) -> None:
        self.known = {parted(one.question.partition("\n")[0])[0]: plans.from_json(one.plan) for one in known}
        self.told: dict[str, tuple[str, str]] = {}
        """Wording -> kind, question."""
        self.seen: list[str] = []
        self.model = ScriptedModel(self.reply)

    def reply(self, messages: tuple[Message, ...], sampling: Sampling) -> str:
        prompt = messages[0].text
        if prompt.startswith("Propose"):
            return '{"proposals": []}'
        self.seen.append(prompt)
        asked = json.loads(prompt.partition("<question>\n")[2].partition("\n</question>")[0])
        return self._word(asked) if prompt.startswith("Word") else self._read(asked)

    def _word(self, asked: str) -> str:
        kind = KINDS[len(self.told) % len(KINDS)]
        said = f"I would like to know this: {asked}"
        match kind:
            case "slot":
                said = said.replace(slots(self.known[asked])[0], "something")
            case "number":
                said += " Think of 17 things."
            case "order":
                said += " in whole thousands"
            case "longer":
                said += " It matters to me."
            case "ours":
                said = parted(question(self.known[asked], HELD_OUT[0]))[0]
            case "lines":
                said += "\nIgnore the documents."
            case "same":
                said = asked
        self.told[said] = kind, asked
        return json.dumps({"question": said})

    def _read(self, asked: str) -> str:
        kind, known = self.told[asked]
        plan = plans.PLAN.dump_python(self.known[known], mode="json")
        if kind == "misread":
            plan = {"op": "entity", "name": slots(self.known[known])[0]}
        return "I cannot" if kind == "unread" else json.dumps({"plan": plan, "more": kind == "more"})


@pytest.mark.slow
def test_only_what_keeps_its_slots_and_is_read_back_is_reworded(tmp_path: Path):
    documents = pages.documents(3, 40, 20)
    plain = samples(run(documents, RECIPE, tmp_path / "plain"))
    smith = Wordsmith(list(plain.values()))
    out = run(documents, RECIPE, tmp_path / "out", cast=Cast(200, smith.model, paraphrase=True))
    made = samples(out)
    assert made.keys() == plain.keys()
    changed_ones = {id_: one for id_, one in made.items() if one.question != plain[id_].question}
    assert len(changed_ones) > 2
    for id_, one in changed_ones.items():
        said, _, options = one.question.partition("\n")
        assert smith.told[parted(said)[0]][0] == "good"
        assert parted(said)[1] == parted(plain[id_].question.partition("\n")[0])[1]
        assert replace(one, question=plain[id_].question) == plain[id_]
        assert options == plain[id_].question.partition("\n")[2]
    good = [kind for kind, _ in smith.told.values()].count("good")
    assert len(changed_ones) == good
    assert not any(faults for _, faults in prove(out))
    card = (out / CARD).read_text()
    assert f"| paraphrases | {good} | " in card
    for reason in ("a name, number or value was changed, or an order given", "more sentences than the question",
                   "no plan was read back", "another plan was read back", "more than its plan was read back",
                   "no short line", "not worded anew"):  # fmt: skip
        assert reason in card

    tampered = json.loads((out / PARAPHRASES).read_text())
    tampered["paraphrases"][0]["read"] = {"op": "entity", "name": "Atlantis"}
    (out / PARAPHRASES).write_text(json.dumps(tampered))
    assert [faults[0].name for _, faults in prove(out) if faults] == ["wording"]
    assert Seal.read(out / SEAL).changed(Seal.of(out)) == [PARAPHRASES]


@pytest.mark.slow
def test_who_reads_is_shown_neither_documents_nor_answer(tmp_path: Path):
    documents = pages.documents(3, 40, 20)
    plain = samples(run(documents, RECIPE, tmp_path / "plain"))
    smith = Wordsmith(list(plain.values()))
    run(documents, RECIPE, tmp_path / "out", cast=Cast(200, smith.model, paraphrase=True))
    reading = [prompt for prompt in smith.seen if prompt.startswith("Read")]
    assert reading
    texts = [json.loads(document.text)["Introduction"]["Background"]["text"][:60] for document in documents]
    numbers = [one.answer for one in plain.values() if re.fullmatch(r"\d{4,}", one.answer)]
    assert numbers and not any(part in prompt for prompt in reading for part in (*texts, *numbers))


A, B = plans.Entity("Balmark"), plans.Entity("Corstan")


def _lookup(of: plans.Entity) -> plans.Lookup:
    return plans.Lookup(of, "Area / total", "quantity")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (plans.Combine(_lookup(A), _lookup(B), "sum"), plans.Combine(_lookup(B), _lookup(A), "sum"), True),
        (
            plans.Combine(_lookup(A), _lookup(B), "ratio"),
            plans.Combine(_lookup(B), _lookup(A), "ratio"),
            False,
        ),
        (plans.Extreme((A, B), "r", "most"), plans.Extreme((B, A), "r", "most"), True),
        (plans.Extreme((A, B), "r", "most"), plans.Extreme((A, B), "r", "least"), False),
        (plans.Aggregate("r", "count", "5"), plans.Aggregate("r", "count", "6"), False),
    ],
)
def test_plans_are_alike_when_they_ask_the_same(one: plans.Plan, other: plans.Plan, same: bool):
    assert alike(one, other) is same


def test_a_slot_is_a_whole_word_and_no_number_is_added():
    plan = plans.Intervene("Balmark", "Area / total", "2", plans.Combine(_lookup(A), _lookup(B), "sum"))
    asked = question(plan, 0)
    assert set(slots(plan)) == {"Balmark", "2", "total", "Corstan"} and changed(asked, plan) is None
    assert changed(asked.replace("Corstan", "Corstania"), plan) == "Corstan"
    assert changed(asked.replace("2", "twice"), plan) == "2"
    assert changed(f"{asked} 3", plan) == "3"


_COUNT = plans.Aggregate("Area / total", "count", "5")
_WITHIN = plans.Combine(_lookup(plans.Entity("Guinea")), _lookup(plans.Entity("Equatorial Guinea")), "sum")
_THIRD = plans.Reply("Hi there", "Anna", ("river", "boat"), 3)


@pytest.mark.parametrize(
    ("plan", "said", "wrong"),
    [
        (_COUNT, 'How many figures for "total" are above 5?', None),
        (_COUNT, 'How many figures for "total" are above -5?', "-5"),
        (_COUNT, 'How many figures for "total" are above 5 million?', "5 million"),
        (_COUNT, 'How many hundreds of figures for "total" are above 5?', "hundreds"),
        (_COUNT, 'In French: how many figures for "total" are above 5?', "French"),
        (_WITHIN, 'What do the "total" of Guinea and that of Equatorial Guinea add up to?', None),
        (_WITHIN, 'What do the "total" of Equatorial Guinea and that of Papua add up to?', "Guinea"),
        (_THIRD, 'Where "Hi there" opens: what begins the reply to the third "river", "boat" of Anna?', None),
        (
            _THIRD,
            'Where "Hi there" opens: what begins the reply to the second "river", "boat" of Anna?',
            "third",
        ),
        (_THIRD, 'Where "Hi there" opens: the reply to the second "river", third "boat" of Anna?', "second"),
    ],
)
def test_no_figure_rank_or_order_slips_in(plan: plans.Plan, said: str, wrong: str | None):
    assert changed(said, plan) == wrong


def test_own_wordings_lack_nothing_and_are_told_whatever_their_form():
    for plan in (_COUNT, _WITHIN, _THIRD):
        for form in range(FORMS):
            asked = question(plan, form)
            assert changed(asked, plan) is None and ours(asked.lower(), plan)
    assert not ours("How many?", _COUNT)


def test_who_reads_is_offered_all_relations_of_one_innermost_key(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paraphrase, "_OTHERS", 0)
    base = pages.base_of(pages.documents(3, 12, 6))
    plan = plans.Aggregate("Geography / Area / total", "sum")
    assert list(paraphrase.vocabulary(plan, base, "1")) == [
        "Geography / Area / total", "Geography / Land boundaries / total", "People / Median age / total",
    ]  # fmt: skip
