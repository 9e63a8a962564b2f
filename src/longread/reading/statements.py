"""Source code, whole or in fragments, to statements and definitions, by lines and brackets alone.

No parser: a chunk may begin in the middle of a function, a string or a comment, and may be in any language.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from longread.reading.records import Prose

DEFINITION = re.compile(
    r"[ \t]*(?:(?:export|default|public|private|protected|internal|static|async|abstract|final|pub|inline"
    r"|override|virtual|const)\s+)*"
    r"(?:def|class|function|func|fn|struct|enum|interface|trait|impl|module|namespace|type)\s+[\w$(]"
)
"""Matches the first line of what defines something with a name, in most languages."""

_COMMENT = re.compile(r"[ \t]*(?:#(?!include|define|if|end)|//|/\*|\*(?:\s|/|$)|--\s|;;|<!--)")
_DOCSTRING = re.compile(r"[ \t]*[rRuU]?(?:\"|''')")
_TRIPLE = re.compile(r'"""|' + r"'''")
_MARK = re.compile(
    r"(?P<triple>\"\"\"|''')|\"(?:[^\"\\\n]|\\.){0,2000}+\"|'(?:[^'\\\n]|\\.){0,2000}+'"
    r"|\\.|#.*|//.*|(?P<open>[(\[])|(?P<close>[)\]])"
)
_MOST_LINES = 12
"""A statement whose brackets stay open for longer is cut."""


def statements(text: str, prose: Prose) -> Iterator[tuple[int, int]]:
    """Offsets of the statements of `text`.

    A definition comes with its decorators and the first line of its docstring, consecutive comment lines are
    one unit, what else stands in multi-line strings is cut by `prose`.
    """
    at = _string_tail(text)
    yield from prose(text, 0, at)
    start, depth, taken, commenting, defining = -1, 0, 0, False, False
    while at < len(text):
        stop = text.find("\n", at) + 1 or len(text)
        comment = depth == 0 and _COMMENT.match(text, at, stop) is not None
        if start >= 0 and commenting and not comment:
            yield start, at
            start = -1
        commenting = comment
        if start < 0:
            start, depth, taken = at, 0, 0
        line, at = at, stop
        if comment:
            continue
        if depth == 0:
            defining = DEFINITION.match(text, line, stop) is not None
        change, triple = _scan(text, line, stop)
        depth, taken = max(0, depth + change), taken + 1
        if triple:
            at = text.find(triple.group(), triple.end()) + 3
            at = len(text) if at < 3 else at
            yield start, stop
            yield from prose(text, stop, at)
            start, depth = -1, 0
        elif (depth and taken < _MOST_LINES) or text[line:stop].lstrip().startswith("@"):
            continue
        elif defining and _DOCSTRING.match(text, at):
            depth = 0
        else:
            yield start, at
            start, depth = -1, 0
    if start >= 0:
        yield start, len(text)


def _scan(text: str, line: int, stop: int) -> tuple[int, re.Match[str] | None]:
    """How many brackets a line leaves open, and where a string begins that it does not close."""
    depth, at = 0, line
    while mark := _MARK.search(text, at, stop):
        at = mark.end()
        match mark.lastgroup:
            case "open":
                depth += 1
            case "close":
                depth -= 1
            case "triple":
                at = text.find(mark.group(), at, stop) + 3
                if at < 3:
                    return depth, mark
    return depth, None


def _string_tail(text: str) -> int:
    """Where a multi-line string ends that `text`, cut out of a file, begins inside of; 0 when it does not.

    The first triple quote closes such a string when a sentence ends before it, or when it stands alone below
    a line that cannot introduce a string.
    """
    first = _TRIPLE.search(text)
    if first is None:
        return 0
    line = text.rfind("\n", 0, first.start()) + 1
    before = text[line : first.start()].strip()
    after = text[first.end() : text.find("\n", first.end()) + 1 or len(text)].strip()
    if before:
        closes = before[-1] in ".!?>`" and after[:1] in ("", ")", ",")
    else:
        above = text[:line].rstrip()
        closes = not after and above != "" and above[-1] not in ":(,=[{\\"
    return first.end() if closes else 0
