"""Mail: single messages (eml) and mailboxes (mbox), with what is attached to them.

Parsed under the policy `compat32`: the modern one parses each header it is asked for, which fails on some malformed
ones and takes milliseconds for a long list of recipients.
"""

from __future__ import annotations

import email
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from mimetypes import guess_extension
from pathlib import PurePath
from typing import NamedTuple

from longread.documents import archives, readers
from longread.documents.readers import html
from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.characters import one_line, writable
from longread.documents.readers.composition import Composition
from longread.documents.readers.encoding import decode
from longread.documents.readers.package import faults

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_MESSAGE = re.compile(
    rb"From (?:(?<=\n\nFrom )|(?<=\n\r\nFrom )|(?<=\AFrom ))[^\r\n]{1,300}\d:\d\d[^\r\n]*\r?\n"
    rb"(?=[!-9;-~]+:)"
)
"""The line above a message in a mailbox: it has a time, and a header follows."""
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)
"""A line of a message in a mailbox that would otherwise begin the next one."""
_WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?]*\?="
_WORDS = re.compile(rf"{_WORD}(?:\s*{_WORD}){{0,50}}")
"""Encoded words, which are one where they stand together: a character may begin in one and end in the next. Not too
many: the standard library's decoder takes quadratic time."""
_SIGNATURES = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_DEEPEST = 10
"""Messages, one attached to the other."""
_MOST_WORK = 200_000_000
"""Lines times boundaries: the parser compares each line with the boundary of every multipart around it."""
_MOST_GUESSES = 100
"""Texts of which the charset is found by statistics, which takes a hundredth of a second each."""
_WESTERN = "cp1252"
_LONGEST_LABEL = 400
_NAMED = 5
"""Places that a warning names."""


def read(data: bytes, name: str) -> Extract:
    """The headers that matter, the body and the readable attachments of every message.

    Messages of a mailbox are parts with numbers; so are attachments with their names, and their pages and parts.

    Raises:
        Unreadable: There is more text than any mailbox has.
    """
    reading = _Reading()
    reading.file(data, name, "", 0)
    return reading.out.extract("text", warnings=tuple(reading.warnings()))


class _Contents(NamedTuple):
    """What a message holds."""

    text: str
    attachments: list[Message]
    notes: list[str]
    """What is wrong with its text."""


class _Reading:
    """Writes messages down, and keeps what could not be read."""

    def __init__(self) -> None:
        self.out = Composition()
        self._failed: dict[str, list[str]] = defaultdict(list)
        self._guesses = 0

    def warnings(self) -> Iterator[str]:
        """What is missing, by reason."""
        for reason, places in self._failed.items():
            more = f" and {len(places) - _NAMED} more" if len(places) > _NAMED else ""
            yield f"{', '.join(places[:_NAMED])}{more}: {reason}"

    def file(self, data: bytes, name: str, label: str, depth: int) -> None:
        """A file of mail; `depth` messages lie around it."""
        data = data.lstrip()
        if PurePath(name).suffix.lower() == ".eml" or not _MESSAGE.match(data):
            self._raw(data, label, depth)
            return
        for number, message in enumerate(_messages(data), 1):
            self._raw(message, _joined(label, f"message {number}"), depth)

    def _raw(self, data: bytes, label: str, depth: int) -> None:
        if data.lower().count(b"boundary") * data.count(b"\n") > _MOST_WORK:
            self._fail(label, "broken message: more parts than any has")
            return
        try:
            with faults("message"):
                message = email.message_from_bytes(data, policy=compat32)
        except Unreadable as error:
            self._fail(label, str(error))
        else:
            self._message(message, label, depth)

    def _message(self, message: Message, label: str, depth: int) -> None:
        try:
            with faults("message"):
                contents = self._contents(message)
        except Unreadable as error:
            self._fail(label, str(error))
            return
        if label:
            self.out.part(label)
        self.out.add(f"{contents.text.strip()}\n\n")
        for note in contents.notes:
            self._fail(label, note)
        names: Counter[str] = Counter()
        for part in contents.attachments:
            name = _name(part)
            names[name] += 1
            again = f" ({names[name]})" if names[name] > 1 else ""
            try:
                self._attachment(part, name, _joined(label, f"attachment {name}{again}"), depth)
            except _NotRead as error:
                self._fail(_joined(label, f"attachment {name}{again}"), str(error))

    def _contents(self, message: Message) -> _Contents:
        blocks = ["\n".join(_headers(message))]
        attachments: list[Message] = []
        notes: list[str] = []
        for part in _leaves(message):
            if _is_body(part):
                try:
                    text, warnings = self._body(part)
                    notes += warnings
                    blocks.append(text.strip("\n"))
                except Unreadable as error:
                    notes.append(f"text not read: {error}")
            elif part.get_content_type() not in _SIGNATURES:
                attachments.append(part)
        return _Contents("\n\n".join(block for block in blocks if block.strip()), attachments, notes)

    def _body(self, part: Message) -> tuple[str, tuple[str, ...]]:
        """The text of a part, and what could not be decoded.

        Raises:
            Unreadable: It is no text.
        """
        payload = part.get_payload()
        if isinstance(payload, list):  # what a failed delivery says of each recipient
            blocks = (block.raw_items() for block in payload if isinstance(block, Message))
            lines = ([f"{name}: {_decoded(str(value))}" for name, value in block] for block in blocks)
            return "\n\n".join("\n".join(block) for block in lines), ()
        data, charset = _bytes(part), part.get_content_charset()
        unknown = not (_is_in(data, "utf-8") or _is_in(data, charset or "utf-8"))
        self._guesses += unknown
        if unknown and self._guesses > _MOST_GUESSES:
            text = writable(data.decode(_WESTERN, "replace"))
            warnings: tuple[str, ...] = (f"no valid charset, read as {_WESTERN}",)
        else:
            text, warnings = decode(data, charset)
        if part.get_content_type() == "text/html":
            text = html.read(text.encode(), "body.html").text
        return text, warnings

    def _attachment(self, part: Message, name: str, label: str, depth: int) -> None:
        if depth == _DEEPEST:
            raise _NotRead(f"attached to more than {_DEEPEST} messages in each other")
        if part.get_content_maintype() == "multipart":
            raise _NotRead("encrypted")
        match part.get_payload():
            case [Message() as message]:
                self._message(message, label, depth + 1)
                return
        try:
            with faults("attachment"):
                data = _bytes(part)
        except Unreadable as error:
            raise _NotRead(str(error)) from error
        mail = next(format for format in readers.FORMATS if format.module == "mail")
        suffix = PurePath(name).suffix.lower()
        if suffix in mail.suffixes or (not suffix and mail.opens(data)):
            self.file(data, name, label, depth + 1)
        else:
            self._copy(_extract(data, name), label)

    def _copy(self, extract: Extract, label: str) -> None:
        """What a reader made of an attachment, with its pages and parts as parts."""
        labels = {0: label}
        labels |= {start: f"{label}, page {number}" for number, start in enumerate(extract.pages, 1)}
        labels |= {part.start: _joined(label, part.label) for part in extract.parts}
        starts = sorted(labels)
        for start, end in zip(starts, [*starts[1:], len(extract.text)], strict=True):
            self.out.part(labels[start])
            self.out.add(extract.text[start:end])
        self.out.add("\n\n")
        for warning in extract.warnings:
            self._fail(label, warning)

    def _fail(self, label: str, reason: str) -> None:
        self._failed[reason].append(label or "message")


class _NotRead(Exception):  # noqa: N818 -- a finding about an attachment
    """Why it was not read."""


def _extract(data: bytes, name: str) -> Extract:
    """An attachment by the reader for its name."""
    if reason := readers.refuse(name):
        raise _NotRead(reason)
    head = data[: readers.HEAD]
    packing = archives.packing(head, name)
    if packing and not (packing == "zip" and readers.claims(io.BytesIO(data), name)):
        raise _NotRead("an archive; those in mail are not opened")
    try:
        if not readers.worth_reading(head, name):
            raise Unreadable("binary")
        extract = readers.read(data, name)
    except Unreadable as error:
        raise _NotRead(str(error)) from error
    if not extract.text.strip():
        raise _NotRead("empty")
    return extract


def _messages(mailbox: bytes) -> Iterator[bytes]:
    lines = [(found.start(), found.end()) for found in _MESSAGE.finditer(mailbox)]
    for (_, start), (end, _) in zip(lines, [*lines[1:], (len(mailbox), 0)], strict=True):
        yield _QUOTED.sub(rb"\1", mailbox[start:end])


def _headers(message: Message) -> Iterator[str]:
    given: dict[str, list[str]] = defaultdict(list)
    for name, value in message.raw_items():
        given[name.lower()].append(_decoded(str(value)))
    for name in _HEADERS:
        if words := ", ".join(given[name.lower()]):
            yield f"{name}: {words}"


def _decoded(header: str) -> str:
    """A header without its encoded words, on one line. Bytes that are no ASCII are UTF-8 or else Western."""
    data = header.encode("utf-8", "surrogateescape")
    text = data.decode("utf-8" if _is_in(data, "utf-8") else _WESTERN, "replace")
    return " ".join(writable(_WORDS.sub(_word, text)).split())


def _word(found: re.Match[str]) -> str:
    try:
        return "".join(
            chunk.decode(charset or "utf-8") if isinstance(chunk, bytes) else chunk
            for chunk, charset in decode_header(found[0])
        )
    except Exception:  # bad base64, bytes that the charset does not have, or no such charset
        words = found[0].split()
        return " ".join(_WORDS.sub(_word, word) for word in words) if len(words) > 1 else found[0]


def _leaves(part: Message) -> Iterator[Message]:
    """What a message is made of: bodies and attachments. Of alternatives, the plain text and what is no text."""
    children = part.get_payload()
    if part.get_content_maintype() != "multipart" or not isinstance(children, list):
        yield part
        return
    kind = part.get_content_subtype()
    if kind == "encrypted":
        yield part
        return
    leaves = [leaf for child in children if isinstance(child, Message) for leaf in _leaves(child)]
    if kind == "alternative":
        bodies = [leaf for leaf in leaves if _is_body(leaf)]
        plain = [leaf for leaf in bodies if leaf.get_content_subtype() == "plain" and _bytes(leaf).strip()]
        pages = [leaf for leaf in bodies if leaf.get_content_subtype() == "html"]
        chosen = {id(leaf) for leaf in plain or pages or bodies}
        leaves = [leaf for leaf in leaves if id(leaf) in chosen or not _is_body(leaf)]
    yield from leaves


def _is_body(part: Message) -> bool:
    if isinstance(part.get_payload(), list):
        return part.get_content_type() == "message/delivery-status"
    if part.get_content_maintype() not in ("text", "multipart"):
        return False
    return part.get_content_disposition() != "attachment" and not part.get_filename()


def _is_in(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except (LookupError, ValueError):
        return False
    return True


def _bytes(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _name(part: Message) -> str:
    """The file name of an attachment, or one that its type makes up."""
    try:
        name = _decoded(part.get_filename() or "").replace("\\", "/").rpartition("/")[2]
    except Exception:  # parameters may be malformed in any way
        name = ""
    kind = part.get_content_type()
    return one_line(name) or one_line(f"{part.get_content_maintype()}{guess_extension(kind) or ''}")


def _joined(label: str, more: str) -> str:
    """A label within another."""
    label = ", ".join(filter(None, (label, more)))
    return label if len(label) <= _LONGEST_LABEL else f"\u2026{label[1 - _LONGEST_LABEL :]}"
