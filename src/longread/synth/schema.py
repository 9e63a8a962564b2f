"""Which columns of different tables are one relation: only those whose headings say the same word for word.

Likeness of spelling is no ground: `County` and `Country` are nearer than `Organisation` and `Organization`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from longread.synth.facts.keyed import JOINT

_BRACKET = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_LOOSE = re.compile(r"([(\[])[\s,;]+|[\s,;]+(?=[)\]])")
_EMPTY = re.compile(r"\s*(?:\(\)|\[\])")
_WORD = re.compile(r"[^\W_]+")
_CODE = re.compile(r"[a-z]{3}|[A-Z]{3}")
"""A currency, whose letters may be of either case; of `MW` and `mW` they may not."""
_SCALES = {
    "thousand": 3, "thousands": 3, "million": 6, "millions": 6, "mn": 6, "billion": 9, "billions": 9, "bn": 9,
    "trillion": 12, "trillions": 12,
}  # fmt: skip
_TAIL = re.compile(rf"(?:,| in) ((?:(?:[A-Z]{{3}}|[$€£¥]|{'|'.join(_SCALES)})(?: |$))+)$")
"""A unit without brackets, as in `Revenue in USD million`."""


class Heading(NamedTuple):
    """What a column's heading says, such as `Revenue (USD million, 2023)`."""

    label: str
    """Its words outside brackets, in lower case and the singular."""
    unit: str
    """What else its brackets hold: a unit, or a restriction such as `net`."""
    scale: int
    """Power of ten by which its numbers are to be multiplied."""
    year: str


class Relation(NamedTuple):
    """What a column is asked about as."""

    name: str
    unit: str
    shift: int
    """Power of ten that makes the column's numbers those of the name."""


class _Column(NamedTuple):
    table: int
    number: int
    spelling: str
    heading: Heading


def heading(text: str) -> Heading:
    """What a heading says. Any text has a reading; one without words has an empty label."""
    year = ", ".join(_YEAR.findall(text))
    text = _TAIL.sub(r" (\1)", _YEAR.sub(" ", text).strip())
    label = " ".join(singular(word) for word in _WORD.findall(_BRACKET.sub(" ", text).casefold()))
    words = [word for held in _BRACKET.findall(text) for word in held.replace(",", " ").split()]
    scale = sum(_SCALES.get(word.casefold(), 0) for word in words)
    kept = [word for word in words if word.casefold() not in _SCALES and word.casefold() != "in"]
    unit = " ".join(word.upper() if _CODE.fullmatch(word) else word for word in kept)
    return Heading(label, unit, scale, year)


def align(tables: Sequence[Sequence[str]]) -> list[list[Relation | None]]:
    """The relation of each column of each table; None for those that would be confused with others.

    Columns of one label are one relation when no table has two of them and their units differ in scale alone. It
    goes by their most frequent heading, without the year where years differ and without `million` where scales do.
    Otherwise unit and year tell them apart, and those that have neither are left out, as their name would do for all.
    """
    aligned: list[list[Relation | None]] = [[None] * len(headings) for headings in tables]
    by_label: defaultdict[str, list[_Column]] = defaultdict(list)
    for table, headings in enumerate(tables):
        for number, spelling in enumerate(headings):
            said = heading(spelling)
            by_label[said.label].append(_Column(table, number, spelling, said))
    for columns in by_label.values():
        for alike in [columns] if _one(columns) else _apart(columns):
            scaled = len({column.heading.scale for column in alike}) > 1
            name = _name(alike, scaled)
            for table, number, _, said in alike:
                aligned[table][number] = Relation(name, said.unit, said.scale if scaled else 0)
    return aligned


def _one(columns: Sequence[_Column]) -> bool:
    tables = {column.table for column in columns}
    return len(tables) == len(columns) and len({column.heading.unit for column in columns}) == 1


def _apart(columns: Sequence[_Column]) -> list[list[_Column]]:
    groups: defaultdict[tuple[str, str], list[_Column]] = defaultdict(list)
    for column in columns:
        groups[column.heading.unit, column.heading.year].append(column)
    return [alike for key, alike in groups.items() if any(key) and _one(alike)]


def _name(columns: Sequence[_Column], scaled: bool) -> str:
    """The most frequent heading, without what differs."""
    spellings = [column.spelling for column in columns]
    if len({column.heading.year for column in columns}) > 1:
        spellings = [_tidy(_YEAR.sub("", spelling)) for spelling in spellings]
    if scaled:
        bracketed = (_TAIL.sub(r" (\1)", spelling) for spelling in spellings)
        spellings = [_tidy(_BRACKET.sub(_unscaled, spelling)) for spelling in bracketed]
    counts = Counter(" ".join(spelling.split()).replace(JOINT, "/") for spelling in spellings)
    return min(counts, key=lambda spelling: (-counts[spelling], spelling))


def _unscaled(bracket: re.Match[str]) -> str:
    return f" ({' '.join(word for word in bracket[1].split() if word.strip(',').casefold() not in _SCALES)})"


def _tidy(spelling: str) -> str:
    return _EMPTY.sub("", _LOOSE.sub(r"\1", spelling))


def singular(word: str) -> str:
    """A word in lower case without the ending of its plural."""
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )
