"""Ten questions on made-up chronicles, to see whether a model can read with notes.

Each fact is planted once among sentences of the same form about others, and all names are invented, so that nothing
can be known beforehand. One seed, one exam.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from longread.types import Answer, Document

SEED = 15
_BYTES_PER_TOKEN = 4
_MONTHS = "January February March April May June July August September October November December".split()
_GOODS = "barley wheat salt wool tar copper linen cider candles slate".split()
_THINGS = "mill bridge well orchard market hall watchtower quay almshouse schoolhouse".split()
_BEGINNINGS = "Bar Cal Dor El Fen Gal Har Ist Kel Lor Mar Nor Oss Pel Quin Ros Sal Tor Ul Ver Wen Yar".split()
_MIDDLES = "a e i o an en or il".split()
_TOWNS = "bury dale ford mere mouth stead wick holm".split()
_SURNAMES = "ley mont rick sen vane worth dock low".split()
_GIVEN = (
    "Adda Bren Corin Delma Edric Fara Gisel Hob Ilsa Joss Kerra Lorn Mabel Nils Orla Perrin Ruta Sten".split()
)
_CARVED = "late slow bright under winter river honest silver narrow patient seven quiet north lantern".split()
_FILLER = (
    "In {month} the council of {town} met {few} times and put off the question of the {thing}.",
    "{person} of {town} sold {few} barrels of {good} to a trader from {town2}.",
    "Rain kept the road from {town} to {town2} closed until {month}.",
    "The baker {person} complained that the price of {good} had risen since {year}.",
    "A letter from {town} reached {town2} after {few} days, with its seal broken.",
    "The schoolhouse of {town} taught {few} children in {year}, most of them from the farms.",
    "{person} and {person2} disagreed about the boundary between their fields near {town}.",
    "Nobody in {town} could say who had planted the row of limes beside the {thing}.",
    "The {thing} of {town} was painted anew in {month} {year}.",
    "Travellers praised the inn at {town} and warned of the one at {town2}.",
    "{person} wrote that the winter of {year} was the mildest since the {thing} was put up.",
    "The toll on {good} was lifted in {month}, and {town} held a feast.",
)
_DECOYS = (
    "The ferry {ship} ties up at the pier of {town}.",
    "The clock of {town} was built by {person}.",
    "{person} learned the trade in {town}.",
    "In {year} {person} became keeper of the archive of {town}.",
    "The granary of {town} holds {sacks} sacks of {good}.",
    'Over the gate of {town} these words are carved: "{words}".',
)
_DECOY_EVERY = 6
_PARAGRAPH = 5
"""Sentences."""


class Item(NamedTuple):
    """A question on a document of its own."""

    kind: str
    question: str
    expected: str | None
    """What the answer must hold; None when the document does not say."""
    document: Document
    start: int
    """Offset of the sentence that holds the answer."""
    end: int


class _Planted(NamedTuple):
    question: str
    expected: str | None
    facts: tuple[str, ...]
    """In reading order; the last holds the answer."""
    misses: tuple[str, ...] = ()
    """Sentences on the same subject that answer something else."""


def make_exam(seed: int = SEED) -> list[Item]:
    """The items, from short documents (2,000 tokens of 4 bytes) to longer ones (8,000)."""
    plan: Sequence[tuple[str, Callable[[_Names], _Planted], int]] = (
        ("single fact", _ferry, 2_000),
        ("number", _granary, 3_000),
        ("quote", _gate, 3_000),
        ("two steps", _clock, 3_000),
        ("update", _keeper, 3_000),
        ("absent", _ferry_absent, 2_000),
        ("single fact", _ferry, 8_000),
        ("two steps", _clock, 6_000),
        ("update", _keeper, 4_000),
        ("absent", _granary_absent, 4_000),
    )
    return [_item(number, seed, *planned) for number, planned in enumerate(plan, 1)]


def is_right(item: Item, answer: Answer) -> bool:
    """Whether an answer holds what was planted and cites where it stands, or says that it is not there."""
    if item.expected is None:
        return not answer.answered
    cited = any(c.start < item.end and c.end > item.start for c in answer.citations)
    return answer.answered and cited and _holds(answer.text, item.expected)


def filler(tokens: int, seed: int = SEED) -> str:
    """Text of about that many tokens that says nothing in particular."""
    return _chronicle(_Names(seed), tokens, (), ())


def _holds(text: str, expected: str) -> bool:
    """Whether the words of `expected` stand in `text` in a row, whatever their case and punctuation."""
    return f" {_words(expected)} " in f" {_words(text)} "


def _words(text: str) -> str:
    text = re.sub(r"\[\d+\]", " ", text)  # markers of citations
    text = re.sub(r"(?<=\d)[,.'\u2009\u202f\xa0 ](?=\d{3}\b)", "", text)
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


class _Names:
    """Draws the names of one document, each once, and sentences made of them."""

    def __init__(self, seed: int | str) -> None:
        self.rng = random.Random(seed)  # noqa: S311
        self._taken: set[str] = set()

    def town(self) -> str:
        return self._new(lambda: self._stem() + self.rng.choice(_TOWNS))

    def person(self) -> str:
        return self._new(lambda: f"{self.rng.choice(_GIVEN)} {self._stem()}{self.rng.choice(_SURNAMES)}")

    def ship(self) -> str:
        return self._new(lambda: f"{self.rng.choice(_GIVEN)} of {self._stem()}{self.rng.choice(_TOWNS)}")

    def sacks(self) -> str:
        return self._new(lambda: f"{self.rng.randrange(1_000, 10_000):,}")

    def words(self) -> str:
        return self._new(lambda: " ".join(self.rng.sample(_CARVED, 5)).capitalize())

    def year(self) -> int:
        return self.rng.randrange(1650, 1850)

    def fill(self, form: str) -> str:
        """A sentence of that form about things that are spoken of nowhere else."""
        fields: dict[str, Callable[[], object]] = {
            "town": self.town, "town2": self.town, "person": self.person, "person2": self.person, "ship": self.ship,
            "sacks": self.sacks, "words": self.words, "year": self.year,
            "month": lambda: self.rng.choice(_MONTHS), "good": lambda: self.rng.choice(_GOODS),
            "thing": lambda: self.rng.choice(_THINGS), "few": lambda: self.rng.randrange(3, 60),
        }  # fmt: skip
        return form.format_map({name: fields[name]() for name in re.findall(r"{(\w+)}", form)})

    def _stem(self) -> str:
        return self.rng.choice(_BEGINNINGS) + self.rng.choice(_MIDDLES)

    def _new(self, make: Callable[[], str]) -> str:
        while (name := make()) in self._taken:
            continue
        self._taken.add(name)
        return name


def _item(number: int, seed: int, kind: str, plant: Callable[[_Names], _Planted], tokens: int) -> Item:
    names = _Names(f"{seed}-{number}")
    planted = plant(names)
    text = _chronicle(names, tokens, planted.facts, planted.misses)
    start = text.index(planted.facts[-1]) if planted.expected else 0
    end = start + len(planted.facts[-1]) if planted.expected else 0
    document = Document(f"exam-{number}", f"chronicle-{number}.txt", text)
    return Item(kind, planted.question, planted.expected, document, start, end)


def _chronicle(names: _Names, tokens: int, facts: Sequence[str], misses: Sequence[str]) -> str:
    sentences: list[str] = []
    size = 0
    while size < tokens * _BYTES_PER_TOKEN:
        forms = _DECOYS if len(sentences) % _DECOY_EVERY == 0 else _FILLER
        sentences.append(names.fill(names.rng.choice(forms)))
        size += len(sentences[-1]) + 1
    # Facts stand in order, each in a stretch of its own: whoever reads on meets them one after another.
    stretch = len(sentences) // (len(facts) or 1)
    places = [i * stretch + names.rng.randrange(1, stretch) for i in range(len(facts))]
    inserted = list(zip(places, facts, strict=True))
    inserted += [(names.rng.randrange(len(sentences)), miss) for miss in misses]
    for place, sentence in sorted(inserted, reverse=True):
        sentences.insert(place, sentence)
    paragraphs = (sentences[i : i + _PARAGRAPH] for i in range(0, len(sentences), _PARAGRAPH))
    return "\n\n".join(" ".join(paragraph) for paragraph in paragraphs) + "\n"


def _ferry(names: _Names) -> _Planted:
    ship, pier, yard = names.ship(), names.town(), names.town()
    fact = f"The ferry {ship} ties up at the pier of {pier}."
    miss = f"The ferry {ship} was built in the yard of {yard}."
    return _Planted(f"At the pier of which town does the ferry {ship} tie up?", pier, (fact,), (miss,))


def _ferry_absent(names: _Names) -> _Planted:
    ship = names.ship()
    misses = (
        f"The ferry {ship} was built in the yard of {names.town()}.",
        f"The ferry {ship} is painted green.",
    )
    return _Planted(f"At the pier of which town does the ferry {ship} tie up?", None, (), misses)


def _granary(names: _Names) -> _Planted:
    town, barley, wheat = names.town(), names.sacks(), names.sacks()
    fact = f"The granary of {town} holds {barley} sacks of barley."
    miss = f"The granary of {town} also holds {wheat} sacks of wheat."
    return _Planted(f"How many sacks of barley does the granary of {town} hold?", barley, (fact,), (miss,))


def _granary_absent(names: _Names) -> _Planted:
    town = names.town()
    misses = (
        f"The granary of {town} holds {names.sacks()} sacks of wheat.",
        f"The granary of {town} was roofed with slate in {names.year()}.",
    )
    return _Planted(f"How many sacks of barley does the granary of {town} hold?", None, (), misses)


def _gate(names: _Names) -> _Planted:
    town, words = names.town(), names.words()
    fact = f'Over the gate of {town} these words are carved: "{words}".'
    return _Planted(f"Which words are carved over the gate of {town}?", words, (fact,))


def _clock(names: _Names) -> _Planted:
    town, builder, city = names.town(), names.person(), names.town()
    facts = (f"The clock of {town} was built by {builder}.", f"{builder} learned the trade in {city}.")
    miss = f"{builder} married in {names.town()}."
    return _Planted(
        f"In which town did the builder of the clock of {town} learn the trade?", city, facts, (miss,)
    )


def _keeper(names: _Names) -> _Planted:
    town, first, second, year = names.town(), names.person(), names.person(), names.year()
    facts = (
        f"In {year} {first} became keeper of the archive of {town}.",
        f"In {year + 12} {first} retired, and {second} became keeper of the archive of {town}.",
    )
    return _Planted(f"Who was the last to become keeper of the archive of {town}?", second, facts)
