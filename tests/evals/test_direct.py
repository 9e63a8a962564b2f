"""The benchmark's own prompt in one pass, and how too long a one is cut."""

from hypothesis import given
from hypothesis import strategies as st

from longread.evals import direct
from longread.models.base import Message
from longread.models.scripted import ScriptedModel
from longread.reading.language import LanguagePolicy
from longread.types import Corpus, Document


def words(text: str) -> int:
    return len(text.split())


def test_the_prompt_follows_the_protocol() -> None:
    corpus = Corpus((Document("a", "a", "First text."), Document("b", "b", "Second text.")))
    assert direct.prompt(corpus, "Who?", "End with the name.") == (
        "<text>\nFirst text.\n\nSecond text.\n</text>\n\nWho?\n\nEnd with the name."
    )
    assert direct.prompt(corpus, "Who?", "").endswith("</text>\n\nWho?")


def test_both_ends_of_too_long_a_prompt_are_kept() -> None:
    text = " ".join(f"w{i}" for i in range(100))
    (cut,) = direct.truncated([Message.of("user", text)], 10, words)
    assert cut.text.split() == [*(f"w{i}" for i in range(5)), *(f"w{i}" for i in range(95, 100))]


def test_a_conversation_loses_whole_turns_of_its_middle() -> None:
    turns = [Message.of("user" if i % 2 == 0 else "assistant", f"turn {i} a b") for i in range(20)]
    cut = direct.truncated(turns, 17, words)
    assert [m.text for m in cut][:2] == ["turn 0 a b", "turn 1 a b"]
    assert [m.text for m in cut][-2:] == ["turn 18 a b", "turn 19 a b"]
    assert cut[0].role == "user"
    assert cut[-1].role == "assistant"


@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.integers(0, 60))
def test_whatever_is_cut_fits(texts: list[str], limit: int) -> None:
    messages = [Message.of("user", text) for text in texts]
    cut = direct.truncated(messages, limit, len)
    assert sum(len(m.text) for m in cut) <= max(limit, 0)
    if sum(map(len, texts)) <= limit:
        assert cut == messages


async def test_a_model_gets_the_prompt_within_its_window() -> None:
    prompts = []

    def reply(messages: tuple[Message, ...], sampling: object) -> str:
        prompts.append((messages, sampling))
        return "Therefore, the answer is Ada."

    model = ScriptedModel(reply)
    policy = LanguagePolicy.over(model, window=4_096)
    corpus = Corpus((Document("a", "a", "begin " + "x " * 20_000 + "end"),))
    said = await direct.ask(policy, corpus, (), "Who?", "Say it.")
    ((message,), sampling) = prompts[0]
    assert said.cut
    assert said.text == "Therefore, the answer is Ada."
    assert message.text.startswith("<text>\nbegin")
    assert message.text.endswith("end\n</text>\n\nWho?\n\nSay it.")
    assert model.count(message.text) + sampling.max_tokens <= 4_096
    assert (sampling.temperature, sampling.top_p) == (0.7, 0.95)


async def test_a_chat_is_sent_as_it_is() -> None:
    sent = []
    policy = LanguagePolicy.over(ScriptedModel(lambda m, _: sent.append(m) or "fine"), window=8_192)
    chat = (Message.of("user", "a poem"), Message.of("assistant", "roses"), Message.of("user", "repeat it"))
    said = await direct.ask(policy, Corpus(()), chat, "ignored", "")
    assert sent == [chat]
    assert not said.cut
