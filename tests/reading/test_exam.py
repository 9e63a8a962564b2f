"""The exam of `longread doctor --quality`: what is planted, what counts as right, and what is counted."""

from __future__ import annotations

import re

import pytest

from longread.errors import ModelError
from longread.models.base import Message, Reply, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.exam import Item, is_right, make_exam
from longread.reading.examiner import Examiner
from longread.reading.extractive import ExtractivePolicy
from longread.reading.language import LanguagePolicy
from longread.types import Answer, Citation
from tests.support import examinee

EXAM = make_exam()


def answer(item: Item, text: str, *, at: int | None = None, answered: bool = True) -> Answer:
    start = item.start if at is None else at
    citation = Citation(item.document.source, start, start + 10, None, None, "")
    return Answer(text, answered, (citation,))


def examined(reply) -> tuple[Examiner, ScriptedModel]:
    model = ScriptedModel(lambda messages, sampling: reply(messages, sampling), window=8192)
    return Examiner(LanguagePolicy.over(model)), model


async def run(examiner: Examiner) -> None:
    async for _ in examiner.run(EXAM):
        pass


def test_one_seed_gives_one_exam() -> None:
    assert make_exam() == EXAM
    assert {item.document.text for item in make_exam(16)}.isdisjoint(item.document.text for item in EXAM)


def test_each_answer_is_planted_once_and_the_absent_ones_are_absent() -> None:
    assert len(EXAM) == 10
    for item in EXAM:
        assert 7_500 < len(item.document.text) < 34_000
        if item.expected:
            assert item.document.text.count(item.expected) == 1
            assert item.expected in item.document.text[item.start : item.end]
        else:
            subject = re.search(r"ferry (.+?) tie|granary of (\w+)", item.question)
            assert subject
            assert (subject[1] or subject[2]) in item.document.text
            assert (
                examinee.read(f"QUESTION\n{item.question}\n<<a\n{item.document.text}\na>>")
                == "NOT IN THE DOCUMENTS"
            )


def test_facts_of_two_steps_lie_far_apart_and_in_reading_order() -> None:
    for item in EXAM:
        if item.kind == "two steps":
            person = item.document.text[item.start :].split(" learned")[0]
            first = item.document.text.index(f"was built by {person}")
            assert item.start - first > 2_000


@pytest.mark.parametrize("text", ["It is {0} [1].", "**{0}**", "{0}", "{1}[1]"])
def test_an_answer_is_right_whatever_is_around_it(text: str) -> None:
    for item in EXAM:
        if item.expected:
            said = text.format(item.expected, item.expected.upper().replace(",", " "))
            assert is_right(item, answer(item, said))


def test_a_wrong_value_a_wrong_place_and_a_refusal_are_wrong() -> None:
    for item in EXAM:
        if item.expected is None:
            assert is_right(item, answer(item, "", answered=False))
            assert not is_right(item, answer(item, "It is there"))
            continue
        assert not is_right(item, answer(item, f"x{item.expected}x"))
        assert not is_right(item, answer(item, item.expected, at=item.end))
        assert not is_right(item, answer(item, item.expected, answered=False))


async def test_a_perfect_reader_has_all_right_and_breaks_no_form() -> None:
    examiner, model = examined(lambda messages, sampling: examinee.read(messages[0].text))
    cost = examiner.cost(EXAM)
    await run(examiner)
    assert examiner.right == 10
    assert all(right == asked for right, asked in examiner.kinds.values())
    assert list(examiner.kinds) == ["single fact", "number", "quote", "two steps", "update", "absent"]
    assert examiner.grade == "good"
    assert (examiner.tally.replies, examiner.broken) == (model.calls, 0)
    assert model.calls == pytest.approx(cost.calls, rel=0.1)
    assert examiner.tally.usage.input_tokens == pytest.approx(cost.input_tokens, rel=0.3)


async def test_a_reader_that_has_no_form_is_weak_and_each_reply_is_counted() -> None:
    examiner, model = examined(lambda messages, sampling: "Well, the text speaks of many things.")
    await run(examiner)
    answers = len(EXAM)  # prose is as good an answer as any, in form
    assert examiner.right == 0
    assert examiner.tally.broken == model.calls - answers
    assert examiner.grade == "weak"


async def test_replies_that_are_mended_are_counted_once() -> None:
    broken = 0

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str | Reply:
        nonlocal broken
        if "\nSECTION 1 OF" in messages[0].text and len(messages) == 1:
            broken += 1
            return "Let me think about this section for a while."
        return examinee.read(messages[0].text)

    examiner, _ = examined(reply)
    await run(examiner)
    assert broken == examiner.tally.broken == 10
    assert examiner.right == 10
    assert examiner.grade == "usable"  # for the form alone


async def test_empty_and_cut_off_replies_are_broken_ones() -> None:
    first: set[str] = set()

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str | Reply:
        prompt = messages[0].text
        if prompt not in first:
            first.add(prompt)
            return Reply("", finish="length") if len(first) % 2 else Reply("")
        return examinee.read(prompt)

    examiner, _ = examined(reply)
    await run(examiner)
    assert examiner.tally.broken == examiner.tally.formed == len(first)
    assert examiner.right == 10


async def test_an_error_of_the_model_is_a_wrong_answer_and_the_exam_goes_on() -> None:
    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        if "carved" in messages[0].text.split("?")[0]:
            raise ModelError("the server is out of order")
        return examinee.read(messages[0].text)

    examiner, _ = examined(reply)
    await run(examiner)
    assert examiner.right == 9
    assert [o.text for o in examiner.outcomes if not o.right] == ["the server is out of order"]


async def test_a_small_window_is_enough() -> None:
    model = ScriptedModel(lambda messages, sampling: examinee.read(messages[0].text), window=2048)
    examiner = Examiner(LanguagePolicy.over(model))
    await run(examiner)
    assert examiner.right == 10


async def test_without_a_model_nothing_is_called_and_all_is_graded() -> None:
    examiner = Examiner(ExtractivePolicy(1_000, 4_000))
    assert examiner.cost(EXAM) == (0, 0, 0)
    await run(examiner)
    assert len(examiner.outcomes) == 10
    assert examiner.tally.replies == 0
