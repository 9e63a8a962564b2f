"""Several questions in one read."""

from __future__ import annotations

import pytest

from longread.models.scripted import ScriptedModel
from longread.reading.events import ChunkRead
from longread.reading.extractive import ExtractivePolicy
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Add
from longread.reading.reader import Reader
from longread.reading.replies import FormatError, parse_many
from longread.types import Corpus
from tests.support import planted

WORLDS = planted.several(60_000, 20, 7)
CORPUS = Corpus((WORLDS.document,))


def model() -> ScriptedModel:
    return ScriptedModel(lambda messages, _: planted.read(messages[0].text), window=32_768)


def policy(**budgets: int) -> LanguagePolicy:
    return LanguagePolicy.over(model(), **({"chunk": 4_000} | budgets))


@pytest.mark.parametrize("strategy", ["sequential", "full", "search"])
async def test_twenty_questions_get_the_answers_of_twenty_runs(strategy: str) -> None:
    reader = Reader(policy() if strategy != "full" else policy_with_room(), strategy=strategy)
    alone = [await reader.aask(question, CORPUS) for question in WORLDS.questions]
    together = await reader.aask(WORLDS.questions, CORPUS)

    assert [answer.question for answer in together] == list(WORLDS.questions)
    assert [answer.text for answer in together] == [answer.text for answer in alone]
    assert [answer.citations for answer in together] == [answer.citations for answer in alone]
    if strategy != "search":  # which reads no further than its passages
        assert [answer.text.split()[0] for answer in together] == list(WORLDS.answers)
        cost = sum(answer.usage.input_tokens or 0 for answer in alone)
        assert (together[0].usage.input_tokens or 0) <= cost / 5


def policy_with_room() -> LanguagePolicy:
    large = ScriptedModel(lambda messages, _: planted.read(messages[0].text), window=131_072)
    return LanguagePolicy.over(large)


async def test_usage_and_chunks_are_those_of_the_whole_run() -> None:
    answers = await Reader(policy(), strategy="sequential").aask(WORLDS.questions[:3], CORPUS)
    assert len({(answer.usage, answer.chunks) for answer in answers}) == 1
    assert answers[0].usage.calls == answers[0].chunks.total + 2 * 3


async def test_questions_that_do_not_fit_one_call_are_asked_in_groups() -> None:
    narrow = policy(notes=512)  # room for the notes of two questions
    answers = await Reader(narrow, strategy="sequential").aask(WORLDS.questions[:5], CORPUS)
    assert [answer.text.split()[0] for answer in answers] == list(WORLDS.answers[:5])
    assert answers[0].usage.calls == 3 * answers[0].chunks.total + 2 * 5


async def test_a_model_that_cannot_keep_questions_apart_is_asked_for_each_alone() -> None:
    def reply(messages, _) -> str:
        prompt = messages[0].text
        return "NOTE: no number" if "\nQUESTIONS\n" in prompt else planted.read(prompt)

    weak = LanguagePolicy.over(ScriptedModel(reply, window=32_768), chunk=4_000)
    answers = await Reader(weak, strategy="sequential").aask(WORLDS.questions[:3], CORPUS)
    assert [answer.text.split()[0] for answer in answers] == list(WORLDS.answers[:3])


async def test_notes_of_all_questions_together_keep_to_the_budget() -> None:
    def reply(messages, _) -> str:
        if "\nQUESTIONS\n" not in messages[0].text:
            return "NOT IN THE DOCUMENTS"
        facts = [f"Q1 NOTE: a long fact about company number {i}, as long as facts go" for i in range(60)]
        return "\n".join([*facts, "Q2 NOTE: a short one"])

    greedy = LanguagePolicy.over(ScriptedModel(reply, window=32_768), chunk=4_000, notes=1_024)
    last = None
    async for event in Reader(greedy, strategy="sequential").read(["About what?", "And else?"], CORPUS):
        if isinstance(event, ChunkRead):
            last = event
            first, second = (sum(greedy.count(e.claim) for e in notes.entries) for notes in event.notes)
            assert first + second <= 1_024
            assert second  # what one question needs is not taken by the other
    assert last is not None and any(change.dropped for change in last.changes)


async def test_without_a_model_several_questions_are_answered_as_alone() -> None:
    reader = Reader(ExtractivePolicy(), strategy="sequential")
    together = await reader.aask(WORLDS.questions[:4], CORPUS)
    assert [a.text for a in together] == [(await reader.aask(q, CORPUS)).text for q in WORLDS.questions[:4]]


def test_lines_go_to_the_questions_they_name() -> None:
    parsed = parse_many(
        'Q1, Q3 NOTE: shared | "the words"\n- **Q2 NOTE:** own\nQ2 PLAN: look on\nQ3: NOTHING\nQ4\nNOTE: below',
        4,
    )
    assert parsed[0].operations == (Add("shared", "the words"),) == parsed[2].operations
    assert parsed[1].operations == (Add("own", "own"),) and parsed[1].plan == "look on"
    assert parsed[3].operations == (Add("below", "below"),)
    assert parse_many("NOTHING", 2) == parse_many("nothing relevant.", 2) == [((), None)] * 2


def test_a_quote_that_begins_like_a_number_stays_with_its_note() -> None:
    parsed = parse_many("Q2 NOTE: revenue\nQ1 2023 was the best quarter", 2)
    assert parsed[0].operations == ()
    assert parsed[1].operations[0].claim == "revenue Q1 2023 was the best quarter"


@pytest.mark.parametrize(
    "reply", ["NOTE: whose?", "Q7 NOTE: nobody's", "It speaks of many things.", "Q1 maybe"]
)
def test_a_reply_that_names_no_question_is_refused(reply: str) -> None:
    with pytest.raises(FormatError):
        parse_many(reply, 3)
