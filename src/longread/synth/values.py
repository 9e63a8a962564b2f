"""Text to what it states: a quantity with its unit and year, or a date. Strict, as an answer must not be arguable.

Numbers are `Decimal` throughout: what is written is what is computed with.
"""

from __future__ import annotations

import datetime
import html
import re
from decimal import Decimal
from typing import NamedTuple

_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_QUANTITY = re.compile(
    r"(?P<minus>-)?(?P<currency>[$€£¥])?(?P<number>[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?)"
    r"(?: (?P<scale>thousand|million|billion|trillion))?"
    r"(?P<unit>%(?: [A-Za-z][A-Za-z ()]{0,40})?| [A-Za-z][\w.,/()' -]{0,60}?)??"
    r"(?: ?\((?P<year>(?:19|20)[0-9][0-9])(?: est\.)?\))?"
)
_LABEL = re.compile(r"[A-Za-z][\w ,/()%-]{0,60}: ")
_DATE = re.compile(r"(?P<day>[0-9]{1,2}) (?P<month>[A-Z][a-z]+) (?P<year>[0-9]{3,4})(?=$|[ ;,(])")
_SECOND = re.compile(r"[\s(]\d")
"""A number of its own within what seems a unit, unlike those of `deaths/1,000` and `CO2`."""
_DIGITS, _PLACES = 27, 9
"""Before and after the point, of the numbers that are dealt with exactly."""
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")


class Quantity(NamedTuple):
    """A number as a text states it."""

    number: Decimal
    """In units of `unit`, scales such as million multiplied in."""
    unit: str
    """As written, a currency sign first; empty for a bare number."""
    year: int | None = None
    """To which it applies, where the text says so."""


def plain(text: str) -> str:
    """A value without markup and outer space."""
    return html.unescape(_TAG.sub(" ", text)).replace("\u00a0", " ").strip()


def quantity(text: str) -> Quantity | None:
    """The quantity that all of `text` states; None when it states anything else or more.

    One label before it (`arable land: 31.4%`) is allowed, as records repeat their keys so.
    """
    value = plain(text)
    label = _LABEL.match(value)
    found = _QUANTITY.fullmatch(value, label.end() if label else 0)
    if not found:
        return None
    number = Decimal(found["number"].replace(",", "")).scaleb(_SCALES.get(found["scale"] or "", 0))
    unit = f"{found['currency'] or ''}{(found['unit'] or '').strip()}"
    if _SECOND.search(unit) or number.adjusted() >= _DIGITS or int(number.as_tuple().exponent) < -_PLACES:
        return None
    return Quantity(
        -number if found["minus"] else number, unit, int(found["year"]) if found["year"] else None
    )


def date(text: str) -> datetime.date | None:
    """The one day, such as `17 August 1960`, that begins `text`; None when it begins otherwise or names two."""
    value = plain(text)
    found = _DATE.match(value)
    if not found or found["month"] not in _MONTHS or len(_DATE.findall(value)) > 1:
        return None
    try:
        return datetime.date(int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"]))
    except ValueError:
        return None


def written(number: Decimal) -> str:
    """A number as answers give it: plain digits, no exponent, no trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
