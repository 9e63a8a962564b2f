from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from longread.models.base import Delta
from longread.models.thinking import ThinkSplitter

WHOLE = [
    ("plain text", "", "plain text"),
    ("", "", ""),
    ("  \n", "", "  \n"),
    ("<think>why</think>\n\nbecause", "why", "because"),
    ("\n<think>why</think> because", "why", "because"),
    ("<think></think>\n\nbecause", "", "because"),
    ("why\n</think>because", "why\n", "because"),
    ("why</think>\nbecause", "why", "because"),
    ("NOTE: the tag </think> ends it", "", "NOTE: the tag </think> ends it"),
    ("NOTE: it ends with </think>", "", "NOTE: it ends with </think>"),
    ("</think>because", "", "because"),
    ("<think>cut off", "cut off", ""),
    ("<think>cut </thin", "cut </thin", ""),
    ("<think>", "", ""),
    ("<thi", "", "<thi"),
    ("text </thin", "", "text </thin"),
    ("a < b > c", "", "a < b > c"),
    ("the tag <think> is quoted", "", "the tag <think> is quoted"),
    ("<think>a</think>the tag </think> closes", "a", "the tag </think> closes"),
    ("<think>a <think> b</think>c", "a <think> b", "c"),
]

pieces = st.lists(
    st.sampled_from(["<think>", "</think>", "<", "</", "think", ">", "a", " ", "\n", "<thi", "k>"]),
    max_size=12,
)


def split_thinking(content: str) -> tuple[str, str]:
    """`content` as (thinking, text)."""
    splitter = ThinkSplitter()
    splitter.feed(content)
    splitter.finish()
    return splitter.thinking, splitter.text


def stream(parts: list[str]) -> tuple[str, str, list[Delta]]:
    """What a consumer of deltas ends up with: it drops everything at a restart."""
    splitter = ThinkSplitter()
    deltas = [delta for part in parts for delta in splitter.feed(part)] + splitter.finish()
    thinking, text = "", ""
    for delta in deltas:
        if delta.restart:
            thinking, text = "", ""
        thinking += delta.thinking
        text += delta.text
    assert (thinking, text) == (splitter.thinking, splitter.text)
    return thinking, text, deltas


@pytest.mark.parametrize(("content", "thinking", "text"), WHOLE)
def test_content_is_split(content: str, thinking: str, text: str) -> None:
    assert split_thinking(content) == (thinking, text)
    assert stream(list(content))[:2] == (thinking, text)


@given(pieces, st.data())
@example(["why</th", "ink>because"], None)
def test_any_cut_of_the_stream_gives_the_same(parts: list[str], data: st.DataObject | None) -> None:
    content = "".join(parts)
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
        parts = [content[a:b] for a, b in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    assert stream(parts)[:2] == split_thinking(content)


@given(pieces)
def test_nothing_is_lost_but_two_tags_and_space(parts: list[str]) -> None:
    content = "".join(parts)
    thinking, text = split_thinking(content)
    kept = {content, content.replace("<think>", "", 1)}
    ends = [match.span() for match in re.finditer("</think>", content)]
    kept |= {content[:start] + content[end:] for start, end in ends}
    kept |= {left.replace("</think>", "", 1) for left in kept}
    assert "".join((thinking + text).split()) in {"".join(left.split()) for left in kept}


def test_text_that_turns_out_to_be_thinking_is_taken_back() -> None:
    _, _, deltas = stream(["let me ", "see\n</thi", "nk>", "42"])
    assert deltas == [
        Delta(text="let me "),
        Delta(text="see\n"),
        Delta(restart=True),
        Delta(thinking="let me see\n"),
        Delta(text="42"),
    ]


def test_no_restart_when_the_tag_was_opened() -> None:
    _, _, deltas = stream(list("<think>let me see</think>42"))
    assert not any(delta.restart for delta in deltas)
    assert all(not delta.text for delta in deltas[:10])


def test_tags_are_text_where_the_server_keeps_thinking_apart() -> None:
    splitter = ThinkSplitter()
    splitter.think("hm")
    splitter.feed("the tag </think> ends <think>")
    splitter.finish()
    assert (splitter.thinking, splitter.text) == ("hm", "the tag </think> ends <think>")
