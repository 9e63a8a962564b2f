"""What a text names: words with capitals, those side by side as one. There is no list of names, and none would do."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache

from longread.reading.cite import fold
from longread.reading.terms import CJK, STOP, stem

_WORD = re.compile(r"[^\W_]+")
_WITHIN = (" ", "-")
"""What stands between the words of a name."""
_END = re.compile(r"[.?!:]\s|\n")
"""Behind it a capital says nothing: a sentence begins."""
_SHORTENS = ("'", "’")
"""What stands before the end of `town's` and `who'll`, which is no word."""
_ASKING = frozenset(
    "count describe explain find give identify list name show state summarise summarize tell".split()
)
"""What a request begins with."""
_COMMONER = 3
"""Times as many texts as any other word of a question has one that says little."""


def names(text: str) -> set[str]:
    """The names in a text, folded; single letters and what tells nothing (`The`, `I`) are none."""
    return {" ".join(words) for _, words in _runs(text)}


def asked(question: str) -> set[str]:
    """The names that a question asks about: none where its capitals say nothing.

    So it is in a script without them, in a question that is written without or like a title, and where the only one
    begins a sentence. Where that begins one with words that make it long, or asks for something (`Name Leo Hill's
    pet.`), what follows is a name without it, too.
    """
    within = [word for gap, word in _words(question) if word[0].isupper() and not _END.search(gap)]
    title = any(len(word) > 1 and word.casefold() in STOP for word in within)
    if title or not any(map(_is_name, within)):
        return set()
    found = names(question)
    for begins, words in _runs(question):
        if begins and len(words) > (1 if words[0] in _ASKING else 2):
            found.add(" ".join(words[1:]))
    return found


def telling(question: str, texts: Iterable[str]) -> frozenset[str]:
    """The words that stand for names where a question has none, folded, in all forms in which they stand in texts.

    Left out is one that most texts have, and far more than have any other of the words: of `how many have the pet
    newt`, `pet` says little where most pages have pets. None where only one word of the question stands in any text.
    """
    words = ((gap, fold(word)) for gap, word in _words(question) if not CJK.search(word))
    asks = {word for gap, word in words if gap not in _SHORTENS}
    stems = {stem(word) for word in asks - STOP - _ASKING}
    if len(stems) < 2:
        return frozenset()
    stem_of: dict[str, str] = {}
    forms: defaultdict[str, set[str]] = defaultdict(set)
    having: Counter[str] = Counter()
    total = 0
    for text in texts:
        total += 1
        found = set()
        for word in set(_said(text).split()):
            if (own := stem_of.setdefault(word, stem(word))) in stems:
                forms[own].add(word)
                found.add(own)
        having.update(found)
    if len(having) < 2:
        return frozenset()
    (commonest, most), (_, next_most) = having.most_common(2)
    if most >= _COMMONER * next_most and 2 * most > total:
        del forms[commonest]
    return frozenset().union(*forms.values())


def names_only(text: str, known: Collection[str]) -> bool:
    """Whether a text names something, and nothing but what is known; what begins a sentence need be no name."""
    named = False
    for begins, words in _runs(text):
        if " ".join(words) in known or (begins and " ".join(words[1:]) in known):
            named = True
        elif not begins or len(words) > 1:
            return False
    return named


def mentions(text: str, wanted: Collection[str]) -> bool:
    """Whether one of the names stands in a text, whole."""
    said = _said(text)
    return any(f" {name} " in said for name in wanted)


@lru_cache(256)
def _said(text: str) -> str:
    """The words of a text, folded; several questions, and several looks ahead, are asked of the same section."""
    return f" {' '.join(_WORD.findall(fold(unicodedata.normalize('NFC', text))))} "


def _runs(text: str) -> list[tuple[bool, list[str]]]:
    """The names, each as its words, folded, and whether a sentence begins with it."""
    found: list[tuple[bool, list[str]]] = []
    joins = False
    for gap, word in _words(text):
        capital = _is_name(word)
        if capital and joins and gap in _WITHIN:
            found[-1][1].append(fold(word))
        elif capital:
            found.append((bool(_END.search(gap)), [fold(word)]))
        joins = capital
    return found


def _words(text: str) -> Iterator[tuple[str, str]]:
    """The words, each with what stands before it."""
    text, end = unicodedata.normalize("NFC", text), 0
    for word in _WORD.finditer(text):
        yield text[end : word.start()] if end else "\n", word.group()
        end = word.end()


def _is_name(word: str) -> bool:
    return word[0].isupper() and len(word) > 1 and word.casefold() not in STOP and not CJK.search(word)
