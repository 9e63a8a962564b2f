"""Invented names: large pools made of syllables, so that nothing can be known beforehand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

MONTHS = "January February March April May June July August September October November December".split()
GOODS = "barley wheat salt wool tar copper linen cider candles slate hops flax".split()
THINGS = (
    "mill bridge well orchard market granary watchtower quay almshouse schoolhouse "
    "brewery chapel forge dovecote lockhouse tannery bathhouse weighhouse ropewalk kiln"
).split()
GIVEN = (
    "Adda Alric Anselm Berta Bren Clea Corin Dagny Delma Doran Edric Elva Emmot Fara Ferris Finn Gerda Gisel "
    "Godwin Hanne Hob Hulda Idony Ilsa Ivo Joss Judith Kerra Kilian Konrad Lambert Lettice Lorn Mabel Magnus "
    "Merel Nesta Nils Norbert Odo Orla Osric Perrin Petra Piers Quill Ralf Rikke Ruta Sabine Sten Sunniva Tamsin "
    "Thora Tobin Udo Ursel Veit Vigo Wanda Wilmot Wystan Ysolde Zacharias"
).split()
SURNAMES = [
    "".join(parts)
    for parts in product(
        "Bar Bel Cal Cor Dor Dun El Fen Gal Gor Har Hel Ist Kel Kir Lor Mar Nor Oss Pel Ros Sal Tor Wen".split(),
        "a e i o an en or il".split(),
        "ley mont rick sen vane worth dock low man ster".split(),
    )
]
TOWNS = [
    "".join(parts)
    for parts in product(
        "Ash Brem Carn Den Ebb Fal Glen Holl Ink Kest Lang Mel Nant Oak Pont Quar Rav Sed Thorn Und Vell Whit Yar Zan"
        .split(),
        "a e i o en er in ing".split(),
        "bury dale ford mere mouth stead wick holm gate haven".split(),
    )
]  # fmt: skip
_PEOPLE = len(GIVEN) * len(SURNAMES)
_FIRST_YEAR, _LAST_YEAR = 1650, 1850


class Date(NamedTuple):
    """A month of a year; sorts by time."""

    year: int
    month: int
    """1 to 12."""

    def __str__(self) -> str:
        return f"{MONTHS[self.month - 1]} {self.year}"

    @classmethod
    def parse(cls, text: str) -> Date:
        """The date that `March 1742` means."""
        month, year = text.split()
        return cls(int(year), MONTHS.index(month) + 1)


class Cast(NamedTuple):
    """Who and what a book speaks of. Everything in it, golds included, draws from these pools."""

    people: list[str]
    towns: list[str]

    @classmethod
    def draw(cls, rng: random.Random, size: int) -> Cast:
        """A cast that suits a book of `size` bytes, each name once, in random order."""
        people = [
            f"{GIVEN[number % len(GIVEN)]} {SURNAMES[number // len(GIVEN)]}"
            for number in rng.sample(range(_PEOPLE), min(20_000, max(64, size // 600)))
        ]
        return cls(people, rng.sample(TOWNS, min(1_200, max(28, size // 2500))))


def year(rng: random.Random) -> int:
    """A year of the chronicles."""
    return rng.randrange(_FIRST_YEAR, _LAST_YEAR)


def dates(rng: random.Random, count: int) -> list[Date]:
    """Different dates in random order, within a stretch of some decades that begins anywhere."""
    first = rng.randrange(_FIRST_YEAR, _LAST_YEAR - 60)
    return [Date(first + n // 12, n % 12 + 1) for n in rng.sample(range(60 * 12), count)]


def place(order: Sequence[int], index: int) -> int:
    """What is due at `index` when the values of `order` take turns."""
    return order[index % len(order)]


def turns(count: int, *key: object) -> list[int]:
    """The numbers below `count` in an order that depends on `key` alone.

    Samples take their gold's rank from it by their index: in every `count` samples in a row each rank comes up
    once, so that whoever always takes the first or the last mention is right exactly as often as by chance.
    """
    order = list(range(count))
    random.Random("/".join(map(str, key))).shuffle(order)  # noqa: S311
    return order
