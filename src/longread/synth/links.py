"""Lists of entities within a value, such as `Belgium 556 km; Germany 418 km`: the edges of the graph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from longread.synth.facts import Fact
from longread.synth.values import quantity

_LIST = re.compile(r"[;,] (?=[A-Z])")
_ITEM = re.compile(r"(?P<name>[A-Z][^\d;$%]*?),? (?P<quantity>\$?\d[\d,.]*(?:%| ?[a-z][a-z ]{0,20})?)$")
_YEAR = re.compile(r" \((?:19|20)\d\d(?: est\.)?\)$")


class Link(NamedTuple):
    """An item of a list: an entity and its quantity, and where the item stands."""

    name: str
    """As entities are called, not as the list has it."""
    number: Decimal
    unit: str
    start: int
    end: int


def links(fact: Fact, names: Mapping[str, str]) -> tuple[Link, ...]:
    """The items of a value that is a list; empty unless all have a quantity, in one unit, none equal.

    Args:
        fact: Its value must stand in the text as it is, without escapes.
        names: Every way in which an entity is called -> its name. Items of other names are kept as they are called.
    """
    found: list[Link] = []
    if fact.end - fact.start != len(fact.value):
        return ()
    text = _YEAR.sub("", fact.value)
    at = 0
    for part in [*_LIST.finditer(text), None]:
        end = part.start() if part else len(text)
        item = _ITEM.fullmatch(text[at:end])
        stated = quantity(item["quantity"]) if item else None
        if not item or not stated:
            return ()
        name = names.get(item["name"], item["name"])
        found.append(Link(name, stated.number, stated.unit, fact.start + at, fact.start + end))
        at = part.end() if part else end
    alike = len({link.unit for link in found}) == 1 and len({link.number for link in found}) == len(found)
    return tuple(found) if alike and len(found) > 1 else ()
