"""The words of a small world, and how its lines state something.

Its words are few, so that a model of some million parameters can know all of them. People and companies have two-word
names. Pairs of words that evaluation uses are never used in training: none of its people and companies was seen
before. Towns and all else have one word, and are the same in both.
"""

from __future__ import annotations

import random
import re
from typing import Literal, NamedTuple

Split = Literal["train", "evaluation"]

FIRST = (
    "Anna Boris Clara David Emma Felix Greta Hugo Irene Jonas Karin Leo Maria Nora Otto Paula Rosa Simon Tara Ulf "
    "Vera Walter Xenia Yusuf Zoe Adam Bella Carl Diana Eric Flora Georg Helen Ivan Julia Kurt Laura Max Nina Oscar"
).split()
LAST = (
    "Berg Stone Fisher Walker Baker Young Hill Wood King Moore Reed Lang Frost Hart Cole Marsh Wolf Page Snow Field "
    "Black White Green Brown Sharp Swift Strong Noble Rich Small Brook Lake Shaw West North South East Miller Smith "
    "Cook"
).split()
MAKES = (
    "Amber Silver Golden Iron Copper Crystal Royal Global Pacific Polar Solar Lunar Prime Alpha Delta Omega Nova "
    "Urban Rapid Grand Blue Red Clear Bright"
).split()
FIRMS = (
    "Forge Works Motors Foods Press Textiles Mills Labs Bank Airlines Media Energy Tools Glass Paper Steel Marine "
    "Timber Farms Optics Robots Toys Records Hotels"
).split()
TOWNS = (
    "Oslo Turin Lyon Porto Cairo Lima Quito Dakar Delhi Kyoto Osaka Perth Malmo Basel Ghent Riga Minsk Sofia Split "
    "Izmir Basra Tunis Rabat Accra Lagos Harare Lusaka Maputo Havana Bogota Caracas Cusco Austin Boston Denver "
    "Fresno Dallas Tampa Omaha Salem"
).split()
RIVERS = (
    "Danube Rhine Elbe Oder Volga Dnieper Ebro Tagus Seine Loire Rhone Thames Severn Tiber Arno Nile Niger Congo "
    "Zambezi Orange Ganges Indus Mekong Yangtze"
).split()
WARES = (
    "salt wool silk tea coffee sugar rice wheat barley honey wax leather cotton linen paint soap bricks nails rope "
    "lamps clocks chairs boats wheels"
).split()
PETS = (
    "cat dog horse goat parrot rabbit turtle snake owl hamster lizard duck goose pony lamb pig mouse ferret canary "
    "falcon donkey frog crab newt"
).split()
MONTHS = "January February March April May June July August September October November December".split()
ORDINALS = ("first", "second", "third", "fourth")
OPTIONS = 4
"""Of a choice."""


class Relation(NamedTuple):
    """What one thing can be to another. Each subject has one object."""

    name: str
    subject: str
    object: str
    """Kinds, of KINDS."""
    forms: tuple[str, ...]
    """Lines that state it."""


class Statement(NamedTuple):
    """What a line says."""

    relation: str
    subject: str
    object: str


def _relation(name: str, subject: str, object: str, prose: str) -> Relation:
    forms = (prose, f"The {name} of $s is $o.", f"$s's {name}: $o")
    return Relation(name, subject, object, forms)


RELATIONS = {
    relation.name: relation
    for relation in (
        _relation("employer", "person", "company", "$s works for $o."),
        _relation("birthplace", "person", "town", "$s was born in $o."),
        _relation("pet", "person", "pet", "$s keeps a $o."),
        _relation("seat", "company", "town", "$s is based in $o."),
        _relation("founder", "company", "person", "$s was founded by $o."),
        _relation("product", "company", "ware", "$s sells $o."),
        _relation("river", "town", "river", "$s lies on the $o."),
        _relation("mayor", "town", "person", "$s is governed by $o."),
    )
}
PLURALS = {"person": "people", "company": "companies", "town": "towns"}
SALE = "In $m $s sold $n sacks."
"""A month's sale; of one person and month there is one."""
WISH = "$s: some $o please."
"""What somebody says; the same person may wish for several things, one after the other."""


def _pattern(form: str, **kinds: str) -> re.Pattern[str]:
    pattern = re.escape(form).replace(r"\$", "$")
    for letter, inside in kinds.items():
        pattern = pattern.replace(f"${letter}", f"(?P<{letter}>{inside})")
    return re.compile(pattern)


_NAME = r"[A-Z][a-z]+(?: [A-Z][a-z]+)?"
_STATED = [
    (relation.name, _pattern(form, s=_NAME, o=rf"{_NAME}|[a-z]+"))
    for relation in RELATIONS.values()
    for form in relation.forms
]
_SOLD = _pattern(SALE, m="[A-Z][a-z]+", s=_NAME, n=r"\d+")
_WISHED = _pattern(WISH, s=_NAME, o="[a-z]+")


class Sold(NamedTuple):
    """A sale that a line tells of."""

    person: str
    month: str
    sacks: int


class Wished(NamedTuple):
    """A wish that a line tells of."""

    person: str
    ware: str


def parse(line: str) -> Statement | Sold | Wished | None:
    """What a line says, from its words alone; None for a heading."""
    line = line.strip()
    if found := _SOLD.fullmatch(line):
        return Sold(found["s"], found["m"], int(found["n"]))
    if found := _WISHED.fullmatch(line):
        return Wished(found["s"], found["o"])
    for name, pattern in _STATED:
        if found := pattern.fullmatch(line):
            return Statement(name, found["s"], found["o"])
    return None


def held_out(first: int, second: int) -> bool:
    """Whether a name of these two words, by their places in the pools, is kept for evaluation: a quarter is."""
    return (first + second) % 4 == 0


def _names(first: list[str], second: list[str], split: Split) -> list[str]:
    return [
        f"{a} {b}"
        for i, a in enumerate(first)
        for j, b in enumerate(second)
        if held_out(i, j) == (split == "evaluation")
    ]


_KINDS: dict[Split, dict[str, list[str]]] = {
    split: {
        "person": _names(FIRST, LAST, split),
        "company": _names(MAKES, FIRMS, split),
        "town": TOWNS,
        "river": RIVERS,
        "ware": WARES,
        "pet": PETS,
    }
    for split in ("train", "evaluation")
}


def kinds(split: Split) -> dict[str, list[str]]:
    """What there is of each kind."""
    return _KINDS[split]


def state(rng: random.Random, relation: str, subject: str, object: str) -> str:
    """A line that says so, in one of its forms."""
    return rng.choice(RELATIONS[relation].forms).replace("$s", subject).replace("$o", object)


def sale(person: str, month: str, sacks: int) -> str:
    """A line of a sale."""
    return SALE.replace("$m", month).replace("$s", person).replace("$n", str(sacks))


def wish(person: str, ware: str) -> str:
    """A line in which a person wishes for something."""
    return WISH.replace("$s", person).replace("$o", ware)
