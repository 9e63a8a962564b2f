from __future__ import annotations

from longread.models.base import ChatModel, Delta, Message, Reply, Sampling
from longread.models.scripted import ScriptedModel


async def test_it_streams_what_the_script_says_and_counts_calls() -> None:
    scripted = ScriptedModel(lambda messages, sampling: messages[-1].text.upper() * 9, window=99)
    model: ChatModel = scripted
    deltas: list[Delta] = []
    reply = await model.chat((Message.of("user", "hello"),), Sampling(100), deltas.append)
    assert reply.text == "HELLO" * 9 == "".join(delta.text for delta in deltas)
    assert len(deltas) == 3
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 12)
    assert (reply.usage.cost, reply.usage.cached_tokens) == (None, None)
    assert scripted.calls == 1
    await model.close()


async def test_it_cuts_off_at_max_tokens_and_passes_replies_through() -> None:
    long = ScriptedModel(lambda messages, sampling: "word " * 100)
    reply = await long.chat((), Sampling(10))
    assert reply.finish == "length"
    assert long.count(reply.text) <= 10
    given = Reply(text="a", thinking="b" * 20, finish="length")
    deltas: list[Delta] = []
    model = ScriptedModel(lambda messages, sampling: given)
    assert await model.chat((), Sampling(10), deltas.append) is given
    assert "".join(delta.thinking for delta in deltas) == given.thinking
