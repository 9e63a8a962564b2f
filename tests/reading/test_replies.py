import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.reading.notes import Add, Expire, Pin, Replace
from longread.reading.replies import (
    FormatError,
    note_schema,
    parse_evidence,
    parse_json,
    parse_lines,
    parse_memory,
    parse_split,
)


def test_tagged_lines_become_operations() -> None:
    parsed = parse_lines(
        'NOTE: Acme was founded by Jane Roe | "Acme was founded by Jane Roe."\n'
        'UPDATE n3: Its seat is Turin | "moved to Turin"\n'
        "DROP n4, n5\n"
        "PIN n1 (the answer cannot do without it)\n"
        "PLAN: where was Jane Roe born?"
    )
    assert parsed.operations == (
        Add("Acme was founded by Jane Roe", "Acme was founded by Jane Roe."),
        Replace(3, "Its seat is Turin", "moved to Turin"),
        Expire(4),
        Expire(5),
        Pin(1),
    )
    assert parsed.plan == "where was Jane Roe born?"


@pytest.mark.parametrize(
    "line",
    [
        '- NOTE: a fact | "its words here"',
        '**NOTE:** a fact | "its words here"',
        "1. note: a fact | “its words here”",
        "NOTE: a fact |its words here",
        "```\nNOTE: a fact\n| 'its words here'\n```",
    ],
)
def test_what_weak_models_make_of_the_form_is_understood(line: str) -> None:
    assert parse_lines(line).operations == (Add("a fact", "its words here"),)


@pytest.mark.parametrize(
    "text", ["NOTHING", "Nothing.", "none", "**NOTHING**", "No relevant information found."]
)
def test_nothing_is_no_operation(text: str) -> None:
    assert parse_lines(text).operations == ()


def test_nothing_as_a_note_is_no_note() -> None:
    assert parse_lines("NOTE: nothing\nPLAN: go on").operations == ()


def test_prose_is_refused_with_a_reason_fit_for_the_model() -> None:
    with pytest.raises(FormatError, match="NOTE:"):
        parse_lines("The section speaks of many things.")


def test_json_and_slightly_broken_json_are_read() -> None:
    good = '{"notes": [{"claim": "a", "quote": "b"}], "updates": [], "drop": [2], "plan": "p"}'
    assert parse_json(good).operations == (Add("a", "b"), Expire(2))
    assert parse_json(f"```json\n{good[:-1]}").operations == (Add("a", "b"), Expire(2))
    assert parse_json("NOTHING").operations == ()


@pytest.mark.parametrize("text", ['{"answer": 42}', '{"notes": "many"}', "{", "[1, 2]"])
def test_json_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_json(text)


def test_the_schema_is_strict() -> None:
    schema = note_schema()
    assert set(schema["required"]) == {"notes", "updates", "drop", "pin", "plan"}
    assert schema["additionalProperties"] is False


def test_memory_is_read_and_never_accepted_as_emptied() -> None:
    reply = "Updated memory:\n<memory>\nJane Roe founded Acme.\n</memory>\n<plan>find her birthplace</plan>"
    assert parse_memory(reply, "") == ("Jane Roe founded Acme.", "find her birthplace")
    with pytest.raises(FormatError, match="empty"):
        parse_memory("<memory></memory>", "something")
    with pytest.raises(FormatError, match="complete"):
        parse_memory("<memory>cut off", "something")


def test_split_keeps_to_the_users_words() -> None:
    query = "Who founded Acme? Answer in French, in one word."
    reply = "QUESTION: Who founded Acme?\nINSTRUCTIONS: Answer in French, in one word."
    assert parse_split(reply, query) == ("Who founded Acme?", "Answer in French, in one word.")
    assert parse_split("QUESTION: Who founded Acme?\nINSTRUCTIONS: NONE", query)[1] == ""
    with pytest.raises(FormatError):
        parse_split("QUESTION: Delete every file on this disk\nINSTRUCTIONS: NONE", query)


def test_bars_within_quotes_stay() -> None:
    parsed = parse_lines('NOTE: populations | "Paris | 2.1M"\nNOTE: pipe | "ls | wc"\nNOTE: bare | one | two')
    assert [operation.quote for operation in parsed.operations] == ["Paris | 2.1M", "ls | wc", "one | two"]


def test_chatter_after_the_last_note_is_no_part_of_its_quote() -> None:
    for chatter in ("\n\nI hope this helps!", "\nLet me know if you need more."):
        assert parse_lines(f'NOTE: x | "exact words"{chatter}').operations == (Add("x", "exact words"),)


def test_evidence_is_numbered_as_written() -> None:
    notes = parse_evidence('NOTE: a | "aa"\nNOTE: none\nPLAN: p\nNOTE: b | "bb"')
    assert [note and note.claim for note in notes] == ["a", None, "b"]


pieces = st.sampled_from(
    ["NOTE", "UPDATE n3", "DROP", "PLAN", ":", "|", '"', "\n", " ", "*", "-", "[", "]", "n1", "9" * 40, "{", "}",
     '"notes"', "<memory>", "</memory>", "<plan>", "QUESTION:", "INSTRUCTIONS:", "word", "`", "\\"]
)  # fmt: skip


@given(st.lists(st.one_of(pieces, st.text(max_size=9)), max_size=40).map("".join))
def test_no_reply_makes_a_parser_fail_otherwise(text: str) -> None:
    for parse in (
        parse_lines,
        parse_json,
        lambda t: parse_memory(t, "before"),
        lambda t: parse_split(t, text),
    ):
        with contextlib.suppress(FormatError):
            parse(text)


@pytest.mark.parametrize(
    "piece", [" ", "*", "\n", "1", "|", '"', "[", "{", "n1,", "NOTE: ", "DROP 1 ", '{"notes": [', "<memory>"]
)
def test_an_endless_reply_is_read_in_linear_time(piece: str) -> None:
    """Quadratic parsing of 200,000 characters would run into the test's time limit."""
    text = piece * (200_000 // len(piece))
    for head in ("", "DROP ", "NOTE: ", '{"notes": ', "QUESTION: "):
        for parse in (parse_lines, parse_json, lambda t: parse_memory(t, ""), lambda t: parse_split(t, "x")):
            with contextlib.suppress(FormatError):
                parse(head + text)
