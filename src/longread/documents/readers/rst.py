"""reStructuredText: the file as it is, its sections named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from unicodedata import east_asian_width

from longread.documents.readers.base import Extract
from longread.documents.readers.characters import one_line
from longread.documents.readers.composition import Headings
from longread.documents.readers.encoding import decode
from longread.types import Part

_RULE = re.compile(r"([!-/:-@\[-`{-~])\1+")
_ITEM = re.compile(r"(?:[*+-]|\.\.|:[^:]+:)\s|\s")
"""What no title without a line above it begins with: list items, directives, fields, indented lines."""


class _Title(NamedTuple):
    start: int
    """Offset of its first line, the one above the words where it has such."""
    style: str
    """The punctuation above and below; which is which level, the order of first use decides."""
    words: str


def read(data: bytes, name: str) -> Extract:
    """The text as it is; each section is a part, named with those around it."""
    text, warnings = decode(data)
    headings, styles, parts = Headings(), list[str](), list[Part]()
    for title in _titles(text):
        if title.style not in styles:
            styles.append(title.style)
        path = headings.path(styles.index(title.style) + 1, one_line(title.words))
        parts.append(Part(title.start, path))
    return Extract(text, parts=tuple(parts), warnings=warnings)


def _titles(text: str) -> Iterator[_Title]:
    above = words = ""  # the two lines before this one, and where they start
    over = start = at = 0
    for whole in text.split("\n"):
        line = whole.rstrip()
        if words and _RULE.fullmatch(line) and not _RULE.fullmatch(words):
            lined = above == line
            # As docutils has it: a short rule must be as wide as the words, any other may be too short.
            if lined or (not above and not _ITEM.match(words) and len(line) >= min(4, _columns(words))):
                yield _Title(over if lined else start, line[0] * (1 + lined), words.strip())
                line = ""
        above, words, over, start = words, line, start, at
        at += len(whole) + 1


def _columns(words: str) -> int:
    return sum(2 if east_asian_width(character) in "FW" else 1 for character in words)
