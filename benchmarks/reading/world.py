"""A long text with planted facts, the questions they answer, and where every one of them stands.

Each paragraph begins with its number (`¶000123`), so that whoever sees a prompt can tell exactly which part of the
text has reached it. Facts are sentences about invented people, each with a reference of its own.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from benchmarks.reading.filler import sentence
from benchmarks.reading.rivals.job import CHARACTERS, pack
from longread.worlds.names import GIVEN, GOODS, SURNAMES

Kind = Literal["single", "inorder", "against", "updated", "count"]
KINDS: tuple[Kind, ...] = ("single", "inorder", "against", "updated", "count")

_PARAGRAPH = 420
"""Characters of filler in a paragraph, about."""
_RELATIONS = "steward mentor neighbour heir physician tutor partner rival".split()
_DENSE = 0.3
"""Share of chunks that hold a fact of a counting question."""


@dataclass(frozen=True)
class Fact:
    """One planted sentence."""

    id: str
    subject: str
    """Whoever knows this name knows that the fact matters."""
    object: str
    """The name that the fact leads to; empty when it leads nowhere."""
    text: str
    replaces: str | None = None
    """Id of the earlier fact that this one brings up to date."""
    paragraph: int = -1
    chunk: int = -1
    """At the chunk size of the world, as the rivals are given it."""


@dataclass(frozen=True)
class Item:
    """One question."""

    id: str
    kind: Kind
    question: str
    answer: str
    facts: tuple[str, ...]
    """Ids of the facts that the answer needs, in the order in which they are reasoned from."""
    asides: tuple[str, ...]
    """Ids of facts about the one who is asked about that the answer does not need."""


@dataclass(frozen=True)
class World:
    """What the oracle knows; the text lies beside it."""

    seed: int
    tokens: int
    chunk_tokens: int
    paragraphs: int
    facts: tuple[Fact, ...]
    items: tuple[Item, ...]

    @cached_property
    def fact(self) -> dict[str, Fact]:
        """Facts by id."""
        return {fact.id: fact for fact in self.facts}

    @cached_property
    def item(self) -> dict[str, Item]:
        """Items by id."""
        return {item.id: item for item in self.items}

    def save(self, path: Path) -> None:
        """Writes it as JSON."""
        path.write_bytes(_WORLD.dump_json(self))

    @staticmethod
    def load(path: Path) -> World:
        """Reads what `save` wrote."""
        return _WORLD.validate_json(path.read_bytes())


_WORLD = TypeAdapter(World)


def make_world(
    *,
    tokens: int,
    chunk_tokens: int,
    items: int,
    seed: int,
    share: float = 0.05,
    kinds: tuple[Kind, ...] = KINDS,
) -> tuple[World, list[str]]:
    """A world and the paragraphs of its text.

    Args:
        tokens: Of the whole text, about, at four characters each.
        chunk_tokens: Of the chunks in which it will be read.
        items: How many questions; the kinds take turns.
        seed: Everything follows from it.
        share: Of all chunks, those that hold something a careful reader of one question notes.
        kinds: Which kinds of questions.
    """
    rng = random.Random(f"{seed}/{tokens}/{chunk_tokens}/{items}/{share}")
    bodies = _filler(rng, tokens * CHARACTERS)
    writer = _Writer(rng, chunks=max(3, tokens // chunk_tokens), paragraphs=len(bodies), share=share)
    made = tuple(writer.item(f"Q{number:04}", kinds[number % len(kinds)]) for number in range(items))
    writer.decoys()
    for fact in writer.facts:
        body = bodies[fact.paragraph]
        body.insert(rng.randrange(len(body) + 1), fact.text)
    paragraphs = [f"¶{number:06} {' '.join(body)}" for number, body in enumerate(bodies)]
    chunk_of = [
        n for n, (first, last) in enumerate(pack(paragraphs, chunk_tokens)) for _ in range(first, last)
    ]
    facts = tuple(replace(fact, chunk=chunk_of[fact.paragraph]) for fact in writer.facts)
    return World(seed, tokens, chunk_tokens, len(paragraphs), facts, made), paragraphs


def _filler(rng: random.Random, characters: int) -> list[list[str]]:
    bodies: list[list[str]] = []
    while characters > 0:
        body, size = [], 0
        while size < _PARAGRAPH:
            body.append(sentence(rng))
            size += len(body[-1]) + 1
        bodies.append(body)
        characters -= size + 10  # the mark and what stands between paragraphs
    return bodies


class _Writer:
    """Makes items, and puts each of an item's facts into a chunk of its own."""

    def __init__(self, rng: random.Random, *, chunks: int, paragraphs: int, share: float) -> None:
        self.facts: list[Fact] = []
        self._rng = rng
        self._chunks = chunks
        self._paragraphs = paragraphs
        self._share = share
        names = rng.sample(range(len(GIVEN) * len(SURNAMES)), 40_000)
        self._charters = iter(rng.sample(SURNAMES, len(SURNAMES)))
        self._names = iter(f"{GIVEN[n % len(GIVEN)]} {SURNAMES[n // len(GIVEN)]}" for n in names)

    def item(self, id: str, kind: Kind) -> Item:
        """One question, its facts and asides planted."""
        if kind == "count":
            return self._count(id)
        hops = {"single": 1, "updated": 1}.get(kind) or self._rng.choice((2, 3))
        people = [next(self._names) for _ in range(hops + 1)]
        roles = self._rng.sample(_RELATIONS, hops)
        sentences = [
            (people[n], people[n + 1], f"The {role} of {people[n]} is {people[n + 1]}")
            for n, role in enumerate(roles)
        ]
        if kind == "updated":
            old, new = people[1], next(self._names)
            sentences.append(
                (people[0], new, f"Since the spring the {roles[0]} of {people[0]} is {new}, not {old}")
            )
        asides = [
            (people[0], "", f"It is said that {people[0]} trades {self._rng.choice(GOODS)} for {good}")
            for good in self._rng.choices(GOODS, k=max(0, round(self._share * self._chunks) - len(sentences)))
        ]
        places = self._places(len(sentences) + len(asides))
        own = sorted(self._rng.sample(places, len(sentences)), reverse=kind == "against")
        facts = [self._plant(*parts, place) for parts, place in zip(sentences, own, strict=True)]
        if kind == "updated":
            self.facts[-1] = replace(self.facts[-1], replaces=facts[0])
        rest = [place for place in places if place not in own]
        told = [self._plant(*parts, place) for parts, place in zip(asides, rest, strict=True)]
        of = " of ".join(f"the {role}" for role in reversed(roles))
        question = f"Who is {of} of {people[0]} (question {id})?"
        answer = self.fact_object(facts[-1])
        return Item(id, kind, question, answer, tuple(facts), tuple(told))

    def decoys(self) -> None:
        """One sentence of the same shape for each chunk, about people whom nobody asks about."""
        for chunk in range(self._chunks):
            one, other = next(self._names), next(self._names)
            self._plant(one, other, f"The {self._rng.choice(_RELATIONS)} of {one} is {other}", chunk)

    def fact_object(self, id: str) -> str:
        """Whom the fact with that id leads to."""
        return next(fact.object for fact in self.facts if fact.id == id)

    def _count(self, id: str) -> Item:
        charter = f"{next(self._charters)} Charter"
        places = self._places(max(2, round(_DENSE * self._chunks)))
        facts = [
            self._plant(charter, "", f"{next(self._names)} signed the {charter}", place) for place in places
        ]
        question = f"How many people signed the {charter} (question {id})?"
        return Item(id, "count", question, str(len(facts)), tuple(facts), ())

    def _places(self, count: int) -> list[int]:
        """Different chunks, in reading order."""
        return sorted(self._rng.sample(range(self._chunks), min(count, self._chunks)))

    def _plant(self, subject: str, object: str, words: str, chunk: int) -> str:
        first = chunk * self._paragraphs // self._chunks
        last = max(first + 1, (chunk + 1) * self._paragraphs // self._chunks)
        id = f"F{len(self.facts):05}"
        paragraph = self._rng.randrange(first, last)
        self.facts.append(Fact(id, subject, object, f"{words} (ref {id}).", paragraph=paragraph))
        return id
