"""Chat logs as JSON lines become dialogues; whatever is no chat log stays JSON, and nothing is lost."""

import json
from pathlib import Path
from typing import Any

import pytest

from longread.documents.boundaries import boundary
from longread.documents.load import load
from longread.types import Document


def one(folder: Path, data: str, name: str = "a.jsonl") -> Document:
    path = folder / name
    path.write_text(data, encoding="utf-8")
    (document,) = load(path)
    return document


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def blocks(document: Document) -> dict[str, str]:
    """The text of each part, which reaches to the next but for blank lines."""
    starts = [part.start for part in document.parts]
    ends = [*(start - 2 for start in starts[1:]), len(document.text)]
    assert all(document.text[end : end + 2] in ("\n\n", "") for end in ends)
    return {
        part.label: document.text[part.start : end] for part, end in zip(document.parts, ends, strict=True)
    }


def test_messages_with_time_and_speaker(tmp_path: Path) -> None:
    log = (
        lines({"speaker": "Ann", "text": "Is the flat free?", "time": "2024-03-01T10:12"})
        + "\n"
        + lines({"speaker": "Bob", "text": "Yes.\n\nCall \u4e2d\ud83d\ude00.", "time": "2024-03-01 10:13"})
    )
    document = one(tmp_path, log)
    assert document.kind == "dialogue" and not document.lined
    assert document.text == (
        "[2024-03-01 10:12] Ann: Is the flat free?\n\n[2024-03-01 10:13] Bob: Yes.\n\nCall 中😀."
    )
    assert document.parts == ((0, "message 1"), (43, "message 3"))
    assert document.locate(document.text.index("中")) == (None, None, "message 3")
    assert document.locate(42).part == "message 1"


@pytest.mark.parametrize(
    ("record", "block"),
    [
        ({"role": "user", "content": "hi"}, "user: hi"),
        (
            {"author": {"name": "Ann", "id": 7}, "message": "hi"},
            'Ann: hi\n{"author": {"name": "Ann", "id": 7}}',
        ),
        ({"sender": {"username": "ann"}, "body": "hi"}, "ann: hi"),
        ({"user": 17, "text": "hi", "ts": "1709287920.0002"}, "[2024-03-01 10:12:00 UTC] 17: hi"),
        ({"username": "ann", "text": "hi", "timestamp": 1709287920123}, "[2024-03-01 10:12:00 UTC] ann: hi"),
        ({"name": "ann", "role": "user", "content": "hi", "date": 0}, 'ann: hi\n{"role": "user", "date": 0}'),
        ({"from": "human", "value": "hi", "created_at": 1.7e300}, 'human: hi\n{"created_at": 1.7e+300}'),
        (
            {
                "role": "user",
                "content": [{"type": "text", "text": "hi"}, "ho", {"type": "image", "url": "u"}],
            },
            'user: hi\nho\n{"content": [{"type": "image", "url": "u"}]}',
        ),
        (
            {"role": "assistant", "content": None, "tool_calls": [{"name": "f"}]},
            'assistant:\n{"tool_calls": [{"name": "f"}]}',
        ),
        ({"user": "ann", "text": "Great!", "rating": 4.50, "tags": []}, 'ann: Great!\n{"rating": 4.5}'),
        ({"speaker": "a\nb\ud800", "text": "x\0y\r\nz\ud800"}, "a b\ufffd: x\ufffdy\nz\ufffd"),
    ],
)
def test_each_way_to_write_a_message(tmp_path: Path, record: dict[str, Any], block: str) -> None:
    assert blocks(one(tmp_path, lines(record))) == {"message 1": block}


def test_conversations_a_line(tmp_path: Path) -> None:
    first = {"id": "c1", "messages": [{"role": "user", "content": "q"}, {"role": "bot", "content": "a"}]}
    second = {"conversations": [{"from": "x", "value": "1"}, {"odd": 1}, {"from": "y", "value": "2"}]}
    document = one(tmp_path, lines(first, second))
    assert blocks(document) == {
        "conversation 1": '{"id": "c1"}',
        "conversation 1, message 1": "user: q",
        "conversation 1, message 2": "bot: a",
        "conversation 2, message 1": "x: 1",
        "conversation 2, message 2": '{"odd": 1}',
        "conversation 2, message 3": "y: 2",
    }


def test_lines_that_do_not_fit_stay_as_they_are(tmp_path: Path) -> None:
    message = {"user": "ann", "text": "hi"}
    odd = ['{"user": "bob", "te', '{"event":  "join", "x": "\\u4e2d"}', "[1,  2]", "plain words"]
    document = one(tmp_path, "\n".join([json.dumps(message)] * 3 + odd + [json.dumps(message)] * 3))
    assert list(blocks(document).items())[2:8] == [
        ("message 3", "ann: hi"),
        ("line 4", odd[0]),
        ("line 5", odd[1].replace("\\u4e2d", "中")),
        ("line 6", odd[2]),
        ("line 7", odd[3]),
        ("message 8", "ann: hi"),
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_json_files_that_are_one_list_or_conversation(tmp_path: Path, indent: int | None) -> None:
    messages = [{"speaker": "Ann", "text": "one"}, {"speaker": "Bob", "text": "two"}]
    document = one(tmp_path, json.dumps([*messages, 5], indent=indent), "a.json")
    assert blocks(document) == {"message 1": "Ann: one", "message 2": "Bob: two", "record 3": "5"}
    document = one(tmp_path, json.dumps({"messages": messages}, indent=indent), "a.json")
    assert blocks(document) == {
        "conversation 1, message 1": "Ann: one",
        "conversation 1, message 2": "Bob: two",
    }


def test_a_list_cut_short_keeps_its_end(tmp_path: Path) -> None:
    document = one(tmp_path, json.dumps([{"speaker": "Ann", "text": "one"}] * 3)[:-9], "a.json")
    assert list(blocks(document).values()) == ["Ann: one", "Ann: one", '{"speaker": "Ann", "text"']


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a"])
def test_lines_of_messages_whatever_the_name(tmp_path: Path, name: str) -> None:
    document = one(
        tmp_path, lines({"speaker": "Ann", "text": "one"}, {"speaker": "Bob", "text": "two"}), name
    )
    assert blocks(document) == {"message 1": "Ann: one", "message 2": "Bob: two"}


@pytest.mark.parametrize(
    "record",
    [
        {"text": "no one says it"},
        {"user": "ann", "age": 4},
        {"name": "width", "value": "12"},
        {"user": "ann", "text": {"a": 1}},
        {"user": None, "text": "x"},
        {"messages": [1, 2]},
        {"messages": []},
        ["user", "text"],
    ],
)
def test_other_records_stay_json(tmp_path: Path, record: Any) -> None:
    text = lines(record, record)
    for name in ("a.jsonl", "a.json"):
        document = one(tmp_path, text, name)
        assert (document.text, document.kind, document.lined) == (text, "json", True)


def test_records_of_a_name_and_a_text_of_which_none_comes_again_stay_json(tmp_path: Path) -> None:
    goods = [{"name": f"Lamp {n}", "text": "It is of brass."} for n in range(6)]
    assert one(tmp_path, lines(*goods)).kind == "json"
    assert one(tmp_path, lines(*goods, goods[0])).kind == "dialogue"
    assert one(tmp_path, lines(*goods[:4])).kind == "dialogue"


def test_half_of_the_records_are_not_most(tmp_path: Path) -> None:
    message, other = {"user": "ann", "text": "hi"}, {"a": 1}
    assert one(tmp_path, lines(message, other)).kind == "json"
    assert one(tmp_path, lines(message, other, message)).kind == "dialogue"


def test_a_cut_goes_between_messages(tmp_path: Path) -> None:
    document = one(tmp_path, lines(*[{"speaker": "Ann", "text": "some words\n\n" * 20}] * 3))
    starts = [part.start for part in document.parts]
    assert boundary(document, starts[1] - 100, starts[2] - 1) == starts[1]


def test_nesting_without_end_is_no_chat(tmp_path: Path) -> None:
    deep = '{"name": ' * 800 + '"a"' + "}" * 800
    document = one(tmp_path, ('{"user": ' + deep + ', "text": "b"}\n') * 3)
    assert document.kind == "json" and document.text.count('"b"') == 3
