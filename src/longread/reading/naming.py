"""What a text names: words with capitals, those side by side as one. There is no list of names, and none would do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from functools import lru_cache

from longread.reading.cite import fold
from longread.reading.terms import CJK, STOP

_WORD = re.compile(r"[^\W_]+")
_WITHIN = (" ", "-")
"""What stands between the words of a name."""
_END = re.compile(r"[.?!:]\s|\n")
"""Behind it a capital says nothing: a sentence begins."""
_FIRST = re.compile(r"(?:^|(?<=[.!]\s)|(?<=\n))\W*[^\W_]+")
"""The first word of a sentence; behind a question mark or a colon there may be choices."""


def names(text: str) -> set[str]:
    """The names in a text, folded; single letters and what tells nothing (`The`, `I`) are none."""
    found: list[str] = []
    joins = False
    for gap, word in _words(text):
        capital = _is_name(word)
        if capital and joins and gap in _WITHIN:
            found[-1] += f" {fold(word)}"
        elif capital:
            found.append(fold(word))
        joins = capital
    return set(found)


def asked(question: str) -> set[str]:
    """The names that a question asks about: none where its capitals say nothing.

    So it is in a script without them, in a question that is written without or like a title, and where the only one
    begins a sentence. What begins one (`Name Leo Hill's pet.`) may be no name: what follows is one without it, too.
    """
    within = [word for gap, word in _words(question) if word[0].isupper() and not _END.search(gap)]
    title = any(len(word) > 1 and word.casefold() in STOP for word in within)
    if title or not any(map(_is_name, within)):
        return set()
    return names(question) | names(_FIRST.sub(" ", question))


def mentions(text: str, wanted: Collection[str]) -> bool:
    """Whether one of the names stands in a text, whole."""
    said = _said(text)
    return any(f" {name} " in said for name in wanted)


@lru_cache(64)
def _said(text: str) -> str:
    """The words of a text, folded; several questions, and several looks ahead, are asked of the same section."""
    return f" {' '.join(_WORD.findall(fold(unicodedata.normalize('NFC', text))))} "


def _words(text: str) -> Iterator[tuple[str, str]]:
    """The words, each with what stands before it."""
    text, end = unicodedata.normalize("NFC", text), 0
    for word in _WORD.finditer(text):
        yield text[end : word.start()] if end else "\n", word.group()
        end = word.end()


def _is_name(word: str) -> bool:
    return word[0].isupper() and len(word) > 1 and word.casefold() not in STOP and not CJK.search(word)
