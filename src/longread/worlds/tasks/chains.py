"""forward and backward: two to four hops from a building over persons to a town or a year.

Ten chains of the same shape run through the text side by side, each over other persons. In `forward` every fact comes
after the one that leads to it; in `backward` the answer stands first and what leads to it comes later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

from longread.types import Corpus
from longread.worlds.forms import Form, Reading, readings, readings_with
from longread.worlds.names import THINGS, Cast, turns, year
from longread.worlds.packing import Piece, pack
from longread.worlds.tasks.base import RANKS, Brief, Puzzle, Task, Unsolvable, ending, one

_DECOY_EVERY = 1_500
"""Bytes of text for each further sentence about other persons."""


class _Step(NamedTuple):
    """Leads from `person` to `person2`, or from a building to `person2`."""

    fact: Form
    phrase: Form
    """`{x}` is what the step starts from."""


class _Goal(NamedTuple):
    fact: Form
    question: Form
    value: str
    noun: str


_STARTS = (
    _Step(Form("The {thing} of {town} was built by {person2}."), Form("the builder of the {thing} of {town}")),
    _Step(Form("The {thing} of {town} was paid for by {person2}."),
          Form("the one who paid for the {thing} of {town}")),
    _Step(Form("The first fire in the {thing} of {town} was lit by {person2}."),
          Form("the one who lit the first fire in the {thing} of {town}")),
)  # fmt: skip
_STEPS = (
    _Step(Form("{person} learned the trade from {person2}."), Form("the teacher from whom {x} learned the trade")),
    _Step(Form("{person} left house and tools to {person2}."), Form("the heir to whom {x} left house and tools")),
    _Step(Form("{person} borrowed forty crowns from {person2}."),
          Form("the lender from whom {x} borrowed forty crowns")),
    _Step(Form("{person} was held over the font by {person2}."),
          Form("the godparent by whom {x} was held over the font")),
)  # fmt: skip
GOALS = (
    _Goal(Form("{person} was born in {town}."), Form("In which town was {x} born?"), "town", "town"),
    _Goal(Form("{person} was buried in {town}."), Form("In which town was {x} buried?"), "town", "town"),
    _Goal(Form("{person} took the oath of a citizen in {year}."),
          Form("In which year did {x} take the oath of a citizen?"), "year", "year"),
    _Goal(Form("{person} came of age in {year}."), Form("In which year did {x} come of age?"), "year", "year"),
)  # fmt: skip


class _Shape(NamedTuple):
    start: _Step
    steps: tuple[_Step, ...]
    goal: _Goal


def _forward(brief: Brief) -> Puzzle:
    return _make(brief, backward=False)


def _backward(brief: Brief) -> Puzzle:
    return _make(brief, backward=True)


def _make(brief: Brief, *, backward: bool) -> Puzzle:
    rng = brief.rng("book")
    cast = Cast.draw(rng, brief.size)
    hops = 2 + brief.index % 3
    shape = _Shape(
        rng.choice(_STARTS),
        tuple(rng.sample(_STEPS, hops - 2)),
        GOALS[brief.index // 3 % len(GOALS)],
    )
    people = iter(cast.people)
    starts = _starts(rng, cast, RANKS)
    towns = [town for town in cast.towns if all(town != start[1] for start in starts)]
    values = rng.sample(towns, RANKS) if shape.goal.value == "town" else _years(rng)
    chains = [
        _chain(rng, shape, start, people, value, backward)
        for start, value in zip(starts, values, strict=True)
    ]
    chains.sort(key=lambda chain: chain[-1].at)  # by where the answers stand
    rank = turns(RANKS, brief.seed, "rank", brief.index // RANKS)[brief.index % RANKS]
    gold = chains[rank]
    pieces = [p._replace(role="required" if chain is gold else "") for chain in chains for p in chain]
    pieces += _others(rng, shape, chains, towns, cast)
    pieces += _decoys(rng, shape, people, towns, brief.size)
    packed = pack(brief.rng("pack"), brief.size, pieces, cast, brief.filler)
    answers = [str(_value(shape.goal, chain[-1].text)) for chain in chains]
    question = _question(shape, gold[0].text)
    return Puzzle(
        question,
        answers[rank],
        ending(shape.goal.noun),
        1 / RANKS,
        tuple(answers),
        " -> ".join(piece.text for piece in gold),
        packed.documents,
        packed.evidence,
    )


def _starts(rng: random.Random, cast: Cast, count: int) -> list[tuple[str, str]]:
    """Different buildings; each town has two, each kind of building stands in two towns."""
    towns, things = rng.sample(cast.towns, count // 2), rng.sample(THINGS, count // 2)
    pairs = [(things[at], towns[at]) for at in range(count // 2)]
    return pairs + [(things[at - 1], towns[at]) for at in range(count // 2)]


def _years(rng: random.Random) -> list[str]:
    first = year(rng)
    return [str(first + n) for n in rng.sample(range(60), RANKS)]


def _chain(
    rng: random.Random,
    shape: _Shape,
    start: tuple[str, str],
    people: Iterator[str],
    value: str,
    backward: bool,
) -> list[Piece]:
    """The facts from the building to the value, each with its place."""
    persons = list(islice(people, len(shape.steps) + 1))
    texts = [shape.start.fact.fill(thing=start[0], town=start[1], person2=persons[0])]
    for step, (person, person2) in zip(shape.steps, pairwise(persons), strict=True):
        texts.append(step.fact.fill(person=person, person2=person2))
    texts.append(shape.goal.fact.fill(person=persons[-1], **{shape.goal.value: value}))
    places = sorted((rng.random() for _ in texts), reverse=backward)
    return [Piece(text, at) for text, at in zip(texts, places, strict=True)]


def _others(
    rng: random.Random, shape: _Shape, chains: list[list[Piece]], towns: list[str], cast: Cast
) -> list[Piece]:
    """What else is told of each chain's persons: goals that are not asked for, steps that lead elsewhere."""
    goals = [goal for goal in GOALS if goal is not shape.goal]
    starts = [start for start in _STARTS if start is not shape.start]
    free = cast.people[-1 : -RANKS - 1 : -1]
    pieces: list[Piece] = []
    for chain, other in zip(chains, free, strict=True):
        end = _person(shape.goal.fact, chain[-1].text)
        for goal in rng.sample(goals, 2):
            text = goal.fact.fill(person=end, town=rng.choice(towns), year=year(rng))
            pieces.append(Piece(text, rng.random()))
        building = shape.start.fact.read(chain[0].text) or {}
        text = rng.choice(starts).fact.fill(thing=building["thing"], town=building["town"], person2=other)
        pieces.append(Piece(text, rng.random()))
        # The last person of a chain goes on to somebody, by a step that the chain does not use here.
        unused = [step for step in _STEPS if step not in shape.steps]
        pieces.append(Piece(rng.choice(unused).fact.fill(person=end, person2=other), rng.random()))
    return pieces


def _decoys(
    rng: random.Random, shape: _Shape, people: Iterator[str], towns: list[str], size: int
) -> list[Piece]:
    """Sentences of the same forms about persons of no chain, each person once in each form."""
    forms = [shape.goal.fact, *(step.fact for step in shape.steps), *(goal.fact for goal in GOALS)]
    free = list(people)[:-RANKS] or ["Nobody Elseworth"]
    count = min(size // _DECOY_EVERY, len(free) - 1)
    pieces = []
    for at in range(count):
        text = rng.choice(forms).fill(
            person=free[at], person2=free[at + 1], town=rng.choice(towns), year=year(rng)
        )
        pieces.append(Piece(text, rng.random()))
    return pieces


def _question(shape: _Shape, first: str) -> str:
    building = shape.start.fact.read(first) or {}
    x = shape.start.phrase.fill(**building)
    for step in shape.steps:
        x = step.phrase.fill(x=x)
    return shape.goal.question.fill(x=x)


def _person(form: Form, text: str) -> str:
    return (form.read(text) or {})["person"]


def _value(goal: _Goal, text: str) -> str:
    return (goal.fact.read(text) or {})[goal.value]


def _asked(question: str) -> tuple[_Shape, dict[str, str]]:
    """Peels the phrases off, from the goal to the building."""
    for goal in GOALS:
        if values := goal.question.read(question):
            x, steps = values["x"], list[_Step]()
            while peeled := next(((step, read) for step in _STEPS if (read := step.phrase.read(x))), None):
                steps.insert(0, peeled[0])
                x = peeled[1]["x"]
            for start in _STARTS:
                if building := start.phrase.read(x):
                    return _Shape(start, tuple(steps), goal), building
    raise Unsolvable(f"not a question of this task: {question}")


def _solve(question: str, evidence: Sequence[str]) -> str:
    shape, building = _asked(question)
    forms = [shape.start.fact, *(step.fact for step in shape.steps), shape.goal.fact]
    found = readings(" ".join(evidence), forms)
    return _follow(shape, building, lambda name, form: [r for r in found if r.form is form])


def _prove(question: str, corpus: Corpus) -> str:
    shape, building = _asked(question)
    return _follow(shape, building, lambda name, form: readings_with(corpus, name, (form,)))


def _follow(shape: _Shape, building: dict[str, str], look: Callable[[str, Form], list[Reading]]) -> str:
    first = [
        r.values["person2"]
        for r in look(building["town"], shape.start.fact)
        if (r.values["thing"], r.values["town"]) == (building["thing"], building["town"])
    ]
    person = one(first, str(building))
    for step in shape.steps:
        person = one(
            [r.values["person2"] for r in look(person, step.fact) if r.values["person"] == person], person
        )
    values = [
        r.values[shape.goal.value] for r in look(person, shape.goal.fact) if r.values["person"] == person
    ]
    return one(values, person)


FORWARD = Task("multi_hop", _forward, _solve, _prove)
BACKWARD = Task("multi_hop", _backward, _solve, _prove)
