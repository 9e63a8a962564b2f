"""JSON and JSON lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePath

from longread.documents.readers import chat
from longread.documents.readers.base import Extract
from longread.documents.readers.encoding import decode

_LINES = frozenset({".jsonl", ".ndjson"})
_LONGEST_LINE = 2000
"""Characters. A JSON file with a longer line was written for programs and is laid out anew."""
_LARGEST_LAYOUT = 20_000_000
"""Characters. Laying out takes a second for five million."""
_DEEPEST_INDENT = 40

_ESCAPE = re.compile(r"\\(?:(u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})*)|.)", re.DOTALL)
_STRING = r'"(?:[^"\\]++|\\.)*+"'
_TOKEN = re.compile(
    rf"""(?P<leaf> [\[{{] (?:[^][{{}}"\n]|{_STRING}){{0,40}}+ [\]}}])   # a short container stays on one line
       | (?P<open> [\[{{])
       | (?P<close> [\]}}])
       | (?P<comma> ,)
       | (?P<space> \s++)
       | (?P<other> (?:{_STRING}|[^][{{}},"\s]++)++)
       | (?P<rest> .++)                                        # a string that never ends""",
    re.VERBOSE | re.DOTALL,
)


def read(data: bytes, name: str) -> Extract:
    """JSON with its letters readable; a file without line breaks gets some. Broken JSON is read as it is.

    A log of messages becomes a dialogue.
    """
    text, warnings = decode(data)
    text = unescape(text)
    one_record_a_line = PurePath(name).suffix.lower() in _LINES
    if dialogue := chat.dialogue(text, lines=one_record_a_line):
        return dialogue._replace(warnings=warnings)
    if not one_record_a_line and len(text) <= _LARGEST_LAYOUT and _has_long_line(text):
        return Extract(lay_out(text), kind="json", lined=False, warnings=warnings)
    return Extract(text, kind="json", warnings=warnings)


def unescape(text: str) -> str:
    """Shows `\\uXXXX` escapes of printable characters beyond ASCII as those characters; lines stay lines."""
    return _ESCAPE.sub(_shown, text) if "\\u" in text else text


def lay_out(text: str) -> str:
    """Puts each member on its own line, indented by depth. Numbers and strings stay as they are."""
    # Joined in batches: a list of every token takes many times the text.
    pieces = _pieces(text)
    return "".join(iter(lambda: "".join(islice(pieces, 100_000)), ""))


def _pieces(text: str) -> Iterator[str]:
    depth, fresh = 0, False
    for token in _TOKEN.finditer(text):
        kind, word = token.lastgroup, token.group()
        if kind == "space":
            if not fresh:
                yield " "
            continue
        if kind == "close":
            depth -= 1
            yield _newline(depth)
        yield word
        if kind == "open":
            depth += 1
        fresh = kind in ("open", "comma")
        if fresh:
            yield _newline(depth)


def _newline(depth: int) -> str:
    # Indenting 100,000 levels would take more room than the data.
    return "\n" + "  " * min(depth, _DEEPEST_INDENT)


def _shown(escape: re.Match[str]) -> str:
    units = escape[1]
    if not units:
        return escape[0]
    shown, codes = [], [int(unit, 16) for unit in units[1:].split("\\u")]
    at = 0
    while at < len(codes):
        high, low = codes[at], codes[at + 1] if at + 1 < len(codes) else 0
        paired = 0xD800 <= high < 0xDC00 <= low < 0xE000
        size = 2 if paired else 1
        character = chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00 if paired else high)
        readable = character > "~" and (character.isprintable() or character == "\u3000")
        shown.append(character if readable else escape[0][6 * at : 6 * (at + size)])
        at += size
    return "".join(shown)


def _has_long_line(text: str) -> bool:
    start = 0
    while (end := text.find("\n", start)) >= 0:
        if end - start > _LONGEST_LINE:
            return True
        start = end + 1
    return len(text) - start > _LONGEST_LINE
