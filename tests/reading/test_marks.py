from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.models.base import Delta
from longread.reading.marks import AnswerStream

REPLY = "Roe founded it [n4], and she was born in Turin [n9][n4]. See a[3] [n77]."


def run(pieces: list[str], whole: str, after: str | None = None, citable=(4, 9)) -> tuple[AnswerStream, str]:
    emitted: list[Delta] = []
    stream = AnswerStream(emitted.append, lambda: set(citable), after)
    for piece in pieces:
        stream.feed(Delta(piece))
    stream.finish(whole)
    return stream, "".join(delta.text for delta in emitted)


def test_labels_become_numbers_in_order_of_appearance() -> None:
    stream, emitted = run([], REPLY)
    assert stream.text == "Roe founded it [1], and she was born in Turin [2][1]. See a[3]."
    assert stream.cited == [4, 9]
    assert emitted.strip() == stream.text


@given(st.lists(st.integers(0, len(REPLY)), max_size=12))
def test_any_division_into_pieces_gives_the_same(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(REPLY)]
    pieces = [REPLY[a:b] for a, b in pairwise(edges)]
    stream, emitted = run(pieces, REPLY)
    assert (stream.text, emitted.strip()) == (run([], REPLY)[0].text, stream.text)


def test_the_sentinel_is_not_an_answer_however_it_streams() -> None:
    for pieces in ([], ["NOT IN", " THE DOCU", "MENTS"], ["**Not in the documents.**"]):
        stream, emitted = run(pieces, "".join(pieces) or "NOT IN THE DOCUMENTS")
        assert not stream.answered
        assert emitted == ""


def test_an_answer_that_begins_like_the_sentinel_is_one() -> None:
    stream, emitted = run(["No", "t in Turin [n9]"], "Not in Turin [n9]")
    assert stream.answered
    assert emitted == "Not in Turin [1]"


def test_only_what_follows_the_tag_is_handed_on() -> None:
    reply = 'NOTE: x | "y"\nANSWER: Turin [n4]'
    pieces = [reply[i : i + 5] for i in range(0, len(reply), 5)]
    stream, emitted = run(pieces, reply, after="ANSWER")
    assert emitted.strip() == stream.text == "Turin [1]"
    assert stream.head == 'NOTE: x | "y"\n'


def test_without_the_tag_everything_but_the_evidence_is_the_answer() -> None:
    stream, _ = run([], 'NOTE: x | "y"\nIt is Turin [n4].', after="ANSWER")
    assert stream.text == "It is Turin [1]."


def test_a_restart_forgets_what_came_before() -> None:
    emitted: list[Delta] = []
    stream = AnswerStream(emitted.append, lambda: {4})
    stream.feed(Delta("Wrong "))
    stream.feed(Delta(restart=True))
    stream.feed(Delta("Right [n4]"))
    stream.finish("Right [n4]")
    assert stream.text == "Right [1]"
    assert [delta.restart for delta in emitted].count(True) == 1


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_long_list_of_labels_is_resolved_however_it_streams(size: int) -> None:
    reply = "All of it [" + ", ".join(f"n{i}" for i in range(1, 41)) + "]."
    pieces = [reply[i : i + size] for i in range(0, len(reply), size)]
    stream, emitted = run(pieces, reply, citable=range(1, 41))
    assert stream.cited == list(range(1, 41))
    assert emitted == stream.text == "All of it " + "".join(f"[{i}]" for i in range(1, 41)) + "."


def test_a_bare_number_is_a_label_or_no_mark_at_all() -> None:
    stream, _ = run([], "Paris [9], Rome [n4], nobody [7], a[9] and f(x)[4].")
    assert stream.text == "Paris [1], Rome [2], nobody (7), a[9] and f(x)[4]."
    assert stream.cited == [9, 4]


@pytest.mark.parametrize(
    "reply",
    [
        "I looked everywhere.\nNOT IN THE DOCUMENTS",
        "The answer is NOT IN THE DOCUMENTS.",
        "[n4] NOT IN THE DOCUMENTS",
    ],
)
def test_a_refusal_with_words_before_it_is_one(reply: str) -> None:
    assert not run([], reply)[0].answered
    assert not run(list(reply), reply)[0].answered


def test_an_answer_that_speaks_of_the_sentinel_is_one() -> None:
    reply = "The prompt asks for the words NOT IN THE DOCUMENTS when nothing is found [n4]. " + "More. " * 40
    assert run([], reply)[0].answered


def test_an_endless_reply_costs_no_more_than_its_length() -> None:
    for filler in ("\n", " ", "*", "[", "n", "NOTE: x\n"):
        pieces = [filler * 50] * 400
        stream, _ = run(pieces, "".join(pieces), after="ANSWER")
        assert stream.answered
