"""Reading ahead gives what reading in order gives."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread import Corpus, Document, Journal, Reader
from longread.errors import CapReached
from longread.models.base import Message, OnDelta, Reply, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.events import ChunkRead, Finished
from longread.reading.language import LanguagePolicy
from longread.types import Answer


def draw(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4])


class Wayward(ScriptedModel):
    """Does with each prompt what a hash of it says, and takes its time, so that replies come out of order."""

    def __init__(self, seed: int, change: int) -> None:
        super().__init__(self._say, window=4_096)
        self._seed, self._change = seed, change
        self.asked: Counter[int] = Counter()

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        self.asked[self._lot(messages[0].text)] += 1
        for _ in range(self._lot(messages[0].text) % 7):
            await asyncio.sleep(0)
        return await super().chat(messages, sampling, on_delta)

    def _lot(self, prompt: str) -> int:
        return draw(self._seed, re.sub("[0-9a-f]{16}", "", prompt))  # without the fences' word

    def _say(self, messages: tuple[Message, ...], sampling: Sampling) -> str:
        prompt = messages[0].text
        lot = self._lot(prompt)
        held = re.findall(r"^\[n(\d+)\]", prompt, re.MULTILINE)
        if "Do these notes suffice" in prompt:
            return "ENOUGH" if lot % 3 == 0 else f"SEEK: says {lot % 77}"
        if "\nSECTION " not in prompt:
            return f"By the notes {' '.join(f'[n{n}]' for n in held)}."
        if lot % 100 >= self._change:
            return "NOTHING"
        quote = " ".join(prompt.rsplit("---\n", 1)[1].split()[:4])
        kinds = [f'NOTE: c{lot % 5} | "{quote}"', f"PLAN: look for {lot % 3}", "PLAN: look for 1"]
        if held:
            kinds += [f"DROP n{held[lot % len(held)]}", f'UPDATE n{held[0]}: d | "{quote}"']
        return kinds[lot // 100 % len(kinds)]


def corpus(seed: int, lines: int) -> Corpus:
    text = "\n".join(f"line {n} says {draw(seed, n) % 1000} and {draw(n, seed) % 77}." for n in range(lines))
    return Corpus((Document("d", "d.txt", text),))


async def told(
    model: ScriptedModel, strategy: str, text: Corpus, concurrency: int = 16, questions: int = 1, **given: Any
) -> tuple[tuple[Answer, ...], list[ChunkRead]]:
    policy = replace(LanguagePolicy.over(model, chunk=64, notes=300), concurrency=concurrency)
    asked = [f"Which line says {n}?" for n in range(questions)]
    events = [event async for event in Reader(policy, strategy=strategy, **given).read(asked, text)]
    assert isinstance(events[-1], Finished)
    return events[-1].answers, [event for event in events if isinstance(event, ChunkRead)]


def same(one: Sequence[Answer], other: Sequence[Answer]) -> bool:
    return [(a.text, a.citations, a.chunks) for a in one] == [(a.text, a.citations, a.chunks) for a in other]


@given(st.integers(0, 10**6), st.integers(0, 100), st.integers(1, 120), st.integers(1, 40), st.integers(1, 3))
@settings(deadline=None, max_examples=60)
async def test_it_reads_as_in_order(
    seed: int, change: int, lines: int, concurrency: int, questions: int
) -> None:
    text = corpus(seed, lines)
    plain, steps = await told(Wayward(seed, change), "sequential", text, 1, questions)
    answers, ahead = await told(Wayward(seed, change), "speculative", text, concurrency, questions)
    assert ahead == steps
    assert same(answers, plain)


async def test_where_little_changes_few_calls_come_to_nothing() -> None:
    model = Wayward(3, 5)
    _, steps = await told(model, "speculative", corpus(3, 1_500))
    assert len(steps) > 150
    assert any(step.changes[0].operations for step in steps)
    assert len(steps) < sum(model.asked.values()) < 2 * len(steps)


async def test_what_was_asked_in_vain_is_stopped() -> None:
    class Turned(Wayward):
        """A chunk is replied to when all before it are read: whatever is asked ahead is then still asked."""

        stopped = replied = 0
        read = 0
        moved = asyncio.Condition()

        async def chat(self, *given: Any) -> Reply:
            if (section := re.search(r"\nSECTION (\d+) ", given[0][0].text)) is None:
                return await super().chat(*given)
            try:
                async with self.moved:
                    await self.moved.wait_for(lambda: int(section[1]) <= self.read + 1)
                reply = await super().chat(*given)
            except asyncio.CancelledError:
                self.stopped += 1
                raise
            self.replied += 1
            return reply

    model = Turned(6, 30)
    policy = replace(LanguagePolicy.over(model, chunk=64, notes=300), concurrency=4)
    steps = []
    async for event in Reader(policy, strategy="speculative").read(["Which line says 0?"], corpus(6, 800)):
        if isinstance(event, ChunkRead):
            steps.append(event)
            async with model.moved:
                model.read = event.read
                model.moved.notify_all()
    changes = sum(bool(step.changes[0].operations) for step in steps)
    assert changes > 10 and model.stopped > 0
    assert (
        model.replied <= len(steps) + changes
    )  # the next one may reply before it is known that notes changed


async def test_no_request_is_made_twice() -> None:
    model = Wayward(5, 60)
    await told(model, "speculative", corpus(5, 300))
    assert set(model.asked.values()) == {1}


@pytest.mark.parametrize("strategy", ["sequential", "speculative", "rounds"])
async def test_calls_in_flight_count_towards_a_cap_and_a_higher_one_goes_on(
    tmp_path: Path, strategy: str
) -> None:
    text = corpus(9, 600)
    plain, _ = await told(Wayward(9, 5), strategy, text)
    journal = Journal(tmp_path)
    capped = Wayward(9, 5)
    with pytest.raises(CapReached):
        await told(capped, strategy, text, journal=journal, max_calls=25)
    assert capped.calls <= 25
    more = Wayward(9, 5)
    answers, _ = await told(more, strategy, text, journal=journal)
    assert [answer.text for answer in answers] == [answer.text for answer in plain]
    assert answers[0].usage.calls >= 25
    journal.close()


async def test_a_run_goes_on_with_the_strategy_it_began_with(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    text = corpus(2, 300)
    with pytest.raises(CapReached):
        await told(Wayward(2, 5), "auto", text, 16, journal=journal, max_calls=5)
    answers, _ = await told(Wayward(2, 5), "auto", text, 1, journal=journal)
    assert answers[0].strategy == "speculative"
    fresh, _ = await told(Wayward(2, 5), "auto", text, 1)
    assert fresh[0].strategy == "sequential"
    journal.close()


@pytest.mark.parametrize("strategy", ["sequential", "speculative", "rounds"])
@pytest.mark.parametrize("cap", [{"max_total_tokens": 20_000}, {"max_cost": 0.01}])
async def test_tokens_and_cost_in_flight_count_towards_their_caps(strategy: str, cap: dict[str, Any]) -> None:
    class Priced(Wayward):
        used = 0
        cost = 0.0

        async def chat(self, *given: Any) -> Reply:
            reply = await super().chat(*given)
            self.used += self.count(given[0][0].text + reply.text)
            self.cost += 0.001
            return replace(reply, usage=replace(reply.usage, cost=0.001))

    model = Priced(9, 5)
    with pytest.raises(CapReached):
        await told(model, strategy, corpus(9, 3_000), 64, **cap)
    if "max_cost" in cap:
        assert model.cost == pytest.approx(0.01)
    else:
        assert 0.5 * 20_000 < model.used < 1.05 * 20_000
