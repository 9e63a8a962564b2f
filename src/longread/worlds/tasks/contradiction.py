"""contradiction: two sources that disagree, among plans, hopes and other buildings; both values are the answer."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from longread.types import Corpus
from longread.worlds.forms import Form, Reading, readings, readings_with
from longread.worlds.names import THINGS, Cast, turns, year
from longread.worlds.packing import Piece, pack
from longread.worlds.tasks.base import NO_ANSWER, RANKS, Brief, Puzzle, Task, Unsolvable
from longread.worlds.tasks.relations import echo

_SOURCES = (
    "parish book", "bailiff's roll", "toll register", "abbot's diary", "town annals", "mason's ledger",
    "county survey", "guild book",
)  # fmt: skip
_GROUP_EVERY = 16_000
"""Bytes of text for each further building."""
_PAIRS = list(combinations(range(RANKS), 2))


class _Matter(NamedTuple):
    value: str
    facts: tuple[Form, ...]
    misses: tuple[Form, ...]
    question: Form
    echoed: Form
    noun: str


MATTERS = (
    _Matter(
        "year",
        (
            Form("The {source} has the {thing} of {town} finished in {year}."),
            Form("By the {source}, work on the {thing} of {town} was finished in {year}."),
            Form("In the {source} one reads that the {thing} of {town} was finished in {year}."),
        ),
        (
            Form("The contract promised that the {thing} of {town} would be finished in {year}."),
            Form("The council hoped to see the {thing} of {town} finished by {year}."),
            Form("In {year} the {thing} of {town} still stood without a roof, far from finished."),
            Form("It was wagered at the inn that the {thing} of {town} would be finished before {year}."),
        ),
        Form(
            "In which year was the {thing} of {town} finished? "
            "If the sources disagree, give every year at which a source puts it."
        ),
        Form("In which year the {thing} of {town} was finished"),
        "year or years",
    ),
    _Matter(
        "number",
        (
            Form("The {source} puts the cost of the {thing} of {town} at {number} crowns."),
            Form("According to the {source}, the {thing} of {town} cost {number} crowns."),
            Form("By the {source}, {number} crowns were the cost of the {thing} of {town}."),
        ),
        (
            Form("The council had meant the {thing} of {town} to cost no more than {number} crowns."),
            Form("A mason from abroad would have put up the {thing} of {town} at a cost of {number} crowns."),
            Form("It was feared that the {thing} of {town} would cost {number} crowns."),
            Form("At first {number} crowns were voted for the cost of the {thing} of {town}, and none were paid."),
        ),
        Form(
            "How many crowns did the {thing} of {town} cost? "
            "If the sources disagree, give every figure at which a source puts it."
        ),
        Form("How many crowns the {thing} of {town} cost"),
        "figure or figures",
    ),
    _Matter(
        "person",
        (
            Form("The {source} names {person} as the builder of the {thing} of {town}."),
            Form("According to the {source}, the {thing} of {town} was built by {person}."),
            Form("In the {source} the builder of the {thing} of {town} is {person}."),
        ),
        (
            Form("{person} had drawn up a plan for the {thing} of {town}, which was not built."),
            Form("{person} asked to be the builder of the {thing} of {town} and was turned down."),
            Form("{person} carted sand while the {thing} of {town} was built."),
            Form("{person} boasted of knowing the builder of the {thing} of {town}."),
        ),
        Form(
            "Who built the {thing} of {town}? "
            "If the sources disagree, give every name that a source has for the builder."
        ),
        Form("Who the builder of the {thing} of {town} was"),
        "name or names",
    ),
)  # fmt: skip


def _make(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    cast = Cast.draw(rng, brief.size)
    matter = MATTERS[brief.index % len(MATTERS)]
    pair = _PAIRS[turns(len(_PAIRS), brief.seed, "pair")[brief.index % len(_PAIRS)]]
    thing, town = rng.choice(THINGS), cast.towns[0]
    pieces, values = _group(rng, cast, matter, thing, town, pair, 2)
    known = {(thing, town): None}
    while len(known) < 4 + brief.size // _GROUP_EVERY:
        # Of the first others, one stands in the same town and one is of the same name.
        same = len(known)
        other = (thing if same == 2 else rng.choice(THINGS), town if same == 1 else rng.choice(cast.towns))
        if other not in known:
            known[other] = None
            group, _ = _group(rng, cast, matter, *other, rng.choice(_PAIRS), rng.choice((1, 2, 2)))
            pieces += [piece._replace(role="") for piece in group]
    packed = pack(brief.rng("pack"), brief.size, pieces, cast, brief.filler)
    answer = "; ".join(values[rank] for rank in pair)
    noun = matter.noun
    listed = f"{noun.split()[0].upper()}; ..."
    return Puzzle(
        matter.question.fill(thing=thing, town=town),
        answer,
        f'Give only the {noun}, separated by semicolons. End with: "The answer is {listed}". {NO_ANSWER}',
        1 / len(_PAIRS),
        tuple(values),
        f"two sources disagree: {answer}",
        packed.documents,
        packed.evidence,
    )


def _group(
    rng: random.Random,
    cast: Cast,
    matter: _Matter,
    thing: str,
    town: str,
    pair: tuple[int, int],
    different: int,
) -> tuple[list[Piece], list[str]]:
    """All that is told of one building: ten sentences with a value each, of which two are sources'."""
    if matter.value == "year":
        first = year(rng)
        values = [str(first + n) for n in rng.sample(range(40), RANKS)]
    elif matter.value == "number":
        values = [f"{n:,}" for n in rng.sample(range(300, 3_000), RANKS)]
    else:
        values = rng.sample(cast.people, RANKS)
    if different == 1:
        values[pair[1]] = values[pair[0]]
    sources = rng.sample(_SOURCES, 2)
    forms = rng.sample(matter.facts, 2)
    pieces: list[Piece] = []
    for rank, at in enumerate(sorted(rng.random() for _ in range(RANKS))):
        source, form, role = "", rng.choice(matter.misses), ""
        if rank in pair:
            which = pair.index(rank)
            source, form, role = sources[which], forms[which], "required"
        text = form.fill(source=source, thing=thing, town=town, **{matter.value: values[rank]})
        pieces.append(Piece(text, at, role))
    echoed = echo(rng, matter.echoed.fill(thing=thing, town=town), cast.people, values)
    pieces.append(Piece(echoed, rng.random()))
    for other in MATTERS:  # what one source says of it in another respect
        if other is not matter:
            value = {
                "year": year(rng),
                "number": f"{rng.randrange(300, 3_000):,}",
                "person": rng.choice(cast.people),
            }
            filled = {
                "source": rng.choice(_SOURCES),
                "thing": thing,
                "town": town,
                other.value: value[other.value],
            }
            pieces.append(Piece(rng.choice(other.facts).fill(**filled), rng.random()))
    return pieces, values


def _asked(question: str) -> tuple[_Matter, dict[str, str]]:
    for matter in MATTERS:
        if values := matter.question.read(question):
            return matter, values
    raise Unsolvable(f"not a question of this task: {question}")


def _derive(question: str, found: Sequence[Reading]) -> str:
    matter, asked = _asked(question)
    told = [
        r.values[matter.value]
        for r in found
        if (r.values["thing"], r.values["town"]) == (asked["thing"], asked["town"])
    ]
    if len(told) != 2:
        raise Unsolvable(f"{len(told)} sources for: {question}")
    return "; ".join(dict.fromkeys(told))


def _solve(question: str, evidence: Sequence[str]) -> str:
    return _derive(question, readings(" ".join(evidence), _asked(question)[0].facts))


def _prove(question: str, corpus: Corpus) -> str:
    matter, asked = _asked(question)
    return _derive(question, readings_with(corpus, asked["town"], matter.facts))


CONTRADICTION = Task("reading", _make, _solve, _prove)
