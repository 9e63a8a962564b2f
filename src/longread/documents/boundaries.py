"""Where a text may be cut: the best natural boundary within a stretch of it."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right

from longread.types import Document

_UNDERLINE = r"[^\s#=*~\-][^\n]{0,120}\n(?:={3,}|-{3,}|~{3,})[ \t]*(?:\n|\Z)"
_UNDERLINED = re.compile(_UNDERLINE)
_HEADING = re.compile(r"#{1,6}[ \t]+\S|" + _UNDERLINE)
_DEFINITION = re.compile(
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|async|pub(?:\(\w+\))?|unsafe|"
    r"extern|inline|virtual|override|sealed|data|open)\s+)*"
    r"(?:def|class|function|func|fn|fun|sub|interface|struct|union|enum|trait|impl|module|mod|namespace|package|"
    r"template|typedef|type|record|object|protocol|extension|macro|proc|procedure|create|CREATE)\b"
    # A function in C: a type, a name, no semicolon.
    r"|[A-Za-z_][\w:<>,*& \t]{0,80}[ \t*&][\w:~]{1,80}\([^;\n]{0,200}$",
    re.MULTILINE,
)
_ATTACHED = re.compile(r"@|#|//|/\*|[ \t]\*|--|;;|\[\w")
"""A line that belongs to the definition below it: a decorator, an attribute or a comment."""
_MOST_ATTACHED = 50
_SENTENCE = re.compile(
    r"[.!?\u2026\u0964\u061f\u06d4][\"'\u2019\u201d)\]]*\s+"
    r"|[\u3002\uff01\uff1f\uff1b\uff0e][\"'\u2019\u201d\u300d\u300f\uff09\u3011\u300b\])]*\s*"
)
_CLAUSE = re.compile(r"[\uff0c\u3001\uff1a]|,(?=[\"{\[])")
_SPACE = re.compile(r"\s+")
_JOINER = "\u200d"
_LONGEST_CLUSTER = 64
"""Characters. Marks can be piled on one letter without end; beyond this they may be cut."""

_LONGEST_FLAGS = 1024
"""Characters. Flags are pairs, told apart by counting from the first of a row."""


def boundary(document: Document, low: int, high: int) -> int:
    """The best place in `(low, high]` to end a piece of the document.

    In order of preference: a page's end; a part's end; before a heading; before a definition at the margin
    (code); after a blank line; after a line; after a sentence; after a clause; after white space. Of each kind the
    last one wins. A text with none of them is cut at `high`, but not between a letter and its marks.
    """
    if document.pages:
        start = document.pages[bisect_right(document.pages, high) - 1]
        if start > low:
            return start
    if number := bisect_right(document.parts, high, key=lambda part: part.start):
        start = document.parts[number - 1].start
        if start > low:
            return start
    text = document.text
    if starts := _line_starts(text, low, high):
        return (
            _heading(document, starts)
            or _definition(document, starts)
            or _after_blank(text, starts)
            or starts[-1]
        )
    for pattern in (_SENTENCE, _CLAUSE, _SPACE):
        ends = [found.end() for found in pattern.finditer(text, low, high)]
        if end := next((end for end in reversed(ends) if end > low and not _joined(text, end)), 0):
            return end
    return whole(text, low, high)


def whole(text: str, low: int, high: int) -> int:
    """The last place in `(low, high]` that does not part a letter from its marks; `high` if there is none."""
    for end in range(high, max(low, high - _LONGEST_CLUSTER), -1):
        if not _joined(text, end):
            return end
    return high


def _line_starts(text: str, low: int, high: int) -> list[int]:
    starts = []
    at = text.find("\n", low, high)
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1, high)
    return starts


def _heading(document: Document, starts: list[int]) -> int | None:
    if document.kind not in ("markdown", "text"):
        return None
    pattern = _HEADING if document.kind == "markdown" else _UNDERLINED
    return next((start for start in reversed(starts) if pattern.match(document.text, start)), None)


def _definition(document: Document, starts: list[int]) -> int | None:
    """Before the last definition at the margin, with the comments and decorators above it."""
    if document.kind != "code":
        return None
    text = document.text
    for at in range(len(starts) - 1, -1, -1):
        if _DEFINITION.match(text, starts[at]):
            first = at
            while first > 0 and at - first < _MOST_ATTACHED and _ATTACHED.match(text, starts[first - 1]):
                first -= 1
            return starts[first]
    return None


def _after_blank(text: str, starts: list[int]) -> int | None:
    for before, start in zip(reversed(starts[:-1]), reversed(starts), strict=False):
        if text[before:start].isspace():
            return start
    return None


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of `at` are shown as one."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before == "\r":
        return after == "\n"
    if before == "\n" or (after < "\u0300" and before != _JOINER):
        return False
    if before == _JOINER or after == _JOINER or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if _is_flag_half(before) and _is_flag_half(after):
        run = 1
        while run < min(at, _LONGEST_FLAGS) and _is_flag_half(text[at - 1 - run]):
            run += 1
        return run % 2 == 1
    return unicodedata.category(after).startswith("M")


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
