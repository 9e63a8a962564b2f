"""Aligns a quote with the text it came from. The model's words are looked for; the document's are shown."""

from __future__ import annotations

import re
import unicodedata

from rapidfuzz import fuzz

_MIN_FUZZY = 16
"""Shorter quotes must match exactly: a near match of a few characters means nothing."""
_CUTOFF = 88.0
"""Least similarity, in percent, of a near match."""
_ELLIPSIS = re.compile(r"\s*(?:\.{3,}|…|\[\.{3}\]|\[…\])\s*")
_MAX_GAP = 600
"""Most characters an ellipsis may stand for."""
_DROP = frozenset("*_`\u00ad\u200b\u200c\u200d\u2060\ufeff")
_FOLD = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'",
                       "–": "-", "—": "-", "‑": "-", "−": "-"})  # fmt: skip


def align(quote: str, text: str) -> tuple[int, int] | None:
    """Offsets of the passage of `text` that `quote` reproduces, or None.

    Case, white space, quotation marks, dashes, markup and invisible characters may differ, parts may be left
    out with an ellipsis, and long quotes may differ in a few characters, but never in a number.
    """
    exact = text.find(quote.strip()) if quote.strip() else -1
    if exact >= 0:
        return exact, exact + len(quote.strip())
    folded, offsets = _fold(text)
    parts = [part for p in _ELLIPSIS.split(quote) if (part := _fold(p)[0].strip().strip('"').strip())]
    if not parts:
        return None
    first = _find(parts[0], folded, 0)
    if first is None:
        return None
    start, end = first
    for part in parts[1:]:
        following = _find(part, folded[: end + _MAX_GAP + len(part)], end)
        if following is None:
            return None
        end = following[1]
    return offsets[start], offsets[end - 1] + 1


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


def _find(part: str, text: str, start: int) -> tuple[int, int] | None:
    at = text.find(part, start)
    if at >= 0:
        return at, at + len(part)
    if len(part) < _MIN_FUZZY:
        return None
    near = fuzz.partial_ratio_alignment(part, text[start:], score_cutoff=_CUTOFF)
    if near is None:
        return None
    begin, end = _whole_words(text, start + near.dest_start, start + near.dest_end)
    return (begin, end) if _numbers(part) == _numbers(text[begin:end]) else None


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    while start > 0 and text[start - 1].isalnum() and text[start].isalnum() and text[start].isascii():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum() and text[end].isascii():
        end += 1
    return start, end


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:[.,]\d+)*", text)
