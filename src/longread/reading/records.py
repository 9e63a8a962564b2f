"""JSON, whole or in fragments, to small records: an object short enough to quote stays in one piece."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Prose = Callable[[str, int, int], Iterator[tuple[int, int]]]
"""Cuts `text[start:end]` into sentences."""

# Bounded, so that text full of quotation marks without partners costs no more than its length.
_STRING = r'"(?:[^"\\\n]|\\.){0,4000}+"'
_MARK = re.compile(rf"{_STRING}|\\.|[{{}}\[\]]")
_KEY = re.compile(rf"{_STRING}\s*:\s*$")
_LEAF = re.compile(rf"""(?:{_STRING}|\\.|[^,\n"{{}}\[\]\\]++|["\\])+""")
_KEY_LENGTH = 120


def records(text: str, longest: int, prose: Prose) -> Iterator[tuple[int, int]]:
    """Offsets of the largest objects and lists of at most `longest` characters, each with its key.

    Between them, what is left is cut at commas, brackets and line ends, and longer values by `prose`.
    """
    at = 0
    for start, end in [*_small(text, longest), (len(text), len(text))]:
        for leaf, stop in _leaves(text, at, start):
            if stop - leaf > longest:
                yield from prose(text, leaf, stop)
            else:
                yield leaf, stop
        if start < end:
            yield start, end
        at = end


def _small(text: str, longest: int) -> list[tuple[int, int]]:
    """Bracket pairs that are short enough and lie in no other such pair, keys included."""
    opened: list[int] = []
    found: list[tuple[int, int]] = []
    for mark in _MARK.finditer(text):
        match text[mark.start()]:
            case "{" | "[":
                opened.append(mark.start())
            case "}" | "]" if opened:
                start = opened.pop()
                if mark.end() - start <= longest:
                    key = _KEY.search(text, max(0, start - _KEY_LENGTH), start)
                    start = key.start() if key else start
                    while found and found[-1][0] >= start:
                        found.pop()
                    if not found or found[-1][1] <= start:
                        found.append((start, mark.end()))
    return found


def _leaves(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for leaf in _LEAF.finditer(text, start, end):
        if any(char.isalnum() for char in leaf.group()):
            yield leaf.span()
