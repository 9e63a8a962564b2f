"""Who each document is about, and what else it is called."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from longread.synth.base import Base, Page
from longread.synth.facts import Fact
from longread.synth.links import links
from longread.synth.relations import one_relation
from longread.synth.spelling import Mention, key, resolved
from longread.synth.values import date, plain, quantity

_NAME = re.compile(r"[A-Z][^\d:;<>\"]{1,59}")
_PHRASE = re.compile(r"[A-Z][\w'’.-]*(?: (?:and|of|the|de|[A-Z][\w'’.-]*))*")
_DISTINCT = 0.95
"""Share of a relation's values that must differ for it to name its pages."""
_PRESENT = 0.5
"""Share of the pages that must have it."""
_ALIAS = re.compile(r"(?:abbreviation|alias|short form|also known as)$", re.IGNORECASE)
_OR = re.compile(r",? or |; ")


def build(facts: Mapping[str, Sequence[Fact]]) -> Base:
    """Pages from facts by document. Documents without a name, or with one that others have too, are no pages.

    Names and keys that are another way of writing the same are taken for the same.
    """
    merged = one_relation(facts)
    once = {doc: _once(_under(own, merged)) for doc, own in facts.items()}
    naming = naming_relation(once)
    if not naming:
        return Base(())
    named = {doc: plain(own[naming].value) for doc, own in once.items() if naming in own}
    taken = Counter(map(key, named.values()))
    named = {doc: name for doc, name in named.items() if _NAME.fullmatch(name) and taken[key(name)] == 1}
    called = _aliases(named, once)
    mentions = [
        Mention(name, relation, link.name)
        for doc, name in named.items()
        for relation, fact in once[doc].items()
        for link in links(fact, {})
    ]
    spelled = resolved(mentions, called)
    pages = (_page(doc, name, once[doc], {**called, **spelled}) for doc, name in named.items())
    return Base(tuple(pages), {**merged, **spelled})


def naming_relation(facts: Mapping[str, Mapping[str, Fact]]) -> str | None:
    """The relation whose values name the pages: distinct, short, and what other pages mention most."""
    values: defaultdict[str, list[str]] = defaultdict(list)
    mentioned: Counter[str] = Counter()
    for own in facts.values():
        phrases: set[str] = set()
        for fact in own.values():
            phrases.update(_PHRASE.findall(fact.value))
            if _NAME.fullmatch(plain(fact.value)):
                values[fact.relation].append(plain(fact.value))
        mentioned.update(phrases)
    best, most = None, 0
    for relation, found in values.items():
        unique = [name for name, n in Counter(found).items() if n == 1]
        if len(found) >= _PRESENT * len(facts) and len(unique) >= _DISTINCT * len(found):
            total = sum(mentioned[name] - 1 for name in unique if name in mentioned)
            if total > most:
                best, most = relation, total
    return best


def _under(facts: Iterable[Fact], merged: Mapping[str, str]) -> Iterator[Fact]:
    for fact in facts:
        yield fact._replace(relation=merged[fact.relation]) if fact.relation in merged else fact


def _once(facts: Iterable[Fact]) -> dict[str, Fact]:
    own: dict[str, Fact] = {}
    twice: set[str] = set()
    for fact in facts:
        if fact.relation in own:
            twice.add(fact.relation)
        own[fact.relation] = fact
    return {relation: fact for relation, fact in own.items() if relation not in twice}


def _aliases(named: Mapping[str, str], facts: Mapping[str, Mapping[str, Fact]]) -> dict[str, str]:
    """Every way in which an entity is called -> its name; what two share is left out."""
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for doc, name in named.items():
        owners[name].add(name)
        for relation, fact in facts[doc].items():
            if _ALIAS.search(relation):
                for alias in _OR.split(plain(fact.value)):
                    if _NAME.fullmatch(alias):
                        owners[alias].add(name)
    return {alias: next(iter(names)) for alias, names in owners.items() if len(names) == 1}


def _page(doc: str, name: str, facts: Mapping[str, Fact], called: Mapping[str, str]) -> Page:
    quantities = {r: q for r, f in facts.items() if (q := quantity(f.value))}
    dates = {r: d for r, f in facts.items() if (d := date(f.value))}
    lists = {r: found for r, f in facts.items() if (found := links(f, called))}
    return Page(doc, name, facts, quantities, dates, lists)
