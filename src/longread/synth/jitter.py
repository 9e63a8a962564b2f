"""Other numbers in the same format: quantities are multiplied by a factor near one, full dates are shifted."""

from __future__ import annotations

import calendar
import json
import random
import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from longread.synth.facts import Fact
from longread.synth.links import links
from longread.synth.values import quantity
from longread.types import Document

_NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")
_LAST = re.compile(rf"(?:{_NUMBER.pattern})(?=\D*$)")
_GAP = r"(?: |\u00a0|&nbsp;)"
_DATE = re.compile(
    rf"(?P<day>\b\d{{1,2}}){_GAP}(?P<month>{'|'.join(calendar.month_name[1:])}){_GAP}(?P<year>\d{{3,4}})\b"
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d")
"""A bare number that is taken for a year, not for a quantity."""
_YEARS = 20
_TRIES = 20


def jitter(document: Document, facts: Sequence[Fact], seed: int, entity: Callable[[str], str]) -> str:
    """The document's text with other numbers.

    Args:
        document: A page.
        facts: What it states.
        seed: Draws the factors, one for each entity and relation; both sides of a border have the same.
        entity: What a document or a name is about, so that both sides agree on what they mean.
    """
    own = entity(document.id)
    years = -random.Random(f"{seed}:{own}:years").randint(1, _YEARS)  # noqa: S311
    parts: list[str] = []
    at = 0
    for fact in sorted(facts, key=lambda fact: fact.start):
        value = _dated(_changed(fact, own, seed, entity), years)
        if value != fact.value and fact.start >= at:
            raw = document.text[fact.start : fact.end]
            if raw != fact.value:
                value = json.dumps(value, ensure_ascii=raw.isascii())[1:-1]
            parts += (document.text[at : fact.start], value)
            at = fact.end
    return "".join((*parts, document.text[at:]))


def _changed(fact: Fact, own: str, seed: int, entity: Callable[[str], str]) -> str:
    if quantity(fact.value):
        return _quantity(fact.value, _factor(seed, own, fact.relation))
    found = links(fact, {})
    for attempt in range(_TRIES if found else 0):
        parts: list[str] = []
        at = 0
        for link in found:
            start, end = link.start - fact.start, link.end - fact.start
            pair = sorted((own, entity(link.name)))
            factor = _factor(seed, *pair, fact.relation, *[attempt] * bool(attempt))
            parts += (fact.value[at:start], _LAST.sub(_times(factor, link.unit), fact.value[start:end]))
            at = end
        value = "".join((*parts, fact.value[at:]))
        if len(links(fact._replace(value=value, end=fact.start + len(value)), {})) == len(found):
            return value
    return fact.value


def _factor(*of: object) -> Decimal:
    """From 0.9 to 1.1, in steps of a thousandth."""
    return Decimal(random.Random(":".join(map(str, of))).randint(900, 1_100)) / 1_000  # noqa: S311


def _times(factor: Decimal, unit: str) -> Callable[[re.Match[str]], str]:
    """A number times `factor`, with the decimals and the separators that it had; shares stay below the whole."""

    def changed(found: re.Match[str]) -> str:
        old = Decimal(found.group().replace(",", ""))
        new = (old * factor).quantize(old)
        if "%" in unit and old <= 100:
            new = min(new, Decimal(100).quantize(old))
        return f"{new:,f}" if "," in found.group() else f"{new:f}"

    return changed


def _quantity(value: str, factor: Decimal) -> str:
    """`value` with the number changed that its quantity is read from."""
    stated = quantity(value)
    if not stated or (not stated.unit and _YEAR.fullmatch(value.strip())):
        return value
    for found in _NUMBER.finditer(value):
        new = _times(factor, stated.unit)(found)
        changed = value[: found.start()] + new + value[found.end() :]
        read = quantity(changed)
        before, after = (Decimal(number.replace(",", "")) for number in (found.group(), new))
        # It is that number if the quantity follows it: labels and years hold numbers too.
        if read and read.number != stated.number and read.number * before == stated.number * after:
            return changed
    return value


def _dated(value: str, years: int) -> str:
    def shifted(found: re.Match[str]) -> str:
        year = int(found["year"]) + years
        leap = found["month"] == "February" and found["day"] == "29" and not calendar.isleap(year)
        day = "28" if leap else found["day"]
        return day + found.group()[len(found["day"]) : -len(found["year"])] + str(year)

    return _DATE.sub(shifted, value)
