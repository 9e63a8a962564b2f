"""Which words of a corpus are names by how they are written: never without a capital.

No list of names is needed, and none would do: names that no page tells of, such as those of towns, of people and of
states that are no more, say as much about whose page it is. What is taken for names beside them is vocabulary that a
corpus happens to write with capitals alone, such as abbreviations; in a language that gives them to nouns, all nouns.
"""

from __future__ import annotations

import calendar
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence

from longread.synth.facts import Fact
from longread.synth.values import quantity

WORD = re.compile(r"[^\W\d_]+")
SHORT = 5
"""Letters of an abbreviation, at the most."""
ADDRESS = re.compile(
    r"(?<![^\s\"<>])[^\s\"<>]*(?:://|www\.|@|\.(?:com|edu|gov|info|int|net|org)\b)[^\s\"<>]*|(?<![\w.])\.[a-z]{2}\b"
)
"""Of the web or of mail: names stand there in lower case and joined to others, where elsewhere they may be words."""
_MENTIONED = re.compile(r"<(em|i|q)>[^<]*</\1>")
"""A word in italics is mentioned, not used: what somebody's name means in another language is no word of this one."""
ROMAN = re.compile(r"[IVXLC]+")
_CALENDAR = {
    name.casefold()
    for names in (calendar.month_name, calendar.month_abbr, calendar.day_name, calendar.day_abbr)
    for name in names
}
BRACKETED = re.compile(r"(?<=[a-z] \()[A-Z]{2,5}(?=\))")
"""Abbreviations, such as those of currencies, even where they spell a word: `leke (ALL)`."""
_SLIP = 12
"""Capitals beside which one small letter is a slip, of what is no abbreviation."""
_FRAME = 0.5
"""Share of the pages whose relations or units hold a word that belongs to the form of a page."""
_JOINED = 4
"""Letters of a name that is told within a longer word, at the least."""
_USUAL = 0.05
"""Share of the documents whose addresses hold a word that says nothing of one, such as `org`."""


def used(text: str) -> str:
    """A folded text without what says nothing of how words are written: addresses, small letters in italics."""

    def capitals(mentioned: re.Match[str]) -> str:
        return " ".join(word for word in WORD.findall(mentioned.group()) if word[0].isupper())

    return _MENTIONED.sub(capitals, ADDRESS.sub(" ", text))


def frame(facts: Collection[Collection[Fact]]) -> set[str]:
    """The words, in lower case, in which most pages say what they state: those of relations and of units.

    Args:
        facts: Of each page.
    """
    pages: Counter[str] = Counter()
    for own in facts:
        said = {fact.relation for fact in own} | {
            stated.unit for fact in own if (stated := quantity(fact.value))
        }
        pages.update({word.casefold() for phrase in said for word in WORD.findall(phrase)})
    return {word for word, n in pages.items() if n >= _FRAME * len(facts)}


def proper(seen: Mapping[str, int], short: Collection[str], frame: Collection[str]) -> list[list[str]]:
    """The names among single words, each with all ways in which it is written, the most frequent first.

    Args:
        seen: How often each word stands in the corpus as it is used; what else is counted is passed over.
        short: Abbreviations.
        frame: Words that are no names.
    """
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for word in seen:
        if len(word) > 1 and word.isalpha():
            spelled[word.casefold()].append(word)
    names: list[list[str]] = []
    for word, spellings in spelled.items():
        capital = [form for form in spellings if form[0].isupper()]
        small = sum(seen[form] for form in spellings if not form[0].isupper())
        written = [form for form in capital if not ROMAN.fullmatch(form)]
        many = (
            sum(seen[form] for form in written) >= _SLIP and not max(written, key=seen.__getitem__).isupper()
        )
        if written and (not small or (small == 1 and many)) and word not in frame and word not in _CALENDAR:
            names.append(sorted(written, key=lambda form: (form.isupper(), -seen[form], form)))
    return names + [[word] for word in sorted(short) if word.casefold() not in frame]


def addressed(
    addresses: Sequence[Collection[str]], seen: Collection[str], names: Collection[str]
) -> set[str]:
    """The words of addresses that are no words elsewhere and are rare there or hold a name, joined to others.

    Args:
        addresses: Words of addresses by document, in lower case.
        seen: Words that stand elsewhere.
        names: In lower case.
    """
    usual = Counter(word for words in addresses for word in words)

    def named(word: str) -> bool:
        return any(word[a:b] in names for a in range(len(word)) for b in range(a + _JOINED, len(word) + 1))

    return {
        word
        for word, n in usual.items()
        if len(word) > 1 and word not in seen and (n <= _USUAL * len(addresses) or named(word))
    }
