"""Chat logs: JSON records with a speaker and a text, as a dialogue."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain, islice
from types import MappingProxyType
from typing import Any, NamedTuple

from longread.documents.readers.base import Extract
from longread.documents.readers.characters import one_line, writable
from longread.documents.readers.composition import Composition

_SPEAKERS = ("speaker", "author", "sender", "from", "user", "username", "name", "role")
_NAMES = ("display_name", "name", "username", "login", "id")
"""What a speaker that is an object goes by."""
_TEXTS = ("text", "content", "message", "body")
_TIMES = ("time", "timestamp", "date", "datetime", "ts", "created_at")
_CONVERSATIONS = ("messages", "conversation", "conversations")
_SAMPLE = 100
"""Records at the beginning; most of them must be messages."""
_FEW = 4
"""Speakers who may speak once each."""
_LARGEST = 100_000_000
"""Characters. Records of larger files stay as they are."""
_EPOCH = re.compile(r"\d{9,17}(?:\.\d{1,9})?")
_BETWEEN = re.compile(r"[\s,\[\]]*")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)T(?=\d\d:\d\d)")


class _Message(NamedTuple):
    speaker: str
    text: str
    time: str = ""
    rest: Mapping[str, Any] = MappingProxyType({})
    """What else the record says."""

    def __str__(self) -> str:
        time = f"[{self.time}] " if self.time else ""
        return f"{time}{self.speaker}: {self.text.strip()}".rstrip() + _aside(self.rest)


class _Record(NamedTuple):
    number: int
    """Of its line, or of its place in the list; from 1."""
    source: str
    value: Any
    """None when it is no JSON."""


def dialogue(text: str, *, lines: bool) -> Extract | None:
    """The messages in `text`, a block each and a part each; None when it is no chat log.

    Nothing is lost: what else a record says follows its message as JSON, and a line that is no message stays as it
    is.

    Args:
        text: A JSON file: a list, one conversation, or a record a line.
        lines: Whether the name promises a record a line. Parts are numbered by lines, or by places in the list.
    """
    if len(text) > _LARGEST or not any(f'"{key}"' in text for key in _SPEAKERS):
        return None
    lines = lines or isinstance(_parsed(text.partition("\n")[0]), dict)
    if not lines and text.startswith("{") and not any(f'"{key}"' in text for key in _CONVERSATIONS):
        return None
    try:
        return _composed(_lines(text) if lines else _items(text), "line" if lines else "record")
    except RecursionError:
        return None  # nested as no message is


def _composed(records: Iterator[_Record], unit: str) -> Extract | None:
    sample = list(islice(records, _SAMPLE))
    if 2 * sum(bool(_messages(record.value)) for record in sample) <= len(sample) or _are_entries(sample):
        return None
    out = Composition()
    for record in chain(sample, records):
        for label, block in _blocks(record, unit):
            out.part(label)
            out.add(writable(block).strip("\n") + "\n\n")
    return out.extract("dialogue")


def _are_entries(sample: list[_Record]) -> bool:
    """Whether they are records with a name and a text each, as of goods: among many, nobody speaks twice."""
    messages = [record.value for record in sample if not _conversation(record.value)]
    speakers = [message.speaker for value in messages if (message := _message(value))]
    return len(speakers) > _FEW and len(set(speakers)) == len(speakers)


def _lines(text: str) -> Iterator[_Record]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield _Record(number, line, _parsed(line))


def _items(text: str) -> Iterator[_Record]:
    """The items of a list one by one; from where it is broken, the rest as one."""
    decoder = json.JSONDecoder()
    at, number = _gap(text, 0), 0
    while at < len(text):
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            value, end = None, len(text)
        number += 1
        yield _Record(number, text[at:end], value)
        at = _gap(text, end)


def _gap(text: str, at: int) -> int:
    """Where the next item begins."""
    gap = _BETWEEN.match(text, at)
    return gap.end() if gap else at


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _blocks(record: _Record, unit: str) -> Iterator[tuple[str, str]]:
    """What a record becomes, each block with its label."""
    messages = _messages(record.value)
    if not messages:
        yield f"{unit} {record.number}", record.source
    elif key := _conversation(record.value):
        if aside := _aside({name: value for name, value in record.value.items() if name != key}):
            yield f"conversation {record.number}", aside
        for at, (message, source) in enumerate(zip(messages, record.value[key], strict=True), 1):
            yield f"conversation {record.number}, message {at}", str(message or _json(source))
    else:
        yield f"message {record.number}", str(messages[0])


def _messages(value: Any) -> list[_Message | None]:
    """The message a record is, or those of the conversation it holds, None for what is none; empty for others."""
    if key := _conversation(value):
        messages = [_message(item) for item in value[key]]
        return messages if 2 * messages.count(None) < len(messages) else []
    message = _message(value)
    return [message] if message else []


def _conversation(value: Any) -> str:
    """The member that holds a list of messages."""
    if not isinstance(value, dict):
        return ""
    return next((key for key in _CONVERSATIONS if isinstance(value.get(key), list)), "")


def _message(value: Any) -> _Message | None:
    if not isinstance(value, dict):
        return None
    rest = dict(value)
    by = next((key for key in _SPEAKERS if _name(value.get(key))), "")
    # `from` and `value` are a pair in data sets of conversations; by itself, any setting has a value.
    said = next((key for key in (*_TEXTS, *["value"][: by == "from"]) if key in value and key != by), "")
    text = _text(value.get(said))
    if not by or not said or text is None:
        return None
    if not isinstance(value[by], dict) or len(value[by]) == 1:
        del rest[by]
    rest[said] = [part for part in rest[said] if not _is_text(part)] if isinstance(rest[said], list) else None
    at = next((key for key in _TIMES if _time(value.get(key))), "")
    rest.pop(at, None)
    return _Message(one_line(_name(value[by])), text, _time(value.get(at)), rest)


def _name(value: Any) -> str:
    if isinstance(value, dict):
        return next((name for key in _NAMES if (name := _name(value.get(key)))), "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value.strip() if isinstance(value, str) else ""


def _text(value: Any) -> str | None:
    """The text of a message: stored whole, or as parts of which some are text."""
    if isinstance(value, list):
        return "\n".join(_texts(value))
    return value if isinstance(value, str) else "" if value is None else None


def _is_text(part: Any) -> bool:
    return isinstance(part, str) or (isinstance(part, dict) and part.keys() == {"type", "text"})


def _texts(parts: list[Any]) -> list[str]:
    texts = (part.get("text") if isinstance(part, dict) else part for part in parts)
    return [text for text in texts if isinstance(text, str)]


def _time(value: Any) -> str:
    """A time as ISO has it; a number is seconds since 1970, or thousandths, or millionths, and gives UTC."""
    if isinstance(value, str):
        if not _EPOCH.fullmatch(value):
            return one_line(_ISO.sub(r"\1 ", value))
        value = float(value)
    if not isinstance(value, (int, float)) or not 1e8 < value < 1e17:
        return ""
    while value > 1e11:
        value /= 1000
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _aside(rest: Mapping[str, Any]) -> str:
    """What is not in the message, on a line of its own."""
    told = {key: value for key, value in rest.items() if value not in (None, "", [], {})}
    return f"\n{_json(told)}" if told else ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
