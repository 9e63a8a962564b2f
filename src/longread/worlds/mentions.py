"""What of a text looks like an answer: the raw material of shortcuts.

It is found with the generators' own forms, so that a shortcut that fails does not fail for want of parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from longread.types import Corpus, Document
from longread.worlds.forms import Form, readings
from longread.worlds.names import GIVEN
from longread.worlds.tasks import chains, code, contradiction, dialogue, entries, tables
from longread.worlds.tasks.relations import RELATIONS

_NAME = rf"\b(?:{'|'.join(GIVEN)}) [A-Z][a-z]+"
_KINDS = {
    "person": re.compile(_NAME),
    "town": re.compile(r"\b[A-Z][a-z]+(?:bury|dale|ford|mere|mouth|stead|wick|holm|gate|haven)\b"),
    "year": re.compile(r"\b1[678]\d\d\b"),
    "number": re.compile(r"(?<![\d,-])(?!1[678]\d\d\b)\d{1,3}(?:,?\d{3})*(?![\d,-]*\d)"),
    "title": re.compile(r'"([A-Z][a-z]+ [A-Z][a-z]+)"'),
    "code": re.compile(r"\b[A-Z]{2}-\d{4}\b"),
}
_CUES = (
    (r"\btitle\b", "title"),
    (r"\bcode\b", "code"),
    (r"\b[Ww]hich town\b", "town"),
    (r"\bwhich year\b", "year"),
    (r"\b[Ww]ho\b|\bWhich merchant\b", "person"),
    (r"", "number"),
)
_SENTENCE = re.compile(r"(?<=[.!?\"])\s+(?=[A-Z\"\d])|\n\n+")


class Mention(NamedTuple):
    """A place where something is said of the kind that is asked for."""

    value: str
    about: bool
    """Whether it is of the question's own entity."""


def kind_of(question: str) -> str:
    """What is asked for: person, town, year, number, title or code."""
    return next(kind for cue, kind in _CUES if re.search(cue, question))


def answers_in(text: str, question: str) -> list[str]:
    """Strings of the kind asked for, in order; the question's own names are none."""
    found = [match[match.re.groups] for match in _KINDS[kind_of(question)].finditer(text)]
    return [each for each in found if each not in question]


def wants_two(question: str) -> bool:
    """Whether disagreeing sources are asked for."""
    return "sources disagree" in question


def units(corpus: Corpus) -> Iterator[str]:
    """Sentences, exchanges, rows or definitions, in reading order."""
    for document in corpus:
        yield from filter(None, map(str.strip, _units(document)))


def _units(document: Document) -> list[str]:
    if document.kind == "dialogue":
        return re.split(r"\n\n(?=User: )", document.text)
    if document.kind in ("table", "markdown"):
        return document.text.split("\n")
    if document.kind == "code":
        return document.text.split("\n\n")
    return _SENTENCE.split(document.text)


def mentions(question: str, corpus: Corpus) -> list[Mention]:
    """All mentions of the asked attribute, in reading order.

    Empty only if the question is of no task, or the text holds no sentence of its forms.
    """
    for form, find in _FINDERS:
        if asked := form.read(question):
            return find(question, asked, corpus)
    return []


_Finder = Callable[[str, dict[str, str], Corpus], list[Mention]]


def _of(forms: Sequence[Form], value: str, keys: Sequence[str]) -> _Finder:
    """Readings of the forms; about the entity when they agree with the question in `keys`."""

    def find(question: str, asked: dict[str, str], corpus: Corpus) -> list[Mention]:
        return [
            Mention(r.values[value], all(r.values.get(key) == asked[key] for key in keys))
            for document in corpus
            for r in readings(document.text, forms)
        ]

    return find


def _chain(question: str, asked: dict[str, str], corpus: Corpus) -> list[Mention]:
    """Goals of anybody; of the building itself whatever is of the right kind."""
    goal = next(each for each in chains.GOALS if each.question.read(question))
    town = re.findall(r"\bof ([A-Z][a-z]+)\b", asked["x"])[-1]
    found: list[Mention] = []
    for unit in units(corpus):
        if values := goal.fact.read(unit):
            found.append(Mention(values[goal.value], False))
        elif town in unit:
            found += [Mention(value, True) for value in answers_in(unit, question)[-1:]]
    return found


def _pieces(question: str, asked: dict[str, str], corpus: Corpus) -> list[Mention]:
    """Pieces of any form and topic, or of the asked ones."""
    found: list[Mention] = []
    for unit in units(corpus):
        request, _, reply = unit.partition("\n\n")
        values = answers_in(reply, question)
        if "Here is your" in reply and values:
            about = f"{asked['x2']} about {asked['x3']}" in request
            found.append(Mention(values[-1], about))
    return found


def _rows(question: str, asked: dict[str, str], corpus: Corpus) -> list[Mention]:
    """Rows with the good, and register's rows with the guild."""
    found: list[Mention] = []
    for unit in units(corpus):
        values = answers_in(unit, question)
        if values and asked["good2"] in unit:
            found.append(Mention(values[-1], True))
        elif values and asked["good"] in unit:
            found.append(Mention(values[-1], kind_of(question) == "number"))
    return found


def _definitions(question: str, asked: dict[str, str], corpus: Corpus) -> list[Mention]:
    """Definitions by which values come in; numbers in what the question names."""
    stems = [name for names in code.NAMES.values() if asked["x"] in names for name in names]
    pattern = re.compile(rf"(?:{'|'.join(stems)})\b(?: = |\(rate=|\(self\):\s+return )(\d+)")
    found: list[Mention] = []
    for document in corpus:
        own = document.source == asked["x2"]
        for block in _units(document):
            if value := pattern.search(block):
                found.append(Mention(value[1], False))
            elif own or f"class {asked['x2']}(" in block:
                found += [Mention(value, True) for value in answers_in(block, question)]
    return found


def _finders() -> Iterator[tuple[Form, _Finder]]:
    building = ("thing", "town")
    for relation in RELATIONS:
        yield relation.dated, _of(relation.facts, relation.value, building)
        yield relation.latest, _of(relation.facts, relation.value, building)
    for matter in contradiction.MATTERS:
        yield matter.question, _of((*matter.facts, *matter.misses), matter.value, building)
    for goal in chains.GOALS:
        yield goal.question, _chain
    yield entries.COUNT, _of(entries.FACTS, "number", ("good", "town"))
    for each in entries.AGGREGATES:
        value = "person" if each.noun == "name" else "number"
        yield each.form, _of(entries.FACTS, value, ("good", "town"))
    for form in dialogue.ASKS.values():
        yield form, _pieces
    for form in tables.ASKS.values():
        yield form, _rows
    for form in code.ASKS.values():
        yield form, _definitions


_FINDERS = tuple(_finders())
