"""The policy that needs no model: it notes the passages that the question's words lead to.

`begin` looks over the corpus (`survey`), `note` takes the passages of a section that pass the bar it set, and
`answer` joins what was noted into the chain that covers most of the question (`chains`). Left out: wording of
its own, arithmetic and synonyms; a question whose words the documents do not use is not answered.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import or_
from typing import Self, overload

from longread.models.base import Delta
from longread.reading.extractive.chains import Chain, alike, best, grow, single
from longread.reading.extractive.query import Cover, Query
from longread.reading.extractive.survey import Survey, survey
from longread.reading.extractive.units import ENCLOSED, NOTHING, Unit, read, units, value
from longread.reading.notes import Add, Entry, Notes
from longread.reading.policy import NOT_ANSWERED, Draft, Emit, Noted, Review, Task, Turn
from longread.reading.recording import Run
from longread.reading.section import Piece, Section
from longread.reading.terms import TOKEN

_KEEP = 150
"""Passages that the first look lets through."""
_PER_CHUNK = 6
_NOTE = 100
"""Tokens of a long note: with less room than this, notes are full."""
_SPANNED = 2
"""Blocks that a passage may span: the one it ends in has the terms of the one it began in near."""
_ABOVE = 16
"""Blocks above a passage from which its headings and definitions may come."""
_HOPS = 3
_NAMED = 0.5
"""Share of the weight of the question's rare names that the evidence must support."""
_SUPPORTED = 0.6
"""The same for the rest of the question."""
_NAMELESS = 0.7
"""The same for all of a question that has no rare names, which must stand on its words alone."""
_STATED = 0.3
"""Share of the question's weight that must stand in the passages or the keys and definitions around them."""
_RIVAL = 0.85
"""A passage beside the best chain is shown when it is worth this much of it."""
_SHOWN = 240
"""Characters of a quote in the answer; its citation has all of it."""


_LAYOUT = re.compile(r"\s+")
_PUNCTUATION = re.compile(r'[{}\[\]"]+')


class ExtractivePolicy:
    """Implements `policy.Policy` by lexical relevance alone."""

    def __init__(self, chunk_tokens: int = 5_000, notes_tokens: int = 4_000, quotes: int = 5) -> None:
        """`quotes` is the most that an answer is made of."""
        self._chunk_tokens = chunk_tokens
        self._notes_tokens = notes_tokens
        self._quotes = quotes

    @property
    def name(self) -> str:
        """What the user calls it."""
        return "extractive"

    @property
    def room(self) -> None:
        """One pass takes any amount of text."""
        return

    @property
    def chunk_tokens(self) -> int:
        """Size of the chunks it wants to read."""
        return self._chunk_tokens

    @property
    def concurrency(self) -> int:
        """One: there is nothing to wait for."""
        return 1

    @property
    def fingerprint(self) -> str:
        """Its settings, and the version of its rules."""
        return f"extractive-1:{self._chunk_tokens}:{self._notes_tokens}:{self._quotes}"

    def bind(self, run: Run) -> Self:
        """Itself: it makes no calls."""
        return self

    def count(self, text: str) -> int:
        """Four bytes of UTF-8 count as a token."""
        return (len(text.encode("utf-8", "surrogatepass")) + 3) // 4

    async def prepare(self, samples: Sequence[str]) -> None:
        """There is nothing to learn: it counts by a rule."""

    @property
    def apart(self) -> bool:
        """Yes: a passage is noted for what it says, whatever was noted before."""
        return True

    @property
    def recalls(self) -> bool:
        """No: what supports an answer is weighed against the whole text, and reading that costs no calls."""
        return False

    async def begin(
        self, query: str, sections: Sequence[Section], *, withhold: bool, history: Sequence[Turn] = ()
    ) -> Survey:
        """Weighs the question's words by their rarity and finds the names that lead from hop to hop.

        It cannot tell whom a follow-up means by "she", so `history` is not used.
        """
        sections = _Stoppable(sections)
        try:
            return await asyncio.to_thread(survey, query, sections, _KEEP)
        finally:
            sections.stopped = True  # when cancelled, so that the thread ends too

    def shown(self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section) -> Section:
        """All of it: to look is to read."""
        return section

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        """For each task the section's best passages, if any pass the bar, which rises once the notes are full."""
        return [
            Noted(_adds(_surveyed(task), section, _PER_CHUNK, self._least(held)))
            for task, held in zip(tasks, notes, strict=True)
        ]

    def fit(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """Notes within the budget, which each task has to itself; passages worth least go."""
        return [self._fit(held) for held in notes]

    async def consolidate(
        self, tasks: Sequence[Task], notes: Sequence[Notes]
    ) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """The same: it judges by what passages are worth."""
        return self.fit(tasks, notes)

    async def review(self, task: Task, notes: Notes) -> Review:
        """Nothing is sought: `begin` has looked over the whole text for names that lead on. It tells no more."""
        return Review()

    def _fit(self, notes: Notes) -> tuple[Notes, tuple[Entry, ...]]:
        return notes.fit(self._notes_tokens, self._cost, lambda e: e.weight)

    def _cost(self, entry: Entry) -> int:
        return self.count(entry.claim + entry.quote) + 4

    def _least(self, notes: Notes) -> float:
        """What a passage must be worth to have a place in `notes`; anything will do while there is room."""
        if self._notes_tokens - sum(map(self._cost, notes.entries)) >= _NOTE:
            return 0.0
        return min((entry.weight for entry in notes.entries), default=0.0)

    async def answer(self, task: Task, notes: Notes, emit: Emit) -> Draft:
        """The chain of noted passages that covers most of the question, and its close rivals."""
        survey = _surveyed(task)
        ids: dict[Unit, int] = {}
        for entry in notes.entries:
            if entry.span:
                about = survey.about.get(entry.span.doc, NOTHING)
                ids.setdefault(read(survey.query, entry.quote, entry.claim, entry.span, about), entry.id)
        chosen = _choose(survey, list(ids), self._quotes)
        if not chosen:
            emit(Delta(text=NOT_ANSWERED))
            return Draft(NOT_ANSWERED, False, (), notes)
        text = "\n".join(f"{_shown(survey.query, unit)} [{n}]" for n, unit in enumerate(chosen, 1))
        emit(Delta(text=text))
        return Draft(text, True, tuple(ids[unit] for unit in chosen), notes)

    async def whole(self, task: Task, section: Section, emit: Emit) -> Draft:
        """Notes from everything at once, then the answer."""
        notes = Notes().update(_adds(_surveyed(task), section, _KEEP, 0.0), None, section)
        return await self.answer(task, self._fit(notes)[0], emit)


class _Stoppable(Sequence[Section]):
    """Sections that can be taken away from a thread that reads them."""

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = sections
        self.stopped = False

    def __len__(self) -> int:
        return len(self._sections)

    @overload
    def __getitem__(self, index: int) -> Section: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Section]: ...
    def __getitem__(self, index: int | slice) -> Section | Sequence[Section]:
        if self.stopped:
            raise RuntimeError("reading was stopped")
        return self._sections[index]


def _surveyed(task: Task) -> Survey:
    if not isinstance(task, Survey):
        raise TypeError("the extractive policy reads only tasks that its own begin made")
    return task


def _adds(survey: Survey, section: Section, most: int, least: float) -> tuple[Add, ...]:
    """Notes of the passages of `section` that pass the floor and are worth `least`, at most `most`, in order."""
    floor = max(survey.floor, least)
    passing: list[tuple[float, Unit]] = []
    for piece in section.pieces:
        for unit in units(survey.query, piece, _hits(survey, piece, floor), survey.about):
            worth = survey.worth(unit)
            if worth >= floor and worth > 0:
                passing.append((worth, unit))
    kept = sorted(passing, key=lambda p: (-p[0], p[1].span))[:most]
    order = {piece.span.doc: i for i, piece in enumerate(section.pieces)}
    kept.sort(key=lambda p: (order[p[1].span.doc], p[1].span.start))
    return tuple(Add(unit.context, unit.text, unit.span, round(worth, 3)) for worth, unit in kept)


def _hits(survey: Survey, piece: Piece, floor: float) -> Iterator[tuple[int, int]]:
    """The blocks of `piece` that can hold a unit that passes the floor, given what stands shortly above."""
    lent = survey.about.get(piece.span.doc, NOTHING)
    above: deque[int] = deque(maxlen=_ABOVE if piece.kind in ENCLOSED else _SPANNED)
    for start, end, mask in survey.scanner.blocks(piece.text):
        above.append(mask)
        if mask and survey.bound(mask, reduce(or_, above, lent.near | lent.topic)) >= floor:
            yield start, end


def _choose(survey: Survey, passages: Sequence[Unit], most: int) -> list[Unit]:
    """The passages an answer is made of, in the order they are to be read; none when it is not supported."""
    query = survey.query
    passages = sorted(passages, key=lambda u: (-value(query, u), u.span))
    chains = best(single(query, unit) for unit in passages)
    for _ in range(_HOPS):
        chains = grow(query, survey.names, chains, passages)
    if not chains or not _supported(survey, chains[0]):
        return []
    chain = _ordered(survey, chains[0])[:most]
    if len(chain) == 1:
        enough = _RIVAL * value(query, chain[0])
        for unit in passages:
            if len(chain) == most or value(query, unit) < enough:
                break
            if _supported(survey, single(query, unit)) and not any(alike(unit, u) for u in chain):
                chain.append(unit)
    return chain


def _supported(survey: Survey, chain: Chain) -> bool:
    """Whether a chain speaks of whom the question names, and of what it asks about them."""
    query = survey.query
    named = query.required(survey.names.blocks)

    def share(among: int, doubt: float = 0.0) -> float:
        weight = query.worth(among)
        return (query.support(chain.cover, among) - doubt) / weight if weight else 1.0

    stated = query.support(Cover(chain.cover.own, _enclosing(query, chain), 0))
    return (
        stated >= _STATED * query.worth(query.all & ~chain.cover.near)
        and share(named) >= _NAMED
        and share(query.all & ~named, chain.doubt) >= (_SUPPORTED if named else _NAMELESS)
    )


def _enclosing(query: Query, chain: Chain) -> int:
    return reduce(or_, (query.mask(unit.context) for unit in chain.units))


def _ordered(survey: Survey, chain: Chain) -> list[Unit]:
    """From what the question names to what it asks: each passage after the one it is joined to."""
    query, left = survey.query, list(chain.units)
    anchors = query.names & ~query.asked or query.names or query.all
    ordered = [max(left, key=lambda u: query.support(u.cover, anchors))]
    left.remove(ordered[0])
    while left:
        following = max(left, key=lambda u: max(survey.names.strength(o, u)[0] for o in ordered))
        ordered.append(following)
        left.remove(following)
    return ordered


def _shown(query: Query, unit: Unit) -> str:
    """A passage as a line of the answer: what encloses it, and its text without layout, cut when long."""
    text = unit.text
    if unit.context and text[:1] in '"{[':
        text = _PUNCTUATION.sub(" ", text)
    text = _LAYOUT.sub(" ", text).strip(" ,")
    if len(text) > _SHOWN:
        rarest = max(TOKEN.finditer(text), key=lambda m: query.worth(query.mask(m.group())), default=None)
        at = max(0, min(rarest.start() - _SHOWN // 3, len(text) - _SHOWN)) if rarest else 0
        start = text.find(" ", at, at + 40) + 1 if at else 0
        end = (
            text.rfind(" ", start + _SHOWN // 2, start + _SHOWN) if start + _SHOWN < len(text) else len(text)
        )
        end = end if end > 0 else start + _SHOWN
        text = f"{'… ' if start else ''}{text[start:end]}{' …' if end < len(text) else ''}"
    return f"{unit.context}: {text}" if unit.context else text
