"""Rollouts are traces of the reader: their conversations, credit and rewards; a batch never depends on time."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from longread.models.turns import Turns
from longread.training.generation import Generated, Request
from longread.training.records import Conversation
from longread.training.rollouts import Case, Reads, rollouts
from longread.training.supervised import replies
from tests.support import lookup
from tests.training.conftest import Tiny


def reads(tiny: Tiny, mode: str = "memory") -> Reads:
    return Reads(mode, str(tiny.folder / "prompts.toml"), 4096, 8, chunk=64, notes=24)


class Spoken:
    """Says what a rule of the prompt's text says; keeps the batches it was asked for."""

    def __init__(self, turns: Turns, rule) -> None:
        self.turns = turns
        self.rule = rule
        self.batches: list[list[str]] = []

    def __call__(self, requests: Sequence[Request]) -> list[Generated]:
        prompts = [self.turns.decode(request.prompt) for request in requests]
        self.batches.append(prompts)
        made = []
        for request, prompt in zip(requests, prompts, strict=True):
            ids = (*self.turns.encode(self.rule(prompt)), min(self.turns.ends))[: request.limit]
            finish = "stop" if ids[-1] in self.turns.ends else "length"
            zeros = (0.0,) * len(ids)
            made.append(Generated(Conversation(request.prompt, ids, zeros, zeros), finish))
        return made


def reader(case: Case):
    """Notes the gold line when it sees it, keeps it, and answers from it."""
    gold = case.documents[0].text[case.sample.evidence[0].start : case.sample.evidence[0].end]

    def rule(prompt: str) -> str:
        seen = " ".join(prompt.split())
        if seen.endswith("update"):
            return f"<memory> {gold if gold in seen else '.'} </memory>"
        return case.sample.answer if gold in seen else "."

    return rule


@pytest.fixture
def tiny(dense) -> Tiny:
    from tests.training.conftest import open_tiny

    return open_tiny(dense)


def run(cases, attempts, how, spoken):
    return asyncio.run(rollouts(cases, attempts, how, spoken.turns, spoken))


def test_a_memory_trajectory_is_one_conversation_a_chunk_and_one_for_the_answer(tiny: Tiny) -> None:
    case = lookup.case(3, lines=20)
    spoken = Spoken(tiny.turns, reader(case))
    (made, other) = run([case], 2, reads(tiny), spoken)
    assert len(made.conversations) == len(spoken.batches) == 4
    assert made.reward == other.reward == 1.0
    assert made.gains == (1.0, 0.0, 0.0, None)
    assert made.response == case.sample.answer
    assert all(len(batch) == 2 for batch in spoken.batches)


def test_a_note_beside_the_evidence_costs_what_the_stage_says(tiny: Tiny) -> None:
    case = lookup.case(3, lines=20)
    gold = reader(case)
    spoken = Spoken(tiny.turns, gold)

    def stray(prompt: str) -> str:
        reply = gold(prompt)
        beside = [line.strip() for line in prompt.splitlines() if line.startswith(" - ")]
        return reply.replace("</memory>", f"\n{beside[-1]} </memory>") if len(spoken.batches) == 2 else reply

    spoken.rule = stray
    made = asyncio.run(rollouts([case], 1, reads(tiny), tiny.turns, spoken, stray_cost=0.25))
    assert made[0].gains == (1.0, -0.25, 0.0, None)
    spoken.batches.clear()
    (free,) = run([case], 1, reads(tiny), spoken)
    assert free.gains == (1.0, 0.0, 0.0, None)


def test_losing_what_was_noted_is_debited_to_the_update_that_lost_it(tiny: Tiny) -> None:
    case = lookup.case(3, lines=20)
    gold = reader(case)
    forgetful = Spoken(tiny.turns, gold)
    forgetful.rule = lambda p: "<memory> . </memory>" if len(forgetful.batches) == 3 else gold(p)
    (made,) = run([case], 1, reads(tiny), forgetful)
    assert made.gains == (1.0, 0.0, -1.0, None)
    assert made.reward == 0.0


NOTED = """\
format = "ledger"
exact = true
confirm = true
split = "$question"
note = '''
$notes
$section
$question $plan update
'''
answer = '''
$notes
$question
'''
whole = "$section $question"
again = "$error"
"""


def test_a_section_read_twice_is_one_update_whose_gain_both_conversations_have(
    tiny: Tiny, tmp_path: Path
) -> None:
    case = lookup.case(3, lines=20)
    (piece,) = case.sample.evidence
    gold = case.documents[0].text[piece.start : piece.end]
    rule = reader(case)
    spoken = Spoken(tiny.turns, lambda _: "")

    def careful(prompt: str) -> str:
        """Its tokenizer has no word for NOTE: a reply without form is a note of its own words."""
        return gold if len(spoken.batches) <= 3 else "update" if prompt.endswith("update") else rule(prompt)

    def careless(prompt: str) -> str:
        """The same, but for what it says in its second reading."""
        return "update" if len(spoken.batches) == 3 else careful(prompt)

    # A question that is no plain one is split first, which updates nothing.
    case = case._replace(sample=replace(case.sample, question=f"{case.sample.question} ."))
    how = replace(
        reads(tiny), prompts=str(tmp_path / "noted.toml"), window=4096, answer=40, chunk=64, notes=64
    )
    (tmp_path / "noted.toml").write_text(NOTED, "utf-8")
    spoken.rule = careful
    (made,) = run([case], 1, how, spoken)
    assert made.gains == (None, 1.0, 1.0, 0.0, 0.0, None)
    assert made.updates == (None, 0, 0, 1, 2, None)
    assert (made.gained, made.reward) == (1.0, 1.0)
    spoken.batches.clear()
    spoken.rule = careless
    (made,) = run([case], 1, how, spoken)
    assert (made.gains, made.gained) == ((None, 0.0, 0.0, 0.0, 0.0), 0.0)
    assert made.updates == (None, 0, 0, 1, 2)


def test_full_context_is_one_conversation(tiny: Tiny) -> None:
    case = lookup.case(4, lines=20)
    (made,) = run([case], 1, reads(tiny, "full"), Spoken(tiny.turns, reader(case)))
    assert len(made.conversations) == 1
    assert made.reward == 1.0
    assert made.gains == (None,)


def test_an_answer_that_was_cut_off_earns_nothing_and_stays(tiny: Tiny) -> None:
    case = lookup.case(4, lines=20)
    how = replace(reads(tiny, "full"), answer=2)
    (made,) = run([case], 1, how, Spoken(tiny.turns, lambda _: f"{case.sample.answer} {case.sample.answer}"))
    assert (made.reward, made.response) == (0.0, "")
    assert len(made.conversations[0].reply) == 2


def test_an_empty_reply_earns_nothing(tiny: Tiny) -> None:
    case = lookup.case(4, lines=20)
    (made,) = run([case], 1, reads(tiny, "full"), Spoken(tiny.turns, lambda _: ""))
    assert made.reward == 0.0
    assert len(made.conversations) == 1


def test_ids_are_those_that_were_drawn_even_where_text_would_be_encoded_otherwise(tiny: Tiny) -> None:
    case = lookup.case(4, lines=20)
    drawn = (2, 2, min(tiny.turns.ends))  # unknown words: their text encodes to something else

    def generate(requests: Sequence[Request]) -> list[Generated]:
        return [Generated(Conversation(r.prompt, drawn, (0.0,) * 3, (0.0,) * 3), "stop") for r in requests]

    (made,) = asyncio.run(rollouts([case], 1, reads(tiny, "full"), tiny.turns, generate))
    assert made.conversations[0].reply == drawn


def test_batches_follow_the_order_of_trajectories_and_never_time(tiny: Tiny, monkeypatch) -> None:
    """Readings of different lengths, each step of which yields to the others at random moments."""
    from longread.training import lockstep

    cases = [lookup.case(seed, lines=lines) for seed, lines in ((1, 4), (2, 20), (3, 12))]
    rules = {case.sample.question: reader(case) for case in cases}

    def rule(prompt: str) -> str:
        return next(rules[q] for q in rules if q in " ".join(prompt.split()))(prompt)

    chat = lockstep.Lane.chat
    seen = []
    for seed in range(3):
        drawing = random.Random(seed)

        async def unsteady(self, *args, drawing=drawing):
            for _ in range(drawing.randrange(6)):
                await asyncio.sleep(0)
            return await chat(self, *args)

        monkeypatch.setattr(lockstep.Lane, "chat", unsteady)
        spoken = Spoken(tiny.turns, rule)
        made = run(cases, 2, reads(tiny), spoken)
        seen.append((spoken.batches, made))
    assert seen[0] == seen[1] == seen[2]
    assert [len(batch) for batch in seen[0][0]] == [6, 6, 4, 2]


def test_an_error_of_one_reading_ends_all(tiny: Tiny) -> None:
    def fails(requests: Sequence[Request]) -> list[Generated]:
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        asyncio.run(rollouts([lookup.case(1)], 2, reads(tiny), tiny.turns, fails))


@pytest.mark.parametrize("mode", ["full", "memory"])
def test_imitated_replies_earn_the_reward_and_have_the_prompts_of_rollouts(tiny: Tiny, mode: str) -> None:
    case = lookup.case(5, lines=20)
    taught = asyncio.run(replies(case, reads(tiny, mode), tiny.turns))
    said = iter([tiny.turns.reply(c.prompt, c.reply, (), "stop").text for c in taught])
    (made,) = run([case], 1, reads(tiny, mode), Spoken(tiny.turns, lambda _: next(said)))
    assert [c.prompt for c in made.conversations] == [c.prompt for c in taught]
    assert [c.reply for c in made.conversations] == [c.reply for c in taught]
    assert made.reward == 1.0
