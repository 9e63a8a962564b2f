"""Sentence forms: filled by generators, read back by solvers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from longread.types import Corpus

_PERSON = r"[A-Z][a-z]+ [A-Z][a-z]+"
_TOWN = r"[A-Z][a-z]+"
_FIELDS = {
    "person": _PERSON,
    "town": _TOWN,
    "year": r"\d{4}",
    "number": r"[\d,]+",
    "date": r"[A-Z][a-z]+ \d{4}",
    "thing": r"[a-z]+",
    "good": r"[a-z]+",
    "source": r"[a-z][a-z' ]+",
    "x": r".+?",
}
_WINDOW = 240
"""Characters around a name in which its sentence lies."""


class Form:
    """A sentence with named gaps: `{person} was born in {town}.`

    Digits at the end of a gap's name tell gaps of the same kind apart.
    """

    def __init__(self, template: str) -> None:
        self.template = template

    def __repr__(self) -> str:
        return f"Form({self.template!r})"

    def fill(self, **values: object) -> str:
        """The sentence with its gaps filled; values that it has no gap for are passed over."""
        return self.template.format_map(values)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the sentence with any values."""
        parts = re.split(r"{(\w+)}", self.template)
        body = "".join(
            re.escape(part) if at % 2 == 0 else f"(?P<{part}>{_FIELDS[part.rstrip('0123456789')]})"
            for at, part in enumerate(parts)
        )
        return re.compile(rf"(?<!\S){body}(?!\S)")

    def read(self, sentence: str) -> dict[str, str] | None:
        """The values in a sentence of this form; None when it is of another."""
        match = self.pattern.fullmatch(sentence)
        return match.groupdict() if match else None


class Reading(NamedTuple):
    """A sentence of a known form that stands in a text."""

    values: dict[str, str]
    form: Form
    start: int
    """Offset in the whole text, documents one after another; only the order of these means anything."""


def readings(text: str, forms: Sequence[Form]) -> list[Reading]:
    """All sentences of these forms in a text, in order."""
    found = [Reading(m.groupdict(), form, m.start()) for form in forms for m in form.pattern.finditer(text)]
    return sorted(found, key=lambda reading: reading.start)


def readings_with(corpus: Corpus, name: str, forms: Sequence[Form]) -> list[Reading]:
    """All sentences of these forms in a corpus that hold `name`, in reading order.

    Only the surroundings of the name are parsed, so that this is feasible for tens of megabytes.
    """
    found: list[Reading] = []
    base = 0
    for document in corpus:
        for window, at in _windows(document.text, name):
            found += [
                reading._replace(start=base + at + reading.start)
                for reading in readings(window, forms)
                if name in reading.values.values()
            ]
        base += len(document.text)
    unique = {(reading.start, reading.form.template): reading for reading in found}
    return sorted(unique.values(), key=lambda reading: reading.start)


def _windows(text: str, name: str) -> Iterator[tuple[str, int]]:
    at = text.find(name)
    while at >= 0:
        start, end = max(0, at - _WINDOW), at + _WINDOW
        if start:  # begin at a word, lest half a name be taken for a whole one
            start = text.find(" ", start) + 1
        yield text[start:end], start
        at = text.find(name, at + len(name))
