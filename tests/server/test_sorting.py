"""What of a conversation is the question, and what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.sorting import Inline, sort, sort_long


def request(*turns: tuple[str, object], **more: object) -> ChatRequest:
    messages = [{"role": role, "content": content} for role, content in turns]
    return ChatRequest.model_validate({"model": "m", "messages": messages} | more)


def texts(documents: list[Inline | str]) -> list[str]:
    return [one if isinstance(one, str) else one.text for one in documents]


def test_nothing_is_taken_out_where_nothing_is_marked() -> None:
    out = sort(
        request(("system", "Be brief."), ("user", "Hello"), ("assistant", "Hi"), ("user", "What is 2 < 3?"))
    )
    assert out.documents == []
    assert out.question == "What is 2 < 3?"
    assert out.system == "Be brief."


def test_marked_text_is_read_in_its_order() -> None:
    out = sort(
        request(("user", "<text>one</text> and <text>two</text>"), ("assistant", "ok"), ("user", "Which?"))
    )
    assert texts(out.documents) == ["one", "two"]
    assert out.question == "Which?"
    assert [(e.user, e.assistant) for e in out.history] == [("and", "ok")]
    assert texts(sort(request(("user", "<text>open <text>x</text> q"))).documents) == ["open <text>x"]
    assert sort(request(("user", "<text>never closed"))).documents == []


def test_what_an_assistant_says_marks_nothing() -> None:
    out = sort(request(("user", "a"), ("assistant", "<text>x</text>"), ("user", "b")))
    assert out.documents == []


@given(
    st.lists(st.text(alphabet="ab<>/text \n", max_size=30), max_size=5), st.text(alphabet="ab?", min_size=1)
)
def test_no_text_is_lost(pieces: list[str], question: str) -> None:
    clean = [piece for piece in pieces if "<text>" not in piece and "</text>" not in piece]
    said = "".join(f"<text>{piece}</text>" for piece in clean) + question
    out = sort(request(("user", said)))
    assert texts(out.documents) == clean
    assert out.question == question.strip()


def test_a_long_conversation_is_a_document_with_named_turns() -> None:
    out = sort_long(request(("user", "a" * 50_000), ("assistant", "b"), ("user", "Which?")))
    (conversation,) = out.documents
    assert isinstance(conversation, Inline)
    assert conversation.kind == "dialogue"
    assert [part.label for part in conversation.parts] == ["message 1", "message 2"]
    assert conversation.text[conversation.parts[1].start :].startswith("assistant: b")


@pytest.mark.parametrize("text", ["{long}\n\nWhich?", "Which?\n\n{long}"])
def test_the_question_of_a_long_turn_is_its_last_paragraph_or_its_first(text: str) -> None:
    long = "word " * 4_000
    out = sort_long(request(("user", text.format(long=long))))
    assert out.question == "Which?"
    assert [one.strip() for one in texts(out.documents)] == [long.strip()]


def test_where_no_question_can_be_told_it_is_refused() -> None:
    with pytest.raises(Refusal, match="cannot be told"):
        sort_long(request(("user", "x" * 20_000)))
    with pytest.raises(Refusal, match="no user turn"):
        sort_long(request(("assistant", "x")))
