"""How fast a model is, on a clock that the test moves."""

from __future__ import annotations

import pytest

from longread.models.base import ChatModel, Delta, Message, OnDelta, Reply, Sampling
from longread.models.openai import OpenAIModel
from longread.models.probe import OUTPUT_TOKENS, Speed, probe
from longread.models.scripted import ScriptedModel
from longread.types import Usage
from tests.servers.real import RealServer

UNKNOWN = Usage(1, None, None, None, None)


class Timed(ScriptedModel):
    """A model that takes `pieces` of a reply, each after so many seconds, and `rest` seconds to its end."""

    def __init__(
        self, *pieces: tuple[float, Delta], rest: float = 0.0, text: str = "", usage: Usage = UNKNOWN
    ) -> None:
        super().__init__(lambda messages, sampling: "")
        self.pieces = pieces
        self.rest = rest
        self.text = text
        self.usage = usage
        self.now = 100.0
        self.asked: list[tuple[tuple[Message, ...], Sampling]] = []

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        self.asked.append((messages, sampling))
        assert on_delta
        for seconds, delta in self.pieces:
            self.now += seconds
            on_delta(delta)
        self.now += self.rest
        return Reply(self.text, usage=self.usage)

    async def measure(self, text: str = "word " * 300) -> Speed:
        return await probe(self, text, clock=lambda: self.now)


def reported(given: int, written: int) -> Usage:
    return Usage(1, given, None, written, None)


def words(count: int) -> list[tuple[float, Delta]]:
    return [(0.1, Delta(" word")) for _ in range(count)]


async def test_reading_and_writing_are_told_apart_by_the_first_piece() -> None:
    model = Timed((2.0, Delta("a")), *words(20), text="a" + " word" * 20, usage=reported(1_000, 21))
    speed = await model.measure()
    assert speed.reported
    assert speed.prefill_seconds == pytest.approx(2.0)
    assert speed.decode_seconds == pytest.approx(2.0)
    assert speed.prefill_rate == pytest.approx(500)
    assert speed.decode_rate == pytest.approx(10)
    assert speed.seconds_for(5_000, 100) == pytest.approx(10 + 10)


async def test_thinking_is_writing() -> None:
    thinking = [(0.5, Delta(thinking="hm hm hm hm ")) for _ in range(4)]
    speed = await Timed(
        *thinking, rest=1.0, text="yes yes yes yes yes yes", usage=reported(500, 11)
    ).measure()
    assert speed.prefill_seconds == pytest.approx(0.5)
    assert speed.decode_seconds == pytest.approx(2.5)


async def test_a_reply_in_one_piece_tells_only_the_whole() -> None:
    speed = await Timed((3.0, Delta("a b c d e f")), text="a b c d e f", usage=reported(900, 6)).measure()
    assert (speed.prefill_seconds, speed.decode_seconds) == (None, None)
    assert (speed.prefill_rate, speed.decode_rate) == (None, None)
    assert speed.seconds == pytest.approx(3.0)
    assert speed.seconds_for(9_000, 60) == pytest.approx(30)


async def test_pieces_that_were_held_back_tell_only_the_whole() -> None:
    held = [(0.00001, delta) for _, delta in words(19)]
    speed = await Timed((3.0, Delta("a")), *held, text="a" + " word" * 19, usage=reported(900, 20)).measure()
    assert speed.decode_rate is None
    assert speed.prefill_rate is None


async def test_hidden_thinking_is_not_taken_for_fast_writing() -> None:
    speed = await Timed((9.0, Delta("a")), (0.1, Delta(" b")), text="a b", usage=reported(900, 32)).measure()
    assert speed.decode_rate is None
    assert speed.seconds == pytest.approx(9.1)


async def test_an_empty_reply_is_all_reading() -> None:
    speed = await Timed(rest=4.0, usage=reported(800, 1)).measure()
    assert speed.prefill_rate == pytest.approx(200)
    assert speed.decode_rate is None
    assert speed.seconds_for(801, 0) == pytest.approx(4.0)


async def test_without_usage_tokens_are_estimated() -> None:
    model = Timed((1.0, Delta("word")), *words(9), text="word" + " word" * 9)
    speed = await model.measure("x" * 4_000)
    assert not speed.reported
    assert 1_000 < speed.prompt_tokens < 1_050
    assert 10 <= speed.output_tokens <= 13
    assert speed.decode_rate


async def test_time_runs_from_the_last_try() -> None:
    broken = [(5.0, Delta("half")), (7.0, Delta(restart=True))]
    model = Timed(*broken, (1.0, Delta("a")), *words(9), text="a" + " word" * 9, usage=reported(100, 10))
    assert (await model.measure()).prefill_seconds == pytest.approx(1.0)


async def test_a_text_too_long_for_the_window_is_read_from_its_beginning() -> None:
    model = Timed((0.1, Delta(" word")))
    model.window = 1_000
    await model.measure("first " + "word " * 3_000)
    (((message,), _),) = model.asked
    assert "first word" in message.text
    assert 500 < model.count(message.text) <= 1_000 - OUTPUT_TOKENS


async def test_no_two_probes_share_a_prefix() -> None:
    model = Timed((1.0, Delta("a")), text="a")
    await model.measure()
    await model.measure()
    (first, sampling), (second, _) = model.asked
    assert first[0].text[:8] != second[0].text[:8]
    assert sampling.max_tokens == OUTPUT_TOKENS


async def test_a_real_server_shows_both_rates(real_server: RealServer) -> None:
    model: ChatModel = OpenAIModel(real_server.model, real_server.base_url)
    try:
        speed = await probe(model, "The council met in April and put the question off. " * 20)
    finally:
        await model.close()
    assert speed.reported
    assert speed.prompt_tokens > 100
    assert speed.prefill_rate
    assert speed.seconds_for(1_000, 10) > 0
