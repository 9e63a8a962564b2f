"""What a number in a workbook's cell shows: its number format makes it a date, a time or a percentage."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Literal

from lxml import etree

Shape = Literal["number", "percent", "date", "datetime", "time", "elapsed"]

_BUILT_IN: dict[int, Shape] = {
    **dict.fromkeys((9, 10), "percent"),
    **dict.fromkeys((14, 15, 16, 17, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58), "date"),
    **dict.fromkeys((18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56), "time"),
    22: "datetime",
    46: "elapsed",
}
"""Formats that files name by number alone (ECMA-376 part 1, 18.8.30, with those of East Asian versions)."""

_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.I)
_LITERAL = re.compile(r'"[^"]*"|[\\_*].|\[[^\]]*\]|am/pm|a/p', re.I | re.DOTALL)
_LAST_DAY = 2_958_465
"""31 December 9999."""


def shapes(styles: etree._Element) -> list[Shape]:
    """What a number is in cells of each style, by the style's index."""
    own = {
        element.get("numFmtId"): _shape(element.get("formatCode", ""))
        for element in styles.iterfind("{*}numFmts/{*}numFmt")
    }
    found: list[Shape] = []
    for style in styles.iterfind("{*}cellXfs/{*}xf"):
        id = style.get("numFmtId", "0")
        found.append(own.get(id) or _BUILT_IN.get(int(id) if id.isdecimal() else 0, "number"))
    return found


def number(raw: str, shape: Shape, since_1904: bool) -> str:
    """A stored number as text: dates in ISO form, others with the 15 digits that spreadsheets compute with.

    Args:
        raw: As stored; for dates, days since the end of 1899 or the start of 1904.
        shape: What the number format makes of it.
        since_1904: Whether days count from 1904.
    """
    if shape == "number" and raw.isdecimal():
        return raw
    try:
        value = float(raw)
        if shape == "number":
            return _plain(value)
        if shape == "percent":
            return f"{_plain(value * 100)}%"
        return _moment(value, shape, since_1904)
    except (ValueError, OverflowError):
        return raw


def _shape(code: str) -> Shape:
    """What a number format such as `dd/mm/yyyy` or `0.0%` makes of a number."""
    positive = code.partition(";")[0]
    if _ELAPSED.search(positive):
        return "elapsed"
    letters = _LITERAL.sub("", positive).lower()
    if "general" in letters:
        return "number"
    timed = "h" in letters or "s" in letters
    if "y" in letters or "d" in letters or ("m" in letters and not timed):
        return "datetime" if timed else "date"
    if timed:
        return "time"
    return "percent" if "%" in letters else "number"


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"


def _moment(value: float, shape: Shape, since_1904: bool) -> str:
    days, seconds = divmod(round(value * 86_400), 86_400)
    minutes, second = divmod(seconds, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}" + (f":{second:02}" if second else "")
    if not 0 <= days <= _LAST_DAY:
        return _plain(value)
    if shape == "elapsed":
        return f"{days * 24 + minutes // 60}:{minutes % 60:02}:{second:02}"
    if shape == "time":
        return clock
    # Spreadsheets take 1900 for a leap year: before 1 March, day numbers are one too small.
    first = date(1904, 1, 1) if since_1904 else date(1899, 12, 30 if days >= 60 else 31)
    day = (first + timedelta(days)).isoformat()
    return f"{day} {clock}" if shape == "datetime" else day
