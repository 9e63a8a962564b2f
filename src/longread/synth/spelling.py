"""Which ways of writing a name are of one thing.

Case, accents, punctuation, articles and `Gambia, The` make no other name. Any other likeness is a ground only beside
another: that both pages list each other in the same relation, as neighbours do. `Niger` is nearer to `Nigeria` than
most misspellings are to what they stand for.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import NamedTuple

from rapidfuzz import fuzz

_WORD = re.compile(r"[^\s.,'’‘`\"“”()\[\]{}_/:;!?–—-]+")
_TURNED = re.compile(
    r"(?P<head>[^,()]+)(?:, | \()(?P<tail>(?:the|north|south|east|west|.* of(?: the)?))\)?", re.IGNORECASE
)
"""`Gambia, The`, `Micronesia (Federated States of)`."""
_ASIDE = re.compile(r"\s*\([^()]*\)")
_LONGEST = 100
"""Characters of a name."""
_ALIKE = 85
"""Least likeness, of 100, of two spellings that have another ground to be one."""


@lru_cache(1 << 16)
def key(name: str) -> str:
    """The same for ways of writing a name that differ in nothing which tells names apart; long texts as they are."""
    if len(name) > _LONGEST:
        return name
    if turned := _TURNED.fullmatch(name):
        name = f"{turned['tail']} {turned['head']}"
    folded = unicodedata.normalize("NFKD", name.replace("&", " and "))
    words = _WORD.findall("".join(c for c in folded if not unicodedata.combining(c)).casefold())
    return " ".join(words[1:] if words[:1] == ["the"] and len(words) > 1 else words) or name


class Mention(NamedTuple):
    """A page lists a name in a relation."""

    page: str
    relation: str
    name: str


def resolved(mentions: Iterable[Mention], called: Mapping[str, str]) -> dict[str, str]:
    """The names in lists that are another way of writing what is known -> what it is called.

    Args:
        mentions: All that lists hold.
        called: Every way in which an entity is known to be called -> its name.
    """
    by_key: defaultdict[str, set[str]] = defaultdict(set)
    for form, name in called.items():
        by_key[key(form)].add(name)
    listed = [(one, called.get(one.name) or _only(by_key[key(one.name)])) for one in mentions]
    found = {one.name: name for one, name in listed if name and one.name not in called}
    by_list: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    lists: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    """Who lists a name, and what a page lists, in a relation."""
    for one, name in listed:
        if name:
            by_list[name, one.relation].add(one.page)
            lists[one.page, one.relation].add(name)
    meant: defaultdict[str, set[str]] = defaultdict(set)
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for one, name in listed:
        if not name and not by_key[key(one.name)]:  # what several are called is none's
            others = lists[one.page, one.relation]
            beside[one.name] |= others
            meant[one.name] |= {page for page in by_list[one.page, one.relation] if _alike(page, one.name)}
    found |= {form: _only(names - beside[form]) for form, names in meant.items()}
    return {form: name for form, name in found.items() if name}


def _alike(a: str, b: str) -> bool:
    bare, other = (key(_ASIDE.sub("", name)) for name in (a, b))
    return bare == other or fuzz.ratio(key(a), key(b)) >= _ALIKE


def _only(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else ""
