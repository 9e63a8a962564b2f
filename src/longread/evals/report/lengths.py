"""Nominal lengths in tokens, as benchmarks write them: `128K`, `(65536, 131072]`, `512K-1M`."""

from __future__ import annotations

import re
from collections.abc import Mapping

K = 1024
M = 1024 * 1024
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+(?![\d,])|\d+(?:\.\d+)?)\s*([kKmM](?![A-Za-z]))?")


def tokens(text: str) -> int | None:
    """The length that a text names, of a bin its upper bound; None where it names none (`short`)."""
    found = _NUMBER.findall(text)
    if not found:
        return None
    number, unit = found[-1]
    return round(float(number.replace(",", "")) * {"": 1, "k": K, "m": M}[unit.lower()])


def length_of(groups: Mapping[str, str]) -> int | None:
    """The length of an item, by its groups."""
    for name in ("length", "bin"):
        if name in groups:
            return tokens(groups[name])
    return None


def label(length: int) -> str:
    """A length as it stands in tables and on axes."""
    for size, letter in ((M, "M"), (1_000_000, "M"), (K, "K"), (1000, "K")):
        if length >= size and length % size == 0:
            return f"{length // size}{letter}"
    return str(length)
