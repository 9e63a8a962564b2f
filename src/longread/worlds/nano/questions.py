"""Questions over texts of the small world: five tasks, each proved from the words of the text alone.

A text is lines of which each says one thing. Those that answer the question are planted; all others are drawn from
the same forms and say nothing that would change the answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from longread.types import Document, Evidence, Sample, document_id
from longread.worlds.nano.language import (
    MONTHS,
    OPTIONS,
    ORDINALS,
    PLURALS,
    RELATIONS,
    Relation,
    Sold,
    Split,
    Statement,
    Wished,
    kinds,
    parse,
    sale,
    state,
    wish,
)  # fmt: skip
from longread.worlds.tasks.base import Unsolvable, one

TASKS = ("reading", "multi_hop", "multiple_choice", "dialogue", "numerical")
_PAGE = 200
"""Lines of a document, about."""
_MOST_COUNTED = 6
_NAMED = ("person", "company")
"""What a question may begin with: names that evaluation does not share with training."""


_About = tuple[str, str]
"""A relation, or the name of nothing for what a person says and sells, and what it is about."""


class Question(NamedTuple):
    """What is asked, and the lines that answer it."""

    text: str
    answer: str
    lines: tuple[str, ...]
    """In reading order."""
    type: str
    grader: str = "exact"
    taken: frozenset[_About] = frozenset()
    """Relation and subject, relation and object, or a person: what other lines may not speak of."""


class Item(NamedTuple):
    """A question with its text."""

    sample: Sample
    documents: tuple[Document, ...]


def make(
    task: str,
    lines: int,
    seed: int,
    index: int,
    split: Split = "train",
    hops: Sequence[int] = (2, 3),
    near: float = 0.0,
) -> Item:
    """The item of that number; the same arguments give the same bytes everywhere.

    Args:
        task: One of TASKS.
        lines: Of the text, about; a line is about eight tokens.
        hops: How many relations a question of several may join.
        near: Share of the lines that answer nothing and are nearly about what is asked.
    """
    rng = random.Random(f"nano/{task}/{lines}/{seed}/{index}/{split}")  # noqa: S311 -- no secret
    asked = _ASK[task](rng, split, hops)
    text, (planted,) = _text(rng, [asked], lines, split, near)
    documents, evidence = _documents(text, planted)
    name = f"nano-{task}-{lines}-s{seed}-{split}-{index}"
    sample = Sample(
        id=name, task=task, type=asked.type, question=asked.text, answer=asked.answer, grader=asked.grader,
        documents=tuple(document.id for document in documents), evidence=evidence, split=split, source="nano",
        seed=seed,
    )  # fmt: skip
    return Item(sample, documents)


def ask_many(
    rng: random.Random, tasks: Sequence[str], lines: int, split: Split, hops: Sequence[int], near: float = 0.0
) -> tuple[list[str], list[Question]]:
    """The lines of a text with a question of each of the tasks, whose answers do not disturb one another.

    Of the lines that answer nothing, a share of `near` is nearly about what is asked.
    """
    while True:
        asked = [_ASK[task](rng, split, hops) for task in tasks]
        text, _ = _text(rng, asked, lines, split, near)
        if consistent(text):
            with suppress(Unsolvable):
                if all(solve(one.text, text) == one.answer for one in asked):
                    return text, asked


def consistent(lines: Sequence[str]) -> bool:
    """Whether no two lines contradict each other: a subject has one object, a month of a person one sale."""
    said = {one for one in map(parse, lines) if isinstance(one, Statement | Sold)}
    return len(said) == len({one[:2] for one in said})


def _text(
    rng: random.Random, asked: Sequence[Question], lines: int, split: Split, near: float = 0.0
) -> tuple[list[str], list[list[int]]]:
    """Lines, and the places of those that each question needs."""
    needed = sum(len(question.lines) for question in asked)
    places = rng.sample(range(max(lines, needed)), needed)
    planted = []
    for question in asked:
        planted.append(sorted(places[: len(question.lines)]))
        del places[: len(question.lines)]
    where = {
        at: line
        for question, own in zip(asked, planted, strict=True)
        for at, line in zip(own, question.lines, strict=True)
    }
    other = _others(rng, split, frozenset().union(*(question.taken for question in asked)), near)
    return [where.get(at) or next(other) for at in range(max(lines, needed))], planted


def _documents(
    text: Sequence[str], planted: Sequence[int]
) -> tuple[tuple[Document, ...], tuple[Evidence, ...]]:
    documents: list[Document] = []
    evidence: list[Evidence] = []
    marked = set(planted)
    for first in range(0, len(text), _PAGE):
        page = text[first : first + _PAGE]
        # A space before each line makes its first word the token that it is elsewhere.
        body = "".join(f" {line}\n" for line in page)
        source = f"page-{len(documents) + 1}.txt"
        document = Document(document_id(source, body), source, body)
        start = 0
        for at, line in enumerate(page, first):
            if at in marked:
                evidence.append(Evidence(document.id, start + 1, start + 1 + len(line)))
            start += len(line) + 2
        documents.append(document)
    return tuple(documents), tuple(evidence)


def _others(rng: random.Random, split: Split, taken: frozenset[_About], near: float) -> Iterator[str]:
    """Lines without end that leave the answer as it is and do not contradict one another."""
    pools = kinds(split)
    known: dict[_About, str] = {}
    months: dict[tuple[str, str], int] = {}
    aims = sorted(taken)
    while True:
        nearly = near and rng.random() < near
        what, thing = _nearly(rng, pools, *rng.choice(aims)) if nearly else _anything(rng, pools)
        if relation := RELATIONS.get(what):
            object = known.get((what, thing)) or rng.choice(pools[relation.object])
            if not taken & {(what, thing), (what, object)}:
                known[what, thing] = object
                yield state(rng, what, thing, object)
        elif ("", thing) in taken:
            continue
        elif what == "sale":
            month = rng.choice(MONTHS)
            yield sale(thing, month, months.setdefault((thing, month), rng.randrange(10, 100)))
        else:
            yield wish(thing, rng.choice(pools["ware"]))


def _anything(rng: random.Random, pools: Mapping[str, Sequence[str]]) -> _About:
    """What a line speaks of: a relation and its subject, or a person's sale or wish."""
    kind = rng.random()
    person = rng.choice(pools["person"])
    if kind < 0.7:
        relation = RELATIONS[rng.choice(list(RELATIONS))]
        return relation.name, rng.choice(pools[relation.subject])
    return "sale" if kind < 0.85 else "wish", person


def _nearly(rng: random.Random, pools: Mapping[str, Sequence[str]], asked: str, thing: str) -> _About:
    """As `_anything`, with half of what is asked: something else of the same thing, or the same of one like it."""
    kind = RELATIONS[asked].subject if asked else "person"
    if thing not in pools[kind]:  # asked is how many have it
        return asked, rng.choice(pools[kind])
    if rng.random() < 0.5:
        return rng.choice([other.name for other in RELATIONS.values() if other.subject == kind]), thing
    return asked or rng.choice(("sale", "wish")), _like(rng, thing, pools[kind])


def _like(rng: random.Random, thing: str, pool: Sequence[str]) -> str:
    """Another one of the pool, which shares a word with it where names have two."""
    words = set(thing.split())
    others = [other for other in pool if other != thing]
    return rng.choice([other for other in others if words & set(other.split())] or others)


def _chain(rng: random.Random, split: Split, length: int) -> list[Statement]:
    """Facts of which each begins with what the one before led to, and no thing comes twice."""
    pools = kinds(split)
    while True:
        relations: list[Relation] = []
        while len(relations) < length:
            fitting = [
                r for r in RELATIONS.values()
                if (r.subject == relations[-1].object and r not in relations if relations else r.subject in _NAMED)
            ]  # fmt: skip
            if not fitting:
                break
            relations.append(rng.choice(fitting))
        if len(relations) < length:
            continue
        things = [rng.choice(pools[relations[0].subject])]
        things += [rng.choice(pools[relation.object]) for relation in relations]
        if len(set(things)) == len(things):
            return [
                Statement(relation.name, things[at], things[at + 1]) for at, relation in enumerate(relations)
            ]


def wanted(chain: Sequence[Statement]) -> str:
    """What facts of which each begins with what the one before led to say together: `the river of the seat of X`."""
    return f"the {' of the '.join(fact.relation for fact in reversed(chain))} of {chain[0].subject}"


def _lines(rng: random.Random, facts: Sequence[Statement]) -> tuple[str, ...]:
    return tuple(state(rng, *fact) for fact in facts)


def _closed(facts: Sequence[Statement]) -> frozenset[_About]:
    return frozenset((fact.relation, fact.subject) for fact in facts)


def _reading(rng: random.Random, split: Split, hops: Sequence[int]) -> Question:
    chain = _chain(rng, split, 1)
    return Question(
        f"What is {wanted(chain)}?", chain[-1].object, _lines(rng, chain), "lookup", taken=_closed(chain)
    )


def _multi_hop(rng: random.Random, split: Split, hops: Sequence[int]) -> Question:
    chain = _chain(rng, split, rng.choice(hops))
    text = f"What is {wanted(chain)}?"
    return Question(text, chain[-1].object, _lines(rng, chain), f"{len(chain)} hops", taken=_closed(chain))


def _multiple_choice(rng: random.Random, split: Split, hops: Sequence[int]) -> Question:
    chain = _chain(rng, split, 1)
    pool = kinds(split)[RELATIONS[chain[-1].relation].object]
    wrong = rng.sample([thing for thing in pool if thing != chain[-1].object], OPTIONS - 1)
    right = rng.randrange(OPTIONS)
    options = [*wrong[:right], chain[-1].object, *wrong[right:]]
    # The number stands after its option: a model that reads from left to right finds it by the option alone.
    shown = [f"{option} ({number})" for number, option in enumerate(options, 1)]
    text = f"What is {wanted(chain)}? {' '.join(shown)}"
    return Question(text, shown[right], _lines(rng, chain), "choice", taken=_closed(chain))


def _dialogue(rng: random.Random, split: Split, hops: Sequence[int]) -> Question:
    pools = kinds(split)
    person = rng.choice(pools["person"])
    wishes = rng.sample(pools["ware"], rng.randint(2, len(ORDINALS)))
    asked = rng.randrange(len(wishes))
    text = f"What is the {ORDINALS[asked]} wish of {person}?"
    lines = tuple(wish(person, ware) for ware in wishes)
    return Question(text, wishes[asked], lines, "ordinal", taken=frozenset({("", person)}))


def _numerical(rng: random.Random, split: Split, hops: Sequence[int]) -> Question:
    return rng.choice((_count, _most))(rng, split)


def _count(rng: random.Random, split: Split) -> Question:
    pools = kinds(split)
    relation = rng.choice([r for r in RELATIONS.values() if r.object not in ("person", "company")])
    object = rng.choice(pools[relation.object])
    subjects = rng.sample(pools[relation.subject], rng.randint(1, _MOST_COUNTED))
    facts = [Statement(relation.name, subject, object) for subject in subjects]
    text = f"How many {PLURALS[relation.subject]} have the {relation.name} {object}?"
    taken = _closed(facts) | {(relation.name, object)}
    return Question(text, str(len(facts)), _lines(rng, facts), "count", taken=taken)


def _most(rng: random.Random, split: Split) -> Question:
    person = rng.choice(kinds(split)["person"])
    count = rng.randint(2, 5)
    months = rng.sample(MONTHS, count)
    sacks = [10 * tens + rng.randrange(10) for tens in rng.sample(range(1, 10), count)]
    best = months[sacks.index(max(sacks))]
    lines = tuple(sale(person, month, n) for month, n in zip(months, sacks, strict=True))
    return Question(
        f"In which month did {person} sell the most sacks?",
        best,
        lines,
        "most",
        taken=frozenset({("", person)}),
    )


_ASK: dict[str, Callable[[random.Random, Split, Sequence[int]], Question]] = {
    "reading": _reading,
    "multi_hop": _multi_hop,
    "multiple_choice": _multiple_choice,
    "dialogue": _dialogue,
    "numerical": _numerical,
}


def prove(item: Item) -> str:
    """The answer, from the words of all of the text.

    Raises:
        Unsolvable: The text has none or several, or the evidence leads to another one.
    """
    texts = {document.id: document.text for document in item.documents}
    everything = [line for text in texts.values() for line in text.splitlines()]
    answer = solve(item.sample.question, everything)
    evidence = [texts[piece.doc][piece.start : piece.end] for piece in item.sample.evidence]
    if solve(item.sample.question, evidence) != answer:
        raise Unsolvable(f"{item.sample.id}: its evidence leads to another answer than its text")
    return answer


_CHAIN = re.compile(r"What is the ([a-z ]+?) of ([A-Z][\w ]+)\?(?: (.+ \(\d\)))?")
_WISH = re.compile(r"What is the (\w+) wish of (.+)\?")
_HOW_MANY = re.compile(r"How many \w+ have the (\w+) (.+)\?")
_MOST = re.compile(r"In which month did (.+) sell the most sacks\?")


def solve(question: str, lines: Sequence[str]) -> str:
    """What lines answer to a question. Unsolvable where it is nothing, or more than one thing."""
    said = [parse(line) for line in lines]
    facts = {one for one in said if isinstance(one, Statement)}
    if asked := _WISH.fullmatch(question):
        wares = [one.ware for one in said if isinstance(one, Wished) and one.person == asked[2]]
        at = ORDINALS.index(asked[1])
        if at >= len(wares):
            raise Unsolvable(f"no {asked[1]} wish of {asked[2]}")
        return wares[at]
    if asked := _HOW_MANY.fullmatch(question):
        return str(len({f.subject for f in facts if (f.relation, f.object) == (asked[1], asked[2])}))
    if asked := _MOST.fullmatch(question):
        sold = [one for one in said if isinstance(one, Sold) and one.person == asked[1]]
        if not sold:
            raise Unsolvable(f"no sale of {asked[1]}")
        most = max(s.sacks for s in sold)
        return one([s.month for s in sold if s.sacks == most], question)
    asked = _CHAIN.fullmatch(question)
    if asked is None:
        raise Unsolvable(f"nobody asks {question!r}")
    thing = asked[2]
    for relation in reversed(asked[1].split(" of the ")):
        thing = one([f.object for f in facts if (f.relation, f.subject) == (relation, thing)], question)
    if not asked[3]:
        return thing
    options = re.findall(r"([^()]+) \(\d\)", asked[3])
    return one(
        [f"{thing} ({number})" for number, option in enumerate(options, 1) if option.strip() == thing],
        question,
    )
