"""Which keys of different records are one relation: `Capital`, `capital_name` and `capital city`.

Keys must say the same up to case, punctuation and plural, or but for a last word that only says of what kind the
value is; their values must be alike; and no record may have both.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from statistics import median_low
from typing import NamedTuple

from longread.synth.facts import Fact
from longread.synth.links import links
from longread.synth.schema import singular
from longread.synth.values import date, plain, quantity

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+|\d+")
_KINDS = frozenset(("name", "text", "value", "city", "town", "date"))
"""Last words of a key that say what kind of thing its value is."""
_MOST = 0.9
"""Share of a key's values that must be alike."""
_SEEN = 3
"""Records of a key, from which it is known what its values are like."""


class _Shape(NamedTuple):
    """What values are like."""

    kind: str
    unit: str = ""
    words: int = 0


def one_relation(facts: Mapping[str, Sequence[Fact]]) -> dict[str, str]:
    """The keys that are another way of writing a more frequent one -> that one.

    Args:
        facts: All that each record states.
    """
    values: defaultdict[str, list[Fact]] = defaultdict(list)
    records: defaultdict[str, set[str]] = defaultdict(set)
    for record, own in facts.items():
        for fact in own:
            values[fact.relation].append(fact)
            records[fact.relation].add(record)
    alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for relation in sorted(values, key=lambda relation: (-len(records[relation]), relation)):
        alike[_core(_words(relation))].append(relation)
    found: dict[str, str] = {}
    for relations in alike.values():
        shapes = {relation: _shape(values[relation]) for relation in relations if len(relations) > 1}
        taken = {relations[0]: set(records[relations[0]])}
        for relation in relations[1:]:
            fitting = [
                other
                for other, by in taken.items()
                if shapes[relation] and shapes[relation] == shapes[other] and by.isdisjoint(records[relation])
                if _words(relation) == _words(other)
                or min(len(records[relation]), len(records[other])) >= _SEEN
            ]
            if len(fitting) == 1:
                found[relation] = fitting[0]
                taken[fitting[0]] |= records[relation]
            else:
                taken[relation] = set(records[relation])
    return found


def _words(relation: str) -> tuple[str, ...]:
    return tuple(singular(word.casefold()) for word in _WORD.findall(relation))


def _core(words: tuple[str, ...]) -> tuple[str, ...]:
    return words[:-1] if len(words) > 1 and words[-1] in _KINDS else words


def _shape(facts: Sequence[Fact]) -> _Shape | None:
    """What most values are like; None when they are of several kinds."""
    shapes = [_like(fact) for fact in facts]
    kinds = Counter((shape.kind, shape.unit) for shape in shapes)
    (kind, unit), many = kinds.most_common(1)[0]
    if many < _MOST * len(shapes):
        return None
    return _Shape(kind, unit, median_low(shape.words for shape in shapes if shape.kind == kind))


def _like(fact: Fact) -> _Shape:
    value = plain(fact.value)
    if stated := quantity(value):
        return _Shape("quantity", stated.unit)
    if date(value):
        return _Shape("date")
    if links(fact, {}):
        return _Shape("list")
    figures = any(map(str.isdigit, value))
    return _Shape("figures" if figures else "name" if value[:1].isupper() else "text", "", len(value.split()))
