"""What a text names: words with capitals, those side by side as one. There is no list of names, and none would do."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator

from longread.reading.cite import fold
from longread.reading.terms import CJK, STOP

_WORD = re.compile(r"[^\W_]+")
_WITHIN = (" ", "-")
"""What stands between the words of a name."""
_END = re.compile(r"[.?!:]\s|\n")
"""Behind it a capital says nothing: a sentence begins."""


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
    begins a sentence.
    """
    within = [word for gap, word in _words(question) if word[0].isupper() and not _END.search(gap)]
    title = any(len(word) > 1 and word.casefold() in STOP for word in within)
    return names(question) if any(map(_is_name, within)) and not title else set()


def mentions(text: str, wanted: Collection[str]) -> bool:
    """Whether one of the names stands in a text, whole."""
    said = f" {' '.join(_WORD.findall(fold(unicodedata.normalize('NFC', text))))} "
    return any(f" {name} " in said for name in wanted)


def _words(text: str) -> Iterator[tuple[str, str]]:
    """The words, each with what stands before it."""
    text, end = unicodedata.normalize("NFC", text), 0
    for word in _WORD.finditer(text):
        yield text[end : word.start()] if end else "\n", word.group()
        end = word.end()


def _is_name(word: str) -> bool:
    return word[0].isupper() and len(word) > 1 and word.casefold() not in STOP and not CJK.search(word)
