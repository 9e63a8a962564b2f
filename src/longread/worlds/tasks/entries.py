"""count and aggregate: deliveries of one good to one town, all over the text.

Each must be read. Offers, losses and what leaves the town look alike and do not count; nor do other goods and towns.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from longread.types import Corpus
from longread.worlds.forms import Form, Reading, readings, readings_with
from longread.worlds.names import GOODS, Cast, Date, dates, turns
from longread.worlds.packing import Piece, pack
from longread.worlds.tasks.base import Brief, Puzzle, Task, Unsolvable, ending, one
from longread.worlds.tasks.relations import echo

FACTS = (
    Form("{person} brought {number} barrels of {good} to {town} in {date}."),
    Form("In {date}, {number} barrels of {good} reached {town} on the cart of {person}."),
    Form("In {date} {town} took in {number} barrels of {good} from {person}."),
    Form("{number} barrels of {good} were unloaded at {town} for {person} in {date}."),
)
MISSES = (
    Form("In {date} {person} offered {number} barrels of {good} at {town} and found no buyer."),
    Form("{number} barrels of {good} that {person} meant for {town} were lost on the road in {date}."),
    Form("In {date} {person} carried {number} barrels of {good} out of {town}."),
    Form(
        "The council of {town} ordered {number} barrels of {good} from {person} in {date}, which never came."
    ),
)
_LEAST_COUNT = 7
_MOST_COUNT = 60
_SMALL = 40
"""Most in books too short for 60 and as many decoys."""
_SHORT = 24 * 1024
"""Bytes."""
_ENTRIES = 13
"""Deliveries to aggregate over, at least."""
_DECOY_EVERY = 1_000
"""Bytes of text for each further sentence about other goods and towns."""


class _Question(NamedTuple):
    form: Form
    noun: str
    plan: str


COUNT = Form("How many deliveries of {good} to {town} are recorded? Count only those that arrived.")
AGGREGATES = (
    _Question(Form("How many barrels of {good} were delivered to {town} in all?"), "number", "sum"),
    _Question(Form("Who made the largest single delivery of {good} to {town}?"), "name", "largest"),
    _Question(
        Form("By how many barrels did the largest single delivery of {good} to {town} exceed the smallest?"),
        "number",
        "difference",
    ),
    _Question(Form("Who made the earliest delivery of {good} to {town}?"), "name", "earliest"),
)
_RESULTS = {"sum": 1_000, "difference": 100}
"""One in how many times the likeliest sum or difference comes up, about."""


class _Entry(NamedTuple):
    person: str
    number: int
    date: Date

    @property
    def values(self) -> dict[str, object]:
        return {"person": self.person, "number": f"{self.number:,}", "date": self.date}


def _count(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    most = _SMALL if brief.size < _SHORT else _MOST_COUNT
    counts = range(_LEAST_COUNT, most + 1)
    # Every count is due once before any comes again: no guess is right more often than another.
    order = turns(len(counts), brief.seed, "count", brief.index // len(counts))
    count = counts[order[brief.index % len(counts)]]
    cast = Cast.draw(rng, brief.size)
    town, good = rng.choice(cast.towns), rng.choice(GOODS)
    entries = _entries(rng, cast, count, repeat=True)
    pieces = [
        Piece(rng.choice(FACTS).fill(good=good, town=town, **entry.values), rng.random(), "coverage")
        for entry in entries
    ]
    question = COUNT.fill(good=good, town=town)
    pieces += _decoys(rng, cast, brief.size, good, town, rng.randrange(4, 14), rng.randrange(6, 20))
    packed = pack(brief.rng("pack"), brief.size, pieces, cast, brief.filler)
    return Puzzle(
        question,
        str(count),
        ending("number", absent=False),
        1 / len(counts),
        tuple(map(str, counts)),
        f"count of all deliveries that arrived: {count}",
        packed.documents,
        packed.evidence,
    )


def _aggregate(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    question = AGGREGATES[brief.index % len(AGGREGATES)]
    cast = Cast.draw(rng, brief.size)
    town, good = rng.choice(cast.towns), rng.choice(GOODS)
    count = _ENTRIES + (rng.randrange(12) if brief.size > _SHORT else 0)
    entries = _entries(rng, cast, count, repeat=False)
    entries = _ranked(brief, question.plan, entries)
    places = sorted(rng.random() for _ in entries)
    extreme = {"largest": _largest, "earliest": _earliest}.get(question.plan)
    pieces = []
    for entry, at in zip(entries, places, strict=True):
        role = "required" if extreme and entry == extreme(entries) else "coverage"
        pieces.append(Piece(rng.choice(FACTS).fill(good=good, town=town, **entry.values), at, role))
    asked = question.form.fill(good=good, town=town)
    pieces.append(Piece(echo(rng, asked, cast.people, [entry.person for entry in entries]), rng.random()))
    pieces += _decoys(rng, cast, brief.size, good, town, 6, 8)
    packed = pack(brief.rng("pack"), brief.size, pieces, cast, brief.filler)
    answer = _result(question.plan, entries)
    people = tuple(entry.person for entry in entries)
    return Puzzle(
        asked,
        answer,
        ending(question.noun),
        1 / count if extreme else 1 / _RESULTS[question.plan],
        people if extreme else tuple(f"{n:,}" for n in _sums(rng, question.plan, count)),
        f"{question.plan} over {count} deliveries: {answer}",
        packed.documents,
        packed.evidence,
    )


def _entries(rng: random.Random, cast: Cast, count: int, *, repeat: bool) -> list[_Entry]:
    people = rng.choices(cast.people, k=count) if repeat else rng.sample(cast.people, count)
    numbers = rng.sample(range(3, 400), count)
    return [_Entry(*each) for each in zip(people, numbers, dates(rng, count), strict=True)]


def _ranked(brief: Brief, plan: str, entries: list[_Entry]) -> list[_Entry]:
    """Puts the extreme one at a rank that is due."""
    if plan not in ("largest", "earliest"):
        return entries
    extreme = _largest(entries) if plan == "largest" else _earliest(entries)
    rest = [entry for entry in entries if entry != extreme]
    turn = brief.index // len(AGGREGATES)
    rank = turns(len(entries), brief.seed, plan, len(entries))[turn % len(entries)]
    return [*rest[:rank], extreme, *rest[rank:]]


def _sums(rng: random.Random, plan: str, count: int) -> list[int]:
    """Results that would not be out of the ordinary."""
    middle = 200 * count if plan == "sum" else 350
    return [middle + step for step in rng.sample(range(-middle // 3, middle // 3), 100)]


def _decoys(
    rng: random.Random, cast: Cast, size: int, good: str, town: str, misses: int, others: int
) -> list[Piece]:
    """Entries that are not asked for: what never arrived, other goods of the town, other towns with the good."""
    goods = [each for each in GOODS if each != good]
    towns = [each for each in cast.towns if each != town]
    pairs = [(good, town)] * misses
    pairs += [(rng.choice(goods), town) for _ in range(others)]
    pairs += [(good, rng.choice(towns)) for _ in range(others)]
    pairs += [(rng.choice(goods), rng.choice(towns)) for _ in range(size // _DECOY_EVERY)]
    numbers, people = rng.choices(range(3, 400), k=len(pairs)), rng.choices(cast.people, k=len(pairs))
    pieces = []
    for (what, where), number, person in zip(pairs, numbers, people, strict=True):
        forms = MISSES if (what, where) == (good, town) or rng.random() < 0.25 else FACTS
        text = rng.choice(forms).fill(
            good=what, town=where, number=number, person=person, date=dates(rng, 1)[0]
        )
        pieces.append(Piece(text, rng.random()))
    return pieces


def _largest(entries: Sequence[_Entry]) -> _Entry:
    return max(entries, key=lambda entry: entry.number)


def _earliest(entries: Sequence[_Entry]) -> _Entry:
    return min(entries, key=lambda entry: entry.date)


def _result(plan: str, entries: Sequence[_Entry]) -> str:
    numbers = [entry.number for entry in entries]
    if plan == "sum":
        return str(sum(numbers))
    if plan == "difference":
        return str(max(numbers) - min(numbers))
    if plan == "count":
        return str(len(entries))
    of_best = [
        e
        for e in entries
        if (e.number == max(numbers) if plan == "largest" else e.date == _earliest(entries).date)
    ]
    return one([entry.person for entry in of_best], plan)


def _asked(question: str) -> tuple[str, dict[str, str]]:
    if values := COUNT.read(question):
        return "count", values
    for each in AGGREGATES:
        if values := each.form.read(question):
            return each.plan, values
    raise Unsolvable(f"not a question of this task: {question}")


def _derive(question: str, found: Sequence[Reading]) -> str:
    plan, asked = _asked(question)
    entries = [
        _Entry(r.values["person"], int(r.values["number"].replace(",", "")), Date.parse(r.values["date"]))
        for r in found
        if (r.values["good"], r.values["town"]) == (asked["good"], asked["town"])
    ]
    return _result(plan, entries)


def _solve(question: str, evidence: Sequence[str]) -> str:
    return _derive(question, readings(" ".join(evidence), FACTS))


def _prove(question: str, corpus: Corpus) -> str:
    return _derive(question, readings_with(corpus, _asked(question)[1]["town"], FACTS))


COUNT_TASK = Task("numerical", _count, _solve, _prove)
AGGREGATE = Task("numerical", _aggregate, _solve, _prove)
