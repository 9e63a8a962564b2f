"""single, absent and update: which of many entries about one building is asked for.

Ten entries of the asked building differ in their dates only. Other buildings, some in the same town, some of the same
name, have as many.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from longread.grading.longbook import ABSENT
from longread.types import Corpus
from longread.worlds.forms import Reading, readings, readings_with
from longread.worlds.names import THINGS, TOWNS, Cast, Date, dates, turns
from longread.worlds.packing import Piece, pack
from longread.worlds.tasks.base import RANKS, Brief, Puzzle, Task, Unsolvable, ending, one
from longread.worlds.tasks.relations import RELATIONS, Relation, echo

_GROUP_EVERY = 24_000
"""Bytes of text for each further building."""


class _Subject(NamedTuple):
    thing: str
    town: str


class _Book(NamedTuple):
    question: str
    answer: str
    fact: str
    """The sentence that has the answer."""
    pieces: list[Piece]
    candidates: tuple[str, ...]
    cast: Cast
    subject: _Subject


def _single(brief: Brief) -> Puzzle:
    return _puzzle(brief, _book(brief, by_date=True), "the entry of the asked date")


def _update(brief: Brief) -> Puzzle:
    return _puzzle(brief, _book(brief, by_date=False), "the entry with the latest date")


def _absent(brief: Brief) -> Puzzle:
    """Twins: in the odd one, the sentence with the answer speaks of another town with a name as long."""
    twins = replace(brief, index=brief.index // 2)
    book = _book(twins, by_date=True)
    if brief.index % 2:
        rng = twins.rng("other town")
        town = book.subject.town
        known = set(book.cast.towns)
        other = rng.choice([name for name in TOWNS if len(name) == len(town) and name not in known])
        changed = book.fact.replace(f" of {town}", f" of {other}")
        pieces = [p._replace(text=changed, role="") if p.text == book.fact else p for p in book.pieces]
        book = book._replace(answer=ABSENT, pieces=pieces)
    chance = 1 / (len(book.candidates) + 1)
    plan = "no entry has the asked date" if brief.index % 2 else "the entry of the asked date"
    return _puzzle(twins, book, plan)._replace(
        chance=chance * chance, candidates=(*book.candidates, ABSENT)
    )  # both twins


def _puzzle(brief: Brief, book: _Book, plan: str) -> Puzzle:
    packed = pack(brief.rng("pack"), brief.size, book.pieces, book.cast, brief.filler)
    relation = _relation(brief)
    return Puzzle(
        book.question,
        book.answer,
        ending(relation.noun),
        1 / len(book.candidates),
        book.candidates,
        f"{plan}: {book.answer}",
        packed.documents,
        packed.evidence,
    )


def _relation(brief: Brief) -> Relation:
    return RELATIONS[brief.index % len(RELATIONS)]


def _book(brief: Brief, *, by_date: bool) -> _Book:
    rng = brief.rng("book")
    cast = Cast.draw(rng, brief.size)
    relation = _relation(brief)
    rank = turns(RANKS, brief.seed, "rank", brief.index // RANKS)[brief.index % RANKS]
    subjects = _subjects(rng, cast, 3 + brief.size // _GROUP_EVERY)
    asked = dates(rng, RANKS)
    question, answer, fact, pieces, values = _group(rng, cast, relation, subjects[0], asked, rank, by_date)
    for number, subject in enumerate(subjects[1:], 1):
        # Some were entered in the same months, others were not.
        their = list(asked) if number % 3 == 1 else dates(rng, RANKS)
        group = _group(rng, cast, relation, subject, their, rng.randrange(RANKS), by_date)
        pieces += [piece._replace(role="") for piece in group[3]]
    return _Book(question, answer, fact, pieces, values, cast, subjects[0])


def _subjects(rng: random.Random, cast: Cast, count: int) -> list[_Subject]:
    """Different buildings; the second stands in the town of the first, the third is its namesake elsewhere."""
    town, town2 = cast.towns[:2]
    thing, thing2 = rng.sample(THINGS, 2)
    subjects = {_Subject(thing, town): None, _Subject(thing2, town): None, _Subject(thing, town2): None}
    while len(subjects) < count:
        subjects[_Subject(rng.choice(THINGS), rng.choice(cast.towns))] = None
    return list(subjects)


def _group(
    rng: random.Random,
    cast: Cast,
    relation: Relation,
    subject: _Subject,
    when: list[Date],
    rank: int,
    by_date: bool,
) -> tuple[str, str, str, list[Piece], tuple[str, ...]]:
    """All that is told of one building: question, answer, the sentence that has it, pieces, values."""
    values = _values(rng, cast, relation.value, subject, RANKS + 4)
    gold = rng.choice(when) if by_date else max(when)
    others = [date for date in when if date != gold]
    rng.shuffle(others)
    places = sorted(rng.random() for _ in range(RANKS))
    ordered = [*others[:rank], gold, *others[rank:]]
    told = [
        rng.choice(relation.facts).fill(date=date, **subject._asdict(), **{relation.value: value})
        for date, value in zip(ordered, values[:RANKS], strict=True)
    ]
    roles = [""] * RANKS if by_date else ["coverage"] * RANKS
    roles[rank] = "required"
    pieces = [Piece(*each) for each in zip(told, places, roles, strict=True)]
    later = Date(max(when).year + rng.randrange(1, 4), rng.randrange(1, 13))
    spare = [gold, gold, rng.choice(others), later]
    for form, date, value in zip(
        [*relation.misses, rng.choice(relation.misses)], spare, values[RANKS:], strict=True
    ):
        text = form.fill(date=date, **subject._asdict(), **{relation.value: value})
        pieces.append(Piece(text, rng.random()))
    ask = relation.dated if by_date else relation.latest
    question = ask.fill(date=gold, **subject._asdict())
    pieces.append(Piece(echo(rng, question, cast.people, values), rng.random()))
    other = rng.choice([r for r in RELATIONS if r is not relation])
    for date in (gold, later):  # the same building in another respect
        value = _values(rng, cast, other.value, subject, 1)[0]
        text = rng.choice(other.facts).fill(date=date, **subject._asdict(), **{other.value: value})
        pieces.append(Piece(text, rng.random()))
    return question, values[rank], told[rank], pieces, tuple(values[:RANKS])


def _values(rng: random.Random, cast: Cast, kind: str, subject: _Subject, count: int) -> list[str]:
    if kind == "number":
        return [f"{n:,}" for n in rng.sample(range(40, 1_400), count)]
    if kind == "town2":
        return [t for t in rng.sample(cast.towns, count + 1) if t != subject.town][:count]
    return rng.sample(cast.people, count)


def _asked(question: str) -> tuple[Relation, dict[str, str]]:
    for relation in RELATIONS:
        for form in (relation.dated, relation.latest):
            if values := form.read(question):
                return relation, values
    raise Unsolvable(f"not a question of this task: {question}")


def _derive(question: str, found: Sequence[Reading]) -> str:
    """The value of the entry of the asked date, or of the latest one."""
    relation, asked = _asked(question)
    entries = [
        r.values
        for r in found
        if r.form in relation.facts
        and (r.values["thing"], r.values["town"]) == (asked["thing"], asked["town"])
    ]
    when = asked.get("date")
    if when is None and entries:
        when = max((entry["date"] for entry in entries), key=Date.parse)
    values = [entry[relation.value] for entry in entries if entry["date"] == when]
    return one(values, question) if values else ABSENT


def _solve(question: str, evidence: Sequence[str]) -> str:
    return _derive(question, readings(" ".join(evidence), _asked(question)[0].facts))


def _prove(question: str, corpus: Corpus) -> str:
    relation, asked = _asked(question)
    return _derive(question, readings_with(corpus, asked["town"], relation.facts))


SINGLE = Task("reading", _single, _solve, _prove)
ABSENT_TASK = Task("reading", _absent, _solve, _prove)
UPDATE = Task("reading", _update, _solve, _prove)
