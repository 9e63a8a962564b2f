"""The small world: answers follow from the words of the text, and training and evaluation share no name."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress

import pytest

from longread.worlds.nano.language import RELATIONS, Sold, Statement, Wished, kinds, parse, sale, state, wish
from longread.worlds.nano.questions import TASKS, Item, ask_many, consistent, make, prove, solve
from longread.worlds.tasks.base import Unsolvable


def text(item: Item) -> str:
    return "".join(document.text for document in item.documents)


@pytest.mark.parametrize("split", ["train", "evaluation"])
@pytest.mark.parametrize("task", TASKS)
def test_answers_are_proved_from_the_text_alone(task: str, split: str) -> None:
    for index in range(60):
        item = make(task, (6, 60, 500)[index % 3], 3, index, split, (2, 3, 4))
        assert prove(item) == item.sample.answer
        assert item == make(task, (6, 60, 500)[index % 3], 3, index, split, (2, 3, 4))


@pytest.mark.parametrize("task", TASKS)
def test_without_any_of_its_evidence_a_question_has_another_answer_or_none(task: str) -> None:
    for index in range(30):
        item = make(task, 30, 4, index, hops=(2, 3))
        lines = [line.strip() for line in text(item).splitlines()]
        texts = {document.id: document.text for document in item.documents}
        evidence = [texts[piece.doc][piece.start : piece.end] for piece in item.sample.evidence]
        without = [line for line in lines if line not in evidence]
        with suppress(Unsolvable):
            assert solve(item.sample.question, without) != item.sample.answer


def test_every_line_says_one_thing_that_can_be_read_back() -> None:
    rng = random.Random(0)
    pools = kinds("train")
    for relation in RELATIONS.values():
        for _ in range(100):
            subject, object = rng.choice(pools[relation.subject]), rng.choice(pools[relation.object])
            stated = state(rng, relation.name, subject, object)
            assert parse(stated) == Statement(relation.name, subject, object), stated
    assert parse(sale("Anna Berg", "May", 42)) == Sold("Anna Berg", "May", 42)
    assert parse(wish("Anna Berg", "tea")) == Wished("Anna Berg", "tea")
    assert parse("page 7") is None


def test_no_text_contradicts_itself() -> None:
    for task in TASKS:
        for index in range(40):
            assert consistent(text(make(task, 300, 8, index, hops=(2, 3))).splitlines())
    assert not consistent(["Lima lies on the Oder.", "The river of Lima is Elbe."])
    assert not consistent(["In May Anna Berg sold 40 sacks.", "In May Anna Berg sold 41 sacks."])


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_training_and_evaluation_share_no_person_no_company_and_no_sample(seed: int) -> None:
    for kind in ("person", "company"):
        train, evaluation = (set(kinds(split)[kind]) for split in ("train", "evaluation"))
        assert not train & evaluation
        assert len(evaluation) >= len(train) / 4
    seen = {
        split: [make(task, 20, seed, index, split) for task in TASKS for index in range(40)]
        for split in ("train", "evaluation")
    }
    lines = {
        split: {line for item in items for line in text(item).splitlines()} for split, items in seen.items()
    }
    named = {
        split: {line for line in those if any(name in line for name in kinds(split)["person"])}
        for split, those in lines.items()
    }
    assert all(named.values())
    assert not named["train"] & named["evaluation"]
    questions = {
        split: {item.sample.question for item in items if item.sample.type != "count"}
        for split, items in seen.items()
    }
    assert not questions["train"] & questions["evaluation"]


def test_answers_are_spread_and_places_too() -> None:
    for task in TASKS:
        items = [make(task, 40, 6, index) for index in range(300)]
        (_, most), *_ = Counter(item.sample.answer for item in items).most_common()
        assert most <= {"multiple_choice": 95, "numerical": 60}.get(task, 30)
        first = [
            item.sample.evidence[0].start / len(text(item))
            for item in items
            if len(item.sample.evidence) == 1
        ]
        if len(first) > 100:
            assert sum(place < 0.5 for place in first) == pytest.approx(len(first) / 2, rel=0.2)


def test_several_questions_on_one_text_do_not_disturb_one_another() -> None:
    for seed in range(20):
        lines, asked = ask_many(random.Random(seed), TASKS, 40, "train", (2, 3))
        assert [solve(one.text, lines) for one in asked] == [one.answer for one in asked]
        assert len(asked) == len(TASKS)
        assert consistent(lines)


@pytest.mark.parametrize("task", TASKS)
def test_lines_nearly_about_what_is_asked_share_half_of_it_and_answer_nothing(task: str) -> None:
    same_thing = same_word = 0
    for seed in range(20):
        lines, (asked,) = ask_many(random.Random(seed), [task], 40, "train", (2, 3), near=1.0)
        assert solve(asked.text, lines) == asked.answer
        facts = [_about(line) for line in asked.lines]
        for said in [_about(line) for line in lines if line not in asked.lines]:
            thing = [of for what, of in facts if said[1] == of and said[0] != what]
            word = [of for what, of in facts if said[0] == what and said[1] != of]
            if asked.type != "count":
                word = [of for of in word if " " not in of or set(of.split()) & set(said[1].split())]
            assert thing or word, (said, asked.text)
            same_thing += bool(thing)
            same_word += bool(word)
    assert same_thing > 100 and same_word > 100


def _about(line: str) -> tuple[str, str]:
    """The relation that a line states, or none, and of what."""
    said = parse(line)
    assert said
    return (said.relation, said.subject) if isinstance(said, Statement) else ("", said.person)


def test_a_text_without_the_answer_or_with_two_is_told() -> None:
    with pytest.raises(Unsolvable, match="0 answers"):
        solve("What is the pet of Anna Berg?", ["Leo King keeps a cat."])
    with pytest.raises(Unsolvable, match="2 answers"):
        solve("What is the pet of Anna Berg?", ["Anna Berg keeps a cat.", "The pet of Anna Berg is dog."])
    with pytest.raises(Unsolvable, match="nobody asks"):
        solve("Why?", [])
