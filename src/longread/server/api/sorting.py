"""Which part of a conversation is the question, and which is what to read.

In this order: what a client marks as documents (references to uploads, files within the request, the field
`documents`, text between `<text>` and `</text>`) is read, and the last user turn without it is the question. Where
nothing is marked and all of it exceeds the model's window, the last user turn is the question and everything before
it is read, as a conversation. If that turn is itself too long for a question, its last paragraph is the question, or
its first where the last is too long.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import ValidationError

from longread.server.api.errors import Refusal
from longread.server.api.forms import Attached, ChatMessage, ChatRequest, GivenDocument
from longread.server.api.forms import Part as ContentPart
from longread.types import Part

_OPEN, _CLOSE = "<text>", "</text>"
LONGEST = 8_000
"""Characters of a question."""
_TEXTS = ("text", "input_text", "output_text")
_FILES = ("file", "input_file")
READ = (*_TEXTS, *_FILES)
"""Kinds of parts that a reading heeds."""
_MARKED = "mark what is to be read: upload it, or put it between <text> and </text>, and ask after it"


class Inline(NamedTuple):
    """A document within a request."""

    name: str
    text: str = ""
    data: bytes = b""
    """A file whose text is still to be read, in place of `text`."""
    kind: str = "text"
    parts: tuple[Part, ...] = ()


class Exchange(NamedTuple):
    """An earlier turn of the user, and what came of it."""

    user: str
    assistant: str


@dataclass
class Sorted:
    """A conversation taken apart."""

    documents: list[Inline | str] = field(default_factory=list)
    """In reading order; a string is the id of an upload."""
    question: str = ""
    """Empty where there is nothing to ask."""
    history: list[Exchange] = field(default_factory=list)
    """What was said before the question, where documents are marked."""
    system: str = ""


def sort(request: ChatRequest) -> Sorted:
    """Takes out what is marked; without documents in the result, nothing is. Refusal for what is no document."""
    out = Sorted()
    for number, given in enumerate(request.documents or (), 1):
        out.documents.append(_given(given, number))
    turns: list[tuple[str, str]] = []
    for message in request.messages:
        text = _taken_out(message, out.documents) if message.role == "user" else text_of(message)
        turns.append((message.role, text.strip()))
    out.system = "\n".join(text for role, text in turns if role in ("system", "developer") and text)
    last = max((at for at, (role, _) in enumerate(turns) if role == "user"), default=None)
    if last is None:
        raise Refusal(400, "messages: there is no user turn, so nothing is asked", "invalid_request")
    out.question = turns[last][1]
    for role, text in turns[:last]:
        if role == "user" and text:
            out.history.append(Exchange(text, ""))
        elif role == "assistant" and out.history:
            out.history[-1] = Exchange(out.history[-1].user, text)
    return out


def sort_long(request: ChatRequest) -> Sorted:
    """Takes a conversation apart in which nothing is marked: what is before the question is to be read."""
    out = Sorted()
    messages = list(request.messages)
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        raise Refusal(400, "messages: there is no user turn, so nothing is asked", "invalid_request")
    rest, out.question = _question(text_of(messages[last]).strip())
    # What follows the last user turn (results of tools, say) is read as well.
    others = [*messages[:last], *messages[last + 1 :]]
    before = [message for message in others if message.role not in ("system", "developer")]
    out.system = "\n".join(
        text_of(message) for message in messages if message.role in ("system", "developer")
    )
    if before:
        out.documents.append(conversation([(message.role, text_of(message)) for message in before]))
    if rest:
        out.documents.append(Inline("message", rest))
    if not out.documents:
        raise Refusal(
            400,
            f"it holds a question alone, and no model here can take it; {_MARKED}",
            "no_documents",
        )
    return out


def conversation(turns: Sequence[tuple[str, str]]) -> Inline:
    """Turns as a document in which each can be named."""
    text, parts = "", []
    for number, (role, said) in enumerate(turns, 1):
        parts.append(Part(len(text), f"message {number}"))
        text += f"{role}: {said}\n\n"
    return Inline("conversation", text, kind="dialogue", parts=tuple(parts))


def text_of(message: ChatMessage) -> str:
    """All text of a message."""
    if message.content is None or isinstance(message.content, str):
        return message.content or ""
    return "\n".join(part.text or "" for part in message.content if part.type in _TEXTS)


def _given(given: str | GivenDocument, number: int) -> Inline | str:
    if isinstance(given, str):
        return Inline(f"document {number}", given)
    if given.file_id is not None:
        return given.file_id
    if given.text is None:
        raise Refusal(400, f"documents.{number - 1}: it has neither text nor file_id", "invalid_request")
    return Inline(given.name or f"document {number}", given.text)


def _taken_out(message: ChatMessage, documents: list[Inline | str]) -> str:
    """The text of a message without what it marks as documents, which are added."""
    if isinstance(message.content, list):
        for part in message.content:
            if part.type in _FILES:
                documents.append(_attached(_file_of(part), len(documents) + 1))
    text, kept, at = text_of(message), [], 0
    while (start := text.find(_OPEN, at)) >= 0 and (end := text.find(_CLOSE, start)) >= 0:
        kept.append(text[at:start])
        documents.append(Inline(f"document {len(documents) + 1}", text[start + len(_OPEN) : end]))
        at = end + len(_CLOSE)
    return "".join([*kept, text[at:]])


def _file_of(part: ContentPart) -> Attached:
    """A file is in a field of its own, or the part itself is one."""
    try:
        return part.file or Attached.model_validate(part.model_extra or {})
    except ValidationError:
        raise Refusal(
            400, "a part of type input_file has a field of the wrong type", "invalid_request"
        ) from None


def _attached(attached: Attached, number: int) -> Inline | str:
    if attached.file_id is not None:
        return attached.file_id
    if attached.file_data is None:
        raise Refusal(400, "a part of type file has neither file_id nor file_data", "invalid_request")
    coded = attached.file_data.rpartition(",")[2]
    try:
        data = base64.b64decode(coded, validate=True)
    except ValueError:  # binascii.Error is one
        raise Refusal(400, "the file_data of a part is no Base64", "invalid_request") from None
    return Inline(attached.filename or f"document {number}", data=data)


def _question(text: str) -> tuple[str, str]:
    """A long turn as what to read and what to answer; nothing to read where it is short."""
    if len(text) <= LONGEST:
        return "", text
    before, _, last = text.rpartition("\n\n")
    if before and len(last) <= LONGEST:
        return before, last.strip()
    first, _, after = text.partition("\n\n")
    if after and len(first) <= LONGEST:
        return after, first.strip()
    raise Refusal(
        400, f"it cannot be told what is the question in {len(text):,} characters; {_MARKED}", "no_question"
    )
