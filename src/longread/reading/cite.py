"""Aligns a quote with the text it came from. The model's words are looked for; the document's are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from rapidfuzz import fuzz

_MIN_UNIQUE = 4
"""A shorter quote counts only if it occurs once: "42" may stand anywhere."""
_MIN_FUZZY = 16
"""Shorter quotes must match exactly: a near match of a few characters means nothing."""
_CUTOFF = 88.0
"""Least similarity, in percent, of a near match."""
_ELLIPSIS = re.compile(r"\s*(?:\.{3,}|…|\[\.{3}\]|\[…\])\s*")
_MAX_GAP = 600
"""Most characters an ellipsis may stand for."""
_TRIES = 50
"""Places of an elliptic quote's first part that are tried."""
_DROP = frozenset("*_`\u00ad\u200b\u200c\u200d\u2060\ufeff")
_FOLD = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'",
                       "–": "-", "—": "-", "‑": "-", "−": "-"})  # fmt: skip


class Match(NamedTuple):
    """Offsets of a passage, and how alike it is to the quote, in percent."""

    start: int
    end: int
    score: float


class Haystack:
    """A text in which quotes are looked for, from strict to lenient."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _folded(self) -> tuple[str, list[int]]:
        return _fold(self.text)

    def exact(self, quote: str) -> Match | None:
        """The quote as it stands."""
        return next(_places(quote.strip(), self.text), None)

    def folded(self, quote: str) -> Match | None:
        """Whatever case, white space, quotation marks, dashes, markup and invisible characters; with ellipses."""
        text, offsets = self._folded
        parts = _parts(quote)
        if not parts:
            return None
        for _, first in zip(range(_TRIES), _places(parts[0], text), strict=False):
            end: int | None = first.end
            for part in parts[1:]:
                assert end is not None
                near = text[end : end + _MAX_GAP + len(part)]
                following = next(_places(part, near), None)
                end = end + following.end if following else None
                if end is None:
                    break
            if end is not None:
                return Match(offsets[first.start], offsets[end - 1] + 1, 100.0)
        return None

    def near(self, quote: str) -> Match | None:
        """A long quote with a few characters wrong, but never a number."""
        text, offsets = self._folded
        parts = _parts(quote)
        if len(parts) != 1 or not _MIN_FUZZY <= len(parts[0]) <= len(text):
            return None
        found = fuzz.partial_ratio_alignment(parts[0], text, score_cutoff=_CUTOFF)
        if found is None:
            return None
        start, end = _whole_words(text, found.dest_start, found.dest_end)
        if _numbers(parts[0]) != _numbers(text[start:end]):
            return None
        return Match(offsets[start], offsets[end - 1] + 1, found.score)


def align(quote: str, haystacks: list[Haystack]) -> tuple[int, Match] | None:
    """Index of the text, and the passage of it, that `quote` reproduces, or None.

    An exact match anywhere comes before a folded one, and that before the most similar near one, so that a
    quote is never ascribed to a text that merely says something alike.
    """
    for strictness in (Haystack.exact, Haystack.folded):
        for index, haystack in enumerate(haystacks):
            if match := strictness(haystack, quote):
                return index, match
    near = [(i, match) for i, haystack in enumerate(haystacks) if (match := haystack.near(quote))]
    return max(near, key=lambda found: found[1].score, default=None)


def fold(text: str) -> str:
    """Text as it is compared: without case, runs of white space, kinds of quotation marks and dashes, and markup."""
    return _fold(text)[0]


def _parts(quote: str) -> list[str]:
    return [part for p in _ELLIPSIS.split(quote) if (part := _fold(p)[0].strip(" \"'"))]


def _places(part: str, text: str) -> Iterator[Match]:
    """Where `part` stands, not within a word or number; nowhere if it is short and stands in several places."""
    if not part:
        return
    if len(part) < _MIN_UNIQUE and text.count(part) > 1:
        return
    at = text.find(part)
    while at >= 0:
        end = at + len(part)
        if not (_joined(text, at) or _joined(text, end)):
            yield Match(at, end, 100.0)
        at = text.find(part, at + 1)


def _joined(text: str, at: int) -> bool:
    """Whether `at` lies within a word of a script that parts words by blanks."""
    return 0 < at < len(text) and all(c.isascii() and c.isalnum() for c in text[at - 1 : at + 1])


def _fold(text: str) -> tuple[str, list[int]]:
    """Text in the form that is compared, and the original offset of each of its characters."""
    characters: list[str] = []
    offsets: list[int] = []
    space = True
    for offset, char in enumerate(text):
        if char.isspace():
            if not space:
                characters.append(" ")
                offsets.append(offset)
            space = True
            continue
        if char in _DROP:
            continue
        folded = char.lower() if char.isascii() else unicodedata.normalize("NFKC", char).casefold()
        for c in folded.translate(_FOLD):
            characters.append(c)
            offsets.append(offset)
        space = False
    return "".join(characters), offsets


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and _joined(text, start):
        start -= 1
    while end < len(text) and _joined(text, end):
        end += 1
    return start, end


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)
