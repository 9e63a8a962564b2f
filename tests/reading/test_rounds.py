"""Chunks read apart, notes put together, and what is missing sought again."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longread import Answer, Corpus, Document, Journal, Reader
from longread.errors import ModelError, UsageError
from longread.models.base import Message, OnDelta, Reply, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.events import ChunkRead
from longread.reading.exhaustive import exhaustive, gathers
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Entry, Notes
from longread.reading.policy import Task
from longread.types import Span
from tests.support import planted

WORLD = planted.plant(40_000, 3, seed=7, decoys=60)


def turned(world: planted.World) -> Document:
    """The text with its chain the other way round: each fact stands after the one it leads to."""
    text = world.text
    for number, hop in enumerate(world.hops):
        text = text.replace(hop, f"@{number}@")
    for number, hop in enumerate(reversed(world.hops)):
        text = text.replace(f"@{number}@", hop)
    return Document("world", "world.txt", text)


class Together(ScriptedModel):
    """Answers all calls that wait once nobody asks any more: `waves` counts how often that was."""

    def __init__(self, read: Callable[[str], str] = planted.read) -> None:
        super().__init__(lambda messages, _: read(messages[0].text), window=16_384)
        self.waves = 0
        self.longest = 0
        self._waiting: list[asyncio.Future[None]] = []

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        assert self.window
        self.longest = max(self.longest, sum(self.count(message.text) for message in messages))
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        known = 0
        while not turn.done() and self._waiting[0] is turn:  # the first to ask sees to it
            if known == len(self._waiting):
                self.waves += 1
                waiting, self._waiting = self._waiting, []
                for one in waiting:
                    one.cancelled() or one.set_result(None)
                break
            known = len(self._waiting)
            for _ in range(20):
                await asyncio.sleep(0)
        await turn
        return await super().chat(messages, sampling, on_delta)


def policy(model: ScriptedModel, **sizes: int) -> LanguagePolicy:
    return replace(LanguagePolicy.over(model, **{"chunk": 400} | sizes), concurrency=1_000)


async def ask(
    model: ScriptedModel, document: Document, question: str = WORLD.question, **given: Any
) -> Answer:
    return await Reader(policy(model), strategy="rounds", **given).aask(question, Corpus((document,)))


@pytest.mark.parametrize("document", [WORLD.document(), turned(WORLD)], ids=["in order", "against order"])
async def test_a_chain_is_found_in_either_order_in_few_waves_of_calls(document: Document) -> None:
    model = Together()
    answer = await ask(model, document)
    assert answer.text.startswith(WORLD.answer)
    assert {citation.text for citation in answer.citations} == set(WORLD.hops)
    assert answer.chunks.total > 90
    assert model.waves <= 8


async def test_a_chain_against_the_order_is_followed_in_order_too() -> None:
    """Reading in order meets the facts before it knows of whom they speak; it goes back for them."""
    for strategy in ("sequential", "speculative"):
        reader = Reader(
            policy(ScriptedModel(lambda m, _: planted.read(m[0].text), window=16_384)), strategy=strategy
        )
        answer = await reader.aask(WORLD.question, Corpus((turned(WORLD),)))
        assert answer.text.startswith(WORLD.answer)
        assert 0 < answer.chunks.reread < answer.chunks.total / 4


async def test_without_revisits_nothing_is_read_again() -> None:
    answer = await ask(Together(), turned(WORLD), revisits=0)
    assert answer.chunks.reread == 0
    assert not answer.answered


async def test_it_may_end_when_the_notes_suffice_and_says_what_was_not_read() -> None:
    one = planted.plant(40_000, 1, seed=8, decoys=60)
    answer = await ask(Together(), one.document(), one.question, early_exit=True)
    unread = answer.chunks.total - answer.chunks.read
    assert answer.text.startswith(one.answer)
    assert unread > answer.chunks.total / 2
    assert answer.stopped == f"the notes sufficed; {unread:,} of {answer.chunks.total:,} chunks were not read"
    whole = await ask(Together(), one.document(), one.question)
    assert whole.chunks.read == whole.chunks.total
    assert whole.stopped is None


async def test_it_never_ends_early_on_a_count() -> None:
    one = planted.plant(20_000, 1, seed=9, decoys=60)
    count = one.question.replace("Who", "How many people who")
    answer = await ask(Together(), one.document(), count, early_exit=True)
    assert answer.chunks.read == answer.chunks.total


@pytest.mark.parametrize(("said", "hops"), [("I cannot say.", 1), ("ENOUGH", 2)])
async def test_it_reads_on_where_nobody_can_tell_or_the_answer_is_not_there(said: str, hops: int) -> None:
    world = planted.plant(40_000, hops, seed=8, decoys=60)

    def reply(prompt: str) -> str:
        return said if "Do these notes suffice" in prompt else planted.read(prompt)

    answer = await ask(Together(reply), world.document(), world.question, early_exit=True, revisits=0)
    assert answer.chunks.read == answer.chunks.total
    assert answer.stopped is None


async def test_a_wish_that_is_withheld_from_reading_counts_too() -> None:
    one = planted.plant(20_000, 1, seed=9, decoys=60)

    def reply(prompt: str) -> str:
        if "Part it in two" in prompt:
            return f"QUESTION: {one.question}\nINSTRUCTIONS: Tell all of them as a table."
        return planted.read(prompt)

    asked = f"{one.question} Tell all of them as a table."
    answer = await ask(Together(reply), one.document(), asked, early_exit=True)
    assert answer.text.startswith(one.answer)
    assert answer.chunks.read == answer.chunks.total


async def test_a_chunk_speaks_of_no_notes_that_it_was_not_shown() -> None:
    def reply(prompt: str) -> str:
        if "\nSECTION " in prompt:
            number = int(prompt.split("\nSECTION ")[1].split()[0])
            line = max(prompt.rsplit("---\n", 1)[1].splitlines(), key=len)[:60]
            return (
                f'NOTE: part {number} | "{line}"\nUPDATE n1: part {number} again | "{line}"\nPIN n1\nDROP n1'
            )
        return "ENOUGH" if "Do these notes suffice" in prompt else "So [n1]."

    seen = []
    reader = Reader(policy(Together(reply)), strategy="rounds")
    async for event in reader.read("What is said?", Corpus((WORLD.document(),))):
        if isinstance(event, ChunkRead):
            seen.append(event.notes[0])
    assert len(seen[-1].entries) > 100
    assert not any(entry.replaces for entry in seen[-1].entries)
    assert not seen[-1].pinned and not seen[-1].unwanted


async def test_one_chunk_keeps_no_more_than_its_share() -> None:
    def reply(prompt: str) -> str:
        if "Which of these notes should be kept?" in prompt:
            return "KEEP " + ", ".join(re.findall(r"^\[(n\d+)\] greedy", prompt, re.MULTILINE))
        return hoarder(prompt)

    made = policy(Together(reply), notes=1_000)
    entries = [
        Entry(
            n,
            f"{'greedy' if n < 200 else 'honest'} {n}",
            "q" * 60,
            Span("world", n, n + 60),
            n if n >= 200 else 4,
        )
        for n in range(1, 400)
    ]
    [(notes, _)] = await made.consolidate([Task("Who?")], [Notes(tuple(entries), next_id=400)])
    assert all(entry.span for entry in notes.entries)
    greedy = [entry for entry in notes.entries if entry.chunk == 4]
    assert 0 < sum(map(made._size, greedy)) <= 1_000 // 8
    assert len(notes.entries) > 2 * len(greedy)


async def test_notes_larger_than_a_share_of_the_prompt_are_not_all_dropped() -> None:
    made = policy(Together(hoarder), notes=1_000, chunk=400)
    entries = [Entry(n, "w " * 900, "", Span("world", n, n + 1), n) for n in range(1, 60)]
    [(notes, dropped)] = await made.consolidate([Task("Who?")], [Notes(tuple(entries), next_id=60)])
    assert notes.entries
    assert len(notes.entries) + len(dropped) == 59


def hoarder(prompt: str) -> str:
    """Notes the first line of every section and keeps the labels it sees first."""
    if "Which of these notes should be kept?" in prompt:
        return "KEEP " + ", ".join(re.findall(r"^\[(n\d+)\]", prompt, re.MULTILINE)[:40])
    if "Do these notes suffice" in prompt:
        return "ENOUGH"
    if "\nSECTION " in prompt:
        text = re.split(r"\n\w+>>", prompt.rsplit("---\n", 1)[1])[0]
        lines = [line for line in text.splitlines() if len(line) > 60]
        return "\n".join(f'NOTE: it is said | "{line[:250]}"' for line in lines[:3]) or "NOTHING"
    return "It is so [n1]."


async def test_more_notes_than_there_is_room_for_are_chosen_from_within_the_window(tmp_path: Path) -> None:
    model = Together(hoarder)
    journal = Journal(tmp_path)
    reader = Reader(policy(model, notes=1_000), strategy="rounds", journal=journal, early_exit=False)
    answer = await reader.aask("What is said?", Corpus((WORLD.document(),)))
    assert answer.run_id
    added = [entry for step in journal.steps(answer.run_id) for entry in step.added]
    dropped = [entry for step in journal.steps(answer.run_id) for entry in step.dropped]
    held = journal.notes(answer.run_id).entries
    assert len(added) > 200
    assert len(held) + len(dropped) == len(added)
    assert {entry.quote for entry in held}.isdisjoint(entry.quote for entry in dropped)
    assert sum(policy(model)._size(entry) for entry in held) <= 1_000
    assert model.window and model.longest < model.window
    assert model.waves <= 6
    journal.close()


async def test_a_memory_of_free_text_cannot_be_put_together() -> None:
    text = replace(policy(Together()), prompts=LanguagePolicy.over(Together(), "text", chunk=400).prompts)
    with pytest.raises(UsageError, match="--strategy sequential"):
        await Reader(text, strategy="rounds").aask(WORLD.question, Corpus((WORLD.document(),)))


async def test_a_call_that_fails_stops_the_run_which_goes_on_from_there(tmp_path: Path) -> None:
    broken = random.Random(1).randrange(60)

    class Failing(Together):
        asked = 0

        async def chat(self, *given: Any) -> Reply:
            self.asked += 1
            if self.asked == broken:
                raise ModelError("gone")
            return await super().chat(*given)

    journal = Journal(tmp_path)
    with pytest.raises(ModelError, match="gone"):
        await ask(Failing(), WORLD.document(), journal=journal)
    model = Together()
    answer = await ask(model, WORLD.document(), journal=journal)
    assert answer.text.startswith(WORLD.answer)
    assert answer.usage.calls >= model.calls
    journal.close()


@pytest.mark.parametrize(
    ("question", "counts", "whole"),
    [
        ("How many ships are named?", True, True),
        ("List every treaty.", True, True),
        ("Who was the last king?", False, True),
        ("第一章之后发生了什么？", False, True),
        ("文中提到了多少艘船？", True, True),
        ("Which ministers resigned?", False, True),
        ("Name the ships.", True, True),
        ("¿Cuantos barcos hay?", True, True),
        ("Welche Schiffe sanken?", False, True),
        ("Who founded Acme?", False, False),
        ("In which city was Countess Ada born?", False, False),
    ],
)
def test_questions_about_all_of_the_text_are_known(question: str, counts: bool, whole: bool) -> None:
    assert (gathers(question) is not None, exhaustive(question)) == (counts, whole)
