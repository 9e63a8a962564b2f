"""A model tries samples: what it knows without documents goes, and what it never finds among irrelevant ones."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from longread.config import Settings
from longread.errors import CapReached, InputError, ModelError, UsageError
from longread.models.base import Message, Reply, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.caps import Caps
from longread.reading.store import Store
from longread.synth import dataset, plans
from longread.synth.dataset import SAMPLES
from longread.synth.pipeline import CARD, Recipe, prove, run, tried
from longread.synth.roles.asking import KeptModel, SpentError
from longread.synth.roles.cast import Cast
from longread.synth.roles.kept import PARAPHRASES
from longread.synth.roles.tries import Tries, balanced, lucky, right
from longread.types import Document, Sample, Usage
from tests.synth import pages

RECIPE = Recipe(24, (4096,), 3, ("numerical", "multiple_choice", "temporal"))
KINDS = ("known", "brittle", "too hard", "half", "easy")


def samples(folder: Path) -> list[Sample]:
    return [one.sample for one in dataset.read_samples(folder / SAMPLES.format(0))]


class Pupil:
    """Answers each sample as its kind says; `calls` are counted by what they were shown."""

    def __init__(self, known: list[Sample], documents: list[Document]) -> None:
        self.known = {sample.question: sample for sample in known}
        self.kinds = {
            one.id: KINDS[n % len(KINDS)] for n, one in enumerate(sorted(known, key=lambda s: s.id))
        }
        self.titles = {document.id: document.text[60:120] for document in documents}
        self.shown: Counter[tuple[str, str]] = Counter()
        self.model = ScriptedModel(self.reply)

    def reply(self, messages: tuple[Message, ...], sampling: Sampling) -> str:
        prompt = messages[0].text
        if prompt.startswith("Propose"):
            return '{"proposals": []}'
        (sample,) = (sample for question, sample in self.known.items() if question in prompt)
        evidence = {piece.doc for piece in sample.evidence}
        closed = prompt.startswith("Answer from what you know")
        others = [doc for doc in sample.documents if doc not in evidence and self._shows(prompt, doc)]
        way = "closed" if closed else "context" if others else "required"
        if not closed:
            assert all(self._shows(prompt, doc) for doc in evidence)
        self.shown[sample.id, way] += 1
        assert sampling.seed is not None
        knows = {
            "known": True,
            "brittle": way == "required",
            "too hard": False,
            "half": way == "required" or (way == "context" and sampling.seed % 32 == 0),
            "easy": way != "closed",
        }[self.kinds[sample.id]]
        phrase = "The correct answer is" if sample.grader == "choice" else "Therefore, the answer is"
        said = f"{phrase} {sample.answer if knows else 'unknown'}"
        return said if closed else f"ANSWER: {said}"

    def _shows(self, prompt: str, doc: str) -> bool:
        return self.titles[doc] in prompt


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return samples(run(pages.documents(3, 40, 20), RECIPE, tmp_path_factory.mktemp("tries") / "plain"))


def pupil(plain: list[Sample]) -> Pupil:
    return Pupil(plain, pages.documents(3, 40, 20))


def tries_of(folder: Path) -> dict[str, dict[str, int]]:
    return dataset.read_tries(folder / SAMPLES.format(0))


def test_what_is_known_or_never_found_goes_and_the_rest_keeps_its_rates(plain: list[Sample], tmp_path: Path):
    one = pupil(plain)
    out = run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=Cast(700, one.model, tries=4))
    made = samples(out)
    drop = {sample.id for sample in plain if one.kinds[sample.id] in ("known", "brittle")}
    chancy = {sample.id for sample in plain if sample.grader == "choice" and one.kinds[sample.id] == "known"}
    assert {sample.id for sample in made} == {sample.id for sample in plain} - drop
    assert drop and chancy
    rates = {"too hard": (0, 0), "half": (4, 2), "easy": (4, 4)}
    for id_, found in tries_of(out).items():
        assert found == dict(zip(dataset.TRIES, (4, 0, *rates[one.kinds[id_]]), strict=True))
        assert tried(out, id_) == found
    assert tries_of(out).keys() == {sample.id for sample in made}
    card = (out / CARD).read_text()
    count = Counter(one.kinds.values())
    assert f"answered without documents: {count['known']}" in card
    assert f"never answered among irrelevant documents: {count['brittle']}" in card
    assert not any(faults for _, faults in prove(out))
    assert all(one.shown[id_, "closed"] == 4 for id_ in one.kinds)
    assert not any(one.shown[id_, "context"] for id_, kind in one.kinds.items() if kind == "known")

    told = {id_: tuple(found[name] for name in dataset.TRIES) for id_, found in tries_of(out).items()}
    hit = min(told)
    told[hit] = (4, 4, 4, 4)
    dataset.write_samples(out / SAMPLES.format(0), dataset.read_samples(out / SAMPLES.format(0)), tries=told)
    assert [(id_, [one.name for one in faults]) for id_, faults in prove(out) if faults] == [(hit, ["seal"])]


@pytest.mark.slow
def test_balance_keeps_as_many_of_each_rate(plain: list[Sample], tmp_path: Path):
    one = pupil(plain)
    cast = Cast(700, one.model, tries=4, balance=True)
    out = run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=cast)
    kinds = Counter(one.kinds[sample.id] for sample in samples(out))
    assert len(set(kinds.values())) == 1 and kinds.keys() == {"too hard", "half", "easy"}


@pytest.mark.slow
def test_tries_keep_to_the_calls_and_the_number_and_all_others_stay(plain: list[Sample], tmp_path: Path):
    for calls, most, expected in ((100, None, 4), (700, 3, 3)):
        one = pupil(plain)
        out = run(
            pages.documents(3, 40, 20),
            RECIPE,
            tmp_path / str(calls),
            cast=Cast(calls, one.model, tries=4, tried=most),
        )
        assert len({id_ for id_, _ in one.shown}) in (expected, expected + 1)
        assert one.model.calls <= calls
        assert f"not tried: {len(plain) - len({id_ for id_, _ in one.shown})}" in (out / CARD).read_text()
        gone = {sample.id for sample in plain} - {sample.id for sample in samples(out)}
        assert gone <= {id_ for id_, _ in one.shown}


@pytest.mark.slow
def test_a_killed_run_asks_no_try_twice(plain: list[Sample], tmp_path: Path):
    documents = pages.documents(3, 40, 20)
    whole, begun = pupil(plain), pupil(plain)
    run(documents, RECIPE, tmp_path / "whole", cast=Cast(200, whole.model, tries=2))

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        if model.calls == 130:
            assert begun.shown  # proposals are over
            raise KeyboardInterrupt
        return begun.reply(messages, sampling)

    model = ScriptedModel(reply)
    with pytest.raises(KeyboardInterrupt):
        run(documents, RECIPE, tmp_path / "begun", cast=Cast(200, model, tries=2))
    run(documents, RECIPE, tmp_path / "begun", cast=Cast(200, model, tries=2))
    assert model.calls == whole.model.calls + 1
    for name in (SAMPLES.format(0), CARD):
        assert (tmp_path / "begun" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.slow
def test_a_call_that_fails_loses_no_other_sample(plain: list[Sample], tmp_path: Path):
    one = pupil(plain)
    bad = sorted(one.kinds)[4]

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        if next(s.question for s in plain if s.id == bad) in messages[0].text:
            raise ModelError("out of order")
        return one.reply(messages, sampling)

    cast = Cast(700, ScriptedModel(reply), tries=2)
    out = run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=cast)
    assert bad in {sample.id for sample in samples(out)}
    assert len(tries_of(out)) == len(samples(out)) - 1 and bad not in tries_of(out)
    assert "no reply: 1" in (out / CARD).read_text()


@pytest.mark.slow
def test_a_cap_on_tokens_stops_the_run_which_a_higher_one_takes_on(plain: list[Sample], tmp_path: Path):
    documents = pages.documents(3, 40, 20)
    one = pupil(plain)

    def cast(most: int) -> Cast:
        return Cast(200, one.model, settings=Settings(max_total_tokens=most), tries=2)

    with pytest.raises(CapReached, match="max_total_tokens allows 400,000"):
        run(documents, RECIPE, tmp_path / "out", cast=cast(400_000))
    before = one.model.calls
    with pytest.raises(CapReached):
        run(documents, RECIPE, tmp_path / "out", cast=cast(400_000))
    assert one.model.calls == before
    run(documents, RECIPE, tmp_path / "out", cast=cast(10**9))
    whole = pupil(plain)
    run(documents, RECIPE, tmp_path / "whole", cast=Cast(200, whole.model, tries=2))
    assert one.model.calls == whole.model.calls


def test_cost_is_capped_and_unknown_cost_is_no_cost_of_nothing(plain: list[Sample], tmp_path: Path):
    model = ScriptedModel(
        lambda messages, sampling: Reply('{"proposals": []}')
    )  # no usage: the cost is unknown
    with pytest.raises(CapReached, match="max_cost cannot be kept"):
        run(
            pages.documents(3, 40, 20),
            RECIPE,
            tmp_path / "out",
            cast=Cast(20, model, settings=Settings(max_cost=1.0)),
        )
    assert model.calls == 1


def test_a_run_without_a_model_tries_nothing_and_says_so(plain: list[Sample], tmp_path: Path):
    out = run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=Cast(6, tries=4, paraphrase=True))
    assert not tries_of(out) and not (out / PARAPHRASES).exists()
    card = (out / CARD).read_text()
    assert "No model has tried these questions" in card
    assert re.search(r"\| search solver \(proxy\) \| chance \|\n", card)


@pytest.mark.slow
def test_when_nothing_is_left_it_is_said(plain: list[Sample], tmp_path: Path):
    one = pupil(plain)
    one.kinds = dict.fromkeys(one.kinds, "known")
    with pytest.raises(InputError, match="left no sample: answered without documents"):
        run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=Cast(700, one.model, tries=4))


@pytest.mark.parametrize(
    ("of", "chance", "most"), [(4, 0, 0), (8, 0, 0), (4, 0.25, 3), (8, 0.25, 4), (1, 0.5, 1)]
)
def test_what_luck_may_give(of: int, chance: float, most: int):
    assert lucky(of, chance) == most


def test_an_answer_is_graded_as_its_sample_is():
    number = Sample("1", "numerical", "numerical", "How much?", "4321", "docmath", ("a",), plan=_SUM)
    assert right(number, "Therefore, the answer is 4,321.") and right(number, "4321 km")
    assert not right(number, "17") and not right(number, "")
    letter = Sample("2", "multiple_choice", "multiple_choice", "Which?", "B", "choice", ("a",))
    assert right(letter, "The correct answer is (B).") and not right(letter, "The correct answer is (A).")


_NAMES = ("Balmark", "Corstan", "Dravia")
_MOST = plans.to_json(plans.Extreme(tuple(map(plans.Entity, _NAMES)), "total", "most"))
_SUM = plans.to_json(plans.Aggregate("total", "sum"))


@pytest.mark.parametrize(
    ("grader", "said", "committed"),
    [
        ("cem", "Corstan", True),
        ("cem", "It is **Corstan**.", True),
        ("cem", "Balmark has less. The answer is Corstan.", True),
        ("cem", "I do not know which of Balmark, Corstan and Dravia it is.", False),
        ("cem", "I do not know. The options are Balmark, Corstan and Dravia.", False),
        ("cem", "Balmark, Corstan, Dravia", False),
        ("cem", "Therefore, the answer is Corstan or another.", False),
        ("cem", "Therefore, the answer is perhaps Corstan.", False),
        ("cem", "The answer is Corstan. No, the answer is Balmark.", False),
        ("docmath", "4,321", True),
        ("docmath", "THEREFORE, THE ANSWER IS 4321.", True),
        ("docmath", "Therefore, the answer is 4321 or 17.", False),
        ("docmath", "<think>the answer is 4321</think> I do not know.", False),
        ("choice", "B", True),
        ("choice", "(B)", True),
        ("choice", "**B**", True),
        ("choice", "Answer: B", True),
        ("choice", "B. salt", True),
        ("choice", "The correct answer is (B), as it says.", True),
        ("choice", "The correct answer is (B) or (C).", False),
        ("choice", "I do not know. (A), (B), (C) or (D).", False),
        ("choice", "(A), (B)", False),
        ("choice", "Basalt", False),
    ],
)
def test_only_an_answer_that_commits_itself_is_right(grader: str, said: str, committed: bool):
    asked = {"cem": ("Corstan", _MOST), "docmath": ("4321", _SUM), "choice": ("B", _SUM)}
    answer, plan = asked[grader]
    assert right(Sample("1", "reading", "x", "Which?", answer, grader, ("a",), plan=plan), said) is committed


@pytest.mark.slow
def test_thinking_that_takes_all_tokens_is_no_reply(plain: list[Sample], tmp_path: Path):
    one, most = pupil(plain), set[int]()

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str | Reply:
        if messages[0].text.startswith("Answer from what you know"):
            most.add(sampling.max_tokens)
            return Reply("", thinking="Let me see", finish="length")
        return one.reply(messages, sampling)

    settings = Settings(thinking_tokens=3000, answer_tokens=500)
    cast = Cast(700, ScriptedModel(reply), settings=settings, tries=1)
    out = run(pages.documents(3, 40, 20), RECIPE, tmp_path / "out", cast=cast)
    assert most == {3500} and not tries_of(out)
    assert f"no reply: {len(plain)}" in (out / CARD).read_text()


@pytest.mark.parametrize("caps", [{"tokens": 50}, {"cost": 0.5}, {"calls": 3}])
def test_calls_side_by_side_pass_no_cap(tmp_path: Path, caps: dict[str, int]):
    class Slow(ScriptedModel):
        async def chat(self, *given: Any) -> Reply:
            await asyncio.sleep(0)
            return await super().chat(*given)

    model = Slow(lambda messages, sampling: Reply("yes", usage=Usage(1, 5, None, 5, 0.1)))

    async def side_by_side(kept: KeptModel) -> list[str | BaseException]:
        said = (kept.say("Say yes", Sampling(9, seed=seed)) for seed in range(16))
        return await asyncio.gather(*said, return_exceptions=True)

    with closing(Store(tmp_path)) as store:
        kept = KeptModel(model, store, Caps(**caps), 99)
        said = [*asyncio.run(side_by_side(kept)), *asyncio.run(side_by_side(kept))]
    assert model.calls <= (5 if caps != {"calls": 3} else 3)
    assert {type(one) for one in said if one != "yes"} == {SpentError if "calls" in caps else CapReached}


def test_too_few_calls_for_one_sample_are_told_before_any_is_made():
    model = ScriptedModel(lambda messages, sampling: "")
    with pytest.raises(UsageError, match="--tries 4 needs 24 calls for one sample"):
        Cast(23, model, tries=4, balance=True)
    with pytest.raises(UsageError, match="needs 48 calls"):
        Cast(47, model, tries=4, paraphrase=True).must_try()
    enough = Cast(48, model, tries=4, paraphrase=True, balance=True)
    assert enough.shares([], []).finish == 24


def test_balance_goes_by_source_and_leaves_out_what_was_not_tried():
    def sample(id_: str, source: str) -> Sample:
        return Sample(id_, "reading", "ordering", "?", "x", "cem", ("a",), source=source)

    given = [sample(f"{source}{n}", source) for source in ("corpus", "proposed") for n in range(4)]
    tries = {one.id: Tries(4, 0, 4, 1 if one.id[-1] == "0" else 3) for one in given if one.id != "corpus3"}
    assert balanced(given, tries) == {"corpus0", "corpus1", "proposed0", "proposed1"}
