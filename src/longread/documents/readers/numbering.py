"""The numbers that Word puts before headings and list items; its files hold only the rules for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from longread.documents.readers.package import attribute

_PLACE = re.compile(r"%([1-9])")
_ROMAN = (
    *((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL")),
    *((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")),
)
_LARGEST_ROMAN = 3999
_MOST_LETTERS = 130
"""A file may start to count at two thousand million; in letters that number would fill the memory."""


class _Level(NamedTuple):
    format: str
    text: str
    """Such as `%1.%2`: where the numbers of this level and of those above it stand."""
    start: int
    style: str
    """The paragraph style that belongs to this level, if one does."""
    legal: bool
    """Whether all numbers are shown in digits, whatever their format: `Article IV` has the sections 4.1 and 4.2."""
    outlives: int
    """Levels from this one on, from 0, may count without that this one begins anew."""


class _List(NamedTuple):
    definition: str
    """Lists of one definition count on from each other."""
    levels: dict[int, _Level]
    restarts: dict[int, int]
    """Levels that begin anew with this list, and at what."""


class Numbering:
    """Counts the paragraphs of a document, given in order, by the rules of its numbering part."""

    def __init__(self, root: etree._Element) -> None:
        self._lists: dict[str, _List] = {}
        self._counts: dict[str, dict[int, int]] = {}
        linked: dict[str, str] = {}
        defined: dict[str, dict[int, _Level]] = {}
        for definition in root.iterfind("{*}abstractNum"):
            id = attribute(definition, "abstractNumId")
            linked[attribute(definition.find("{*}styleLink"))] = id
            defined[id] = _levels(definition.iterfind("{*}lvl"))
        for definition in root.iterfind("{*}abstractNum"):
            # A definition may say no more than the name of the one it stands for.
            if name := attribute(definition.find("{*}numStyleLink")):
                id = attribute(definition, "abstractNumId")
                defined[id] = defined.get(linked.get(name, ""), {})
        for item in root.iterfind("{*}num"):
            id = attribute(item.find("{*}abstractNumId"))
            own = _levels(item.iterfind("{*}lvlOverride/{*}lvl"))
            restarts = {
                _int(attribute(override, "ilvl")): _int(attribute(override.find("{*}startOverride")), 1)
                for override in item.iterfind("{*}lvlOverride")
                if override.find("{*}startOverride") is not None
            }
            self._lists[attribute(item, "numId")] = _List(id, defined.get(id, {}) | own, restarts)

    def level_of(self, style: str, list_id: str) -> int:
        """The level of a list that belongs to a paragraph style; the first one if none does."""
        found = self._lists.get(list_id)
        levels = found.levels if found else {}
        return next((at for at, level in levels.items() if level.style == style), 0)

    def label(self, list_id: str, at: int) -> str:
        """Counts one paragraph at level `at` of a list, and gives its number as shown, such as `2.1` or `-`."""
        found = self._lists.get(list_id)
        level = found.levels.get(at) if found else None
        if found is None or level is None:
            return ""
        counts = self._counts.setdefault(found.definition, {})
        if at in found.restarts:
            counts[at] = found.restarts.pop(at)
        else:
            counts[at] = counts[at] + 1 if at in counts else level.start
        for deeper in [other for other in counts if other > at]:
            if deeper not in found.levels or at < found.levels[deeper].outlives:
                del counts[deeper]
        if level.format == "bullet":
            return "-" if level.text.strip() else ""

        def shown(place: re.Match[str]) -> str:
            other = int(place[1]) - 1
            above = found.levels.get(other, level)
            number = counts.get(other, above.start)
            return in_format(number, "decimal" if level.legal else above.format)

        return _PLACE.sub(shown, level.text).strip()


def _levels(elements: Iterable[etree._Element]) -> dict[int, _Level]:
    return {(at := _int(attribute(element, "ilvl"))): _level(element, at) for element in elements}


def _level(element: etree._Element, at: int) -> _Level:
    legal = element.find("{*}isLgl")
    return _Level(
        attribute(element.find("{*}numFmt")) or "decimal",
        attribute(element.find("{*}lvlText")),
        _int(attribute(element.find("{*}start")), 1),
        attribute(element.find("{*}pStyle")),
        legal is not None and attribute(legal) not in ("0", "false"),
        _int(attribute(element.find("{*}lvlRestart")), at),
    )


def _int(text: str, otherwise: int = 0) -> int:
    return int(text) if text.isdecimal() and len(text) < 12 else otherwise


def in_format(number: int, format: str) -> str:
    """A number in one of the formats that Word has names for; in digits if it is none of those known here."""
    if format in ("upperRoman", "lowerRoman") and 0 < number <= _LARGEST_ROMAN:
        roman = ""
        for value, letters in _ROMAN:
            count, number = divmod(number, value)
            roman += letters * count
        return roman if format == "upperRoman" else roman.lower()
    if format in ("upperLetter", "lowerLetter") and 0 < number <= _MOST_LETTERS:
        repeats, letter = divmod(number - 1, 26)
        return chr((65 if format == "upperLetter" else 97) + letter) * (repeats + 1)
    if format == "decimalZero":
        return f"{number:02}"
    return "" if format == "none" else str(number)
