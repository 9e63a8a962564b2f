"""The memory of a run: entries with spans, the operations on them, and how they are kept within a budget.

Text read later can never undo what was noted earlier. An entry with a citation never changes: what brings it up
to date stands beside it, a wish to drop it has no effect, and when the budget is used up, a chunk that holds more
than its share gives way first. So a chunk that takes control of the model can fill its own share and no more.
Whatever is dropped is reported, never silently lost.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from longread.reading.section import Section
from longread.types import Span


class Entry(NamedTuple):
    """One note."""

    id: int
    claim: str
    """What the note says, in the policy's words; empty when only the quote may speak."""
    quote: str
    """The document's own words when `span` is set, else what the model claimed they were."""
    span: Span | None
    """Where the quote stands; None makes the entry unverified: it is never cited."""
    chunk: int
    """Index of the chunk it was taken from."""
    replaces: int | None = None
    """Id of the earlier entry that this one brings up to date."""
    weight: float = 0.0
    """How much the policy wants to keep it, for policies that know."""


class Add(NamedTuple):
    """A new entry."""

    claim: str
    quote: str = ""
    span: Span | None = None
    """Set when the policy knows the place; else the quote is aligned with the section."""
    weight: float = 0.0


class Replace(NamedTuple):
    """A new entry that says it brings an earlier one up to date. The earlier one stays as it is."""

    id: int
    claim: str
    quote: str = ""
    span: Span | None = None
    """As of `Add`."""


class Expire(NamedTuple):
    """An entry held to be useless. It stays; if it is unverified, it is among the first to go for want of room."""

    id: int


class Pin(NamedTuple):
    """A verified entry that must not be dropped for want of room. Half of the room at most is kept for such."""

    id: int


class Rewrite(NamedTuple):
    """The whole memory anew, as checkpoints trained on free text give it."""

    memory: str
    supports: tuple[Add, ...] = ()
    """Sentences of the memory that stand in this section, so that the answer can cite them."""


class Refuse(NamedTuple):
    """A note that is not taken, as prompts want."""

    claim: str
    quote: str
    reason: Literal["inexact", "unnamed", "miscopied", "unconfirmed"]

    @property
    def said(self) -> str:
        """What it says, for people and models to see; nothing that addresses these."""
        said = self.claim or self.quote
        return "(an instruction)" if reads_as_instruction(said) else said

    @property
    def why(self) -> str:
        """The reason in words."""
        return _REASONS[self.reason]


_REASONS = {
    "inexact": "quote not in the text",
    "unnamed": "quote names nothing that is asked about",
    "miscopied": "copied badly, and the line itself noted",
    "unconfirmed": "not noted again when its lines were read alone",
}


Operation = Add | Replace | Expire | Pin | Rewrite | Refuse

Rank = tuple[bool, bool, bool, float, int]
"""Whether it is pinned, verified and wanted, the policy's value, and of equals the earlier."""
SHARE = 8
"""A chunk may hold 1/8 of the budget before its entries are the first to go."""

# A command to the reader. Only what begins as one: a document may well say that prices drop in all regions.
_INSTRUCTION = re.compile(
    r"\s*(?:please|now|important:?|note:?|attention:?|system:?|assistant:?)?[\s,:!-]{0,4}(?:"
    r"(?:ignore|disregard|forget|override|erase|delete|drop|remove|discard)\b.{0,60}"
    r"\b(?:notes?|instructions?|prompts?|entries|n\d+|above|previous|prior)\b"
    r"|(?:answer|reply|respond|output|say)\b.{0,20}\b(?:with|that|only|exactly)\b"
    r"|you (?:must|should|are now|have to|will now)\b"
    r"|(?:new |system )(?:instructions?|prompt)\b"
    r"|忽略.{0,12}(?:指令|指示|内容|笔记)|(?:以前の|上記の)?(?:指示|命令)を無視)",
    re.IGNORECASE,
)


def reads_as_instruction(text: str) -> bool:
    """Whether a claim or plan addresses the reader instead of speaking about the subject."""
    return _INSTRUCTION.match(text) is not None


@dataclass(frozen=True)
class Notes:
    """All entries held, the plan, and (for the text format) the memory. Every change makes a new version."""

    entries: tuple[Entry, ...] = ()
    plan: str = ""
    """What to look for next."""
    memory: str = ""
    """Free text; empty in the ledger format."""
    unwanted: frozenset[int] = frozenset()
    """Ids of entries that a later step held to be useless."""
    pinned: frozenset[int] = frozenset()
    """Ids of entries that a step asked to keep whatever comes."""
    version: int = 0
    next_id: int = 1

    @property
    def view(self) -> tuple[tuple[Entry, ...], str, str]:
        """All of it that a policy heeds when it reads: notes that look the same get the same replies."""
        return self.entries, self.plan, self.memory

    def known(self, operations: Sequence[Operation]) -> tuple[Operation, ...]:
        """Operations without what speaks of notes that are not held: by its ids others may be meant by now."""
        ids = {entry.id for entry in self.entries}
        kept: list[Operation] = []
        for operation in operations:
            match operation:
                case Replace(id, claim, quote, span) if id not in ids:
                    kept.append(Add(claim, quote, span))
                case Expire(id) | Pin(id) if id not in ids:
                    continue
                case _:
                    kept.append(operation)
        return tuple(kept)

    def update(self, operations: Sequence[Operation], plan: str | None, section: Section) -> Notes:
        """Applies one step's operations. Quotes are aligned with `section`; a plan of None keeps the old one.

        Operations on ids that are not held are taken as what they add, so that nothing said is lost.
        """
        if not operations and plan is None:
            return self
        entries = {entry.id: entry for entry in self.entries}
        known = {(entry.span, entry.claim) for entry in self.entries}
        memory, next_id, unwanted, pinned = self.memory, self.next_id, self.unwanted, self.pinned

        def add(claim: str, quote: str, span: Span | None, replaces: int | None, weight: float) -> None:
            nonlocal next_id
            span = span or section.align(quote)
            if (span, claim) in known:
                return
            known.add((span, claim))
            if span:
                quote = section.text(span)
            if reads_as_instruction(claim):
                claim = ""
            if claim or span:
                entries[next_id] = Entry(next_id, claim, quote, span, section.index, replaces, weight)
                next_id += 1

        for operation in operations:
            match operation:
                case Add(claim, quote, span, weight):
                    add(claim, quote, span, None, weight)
                case Replace(id, claim, quote, span):
                    add(claim, quote, span, id if id in entries else None, 0.0)
                case Expire(id):
                    unwanted |= {id} & entries.keys()
                case Pin(id):
                    pinned |= {id} & entries.keys()
                case Rewrite(text, supports):
                    memory = text
                    for support in supports:
                        add(support.claim, support.quote, support.span, None, support.weight)
        if plan is None or reads_as_instruction(plan):
            plan = self.plan
        state = (tuple(entries.values()), plan, memory, unwanted, pinned)
        if state == (self.entries, self.plan, self.memory, self.unwanted, self.pinned):
            return self
        return Notes(*state, self.version + 1, next_id)

    def planned(self, plan: str) -> Notes:
        """With another plan."""
        if plan == self.plan or reads_as_instruction(plan):
            return self
        return replace(self, plan=plan, version=self.version + 1)

    def keep(self, entries: Sequence[Entry]) -> Notes:
        """With these of its entries alone."""
        if len(entries) == len(self.entries):
            return self
        return replace(self, entries=tuple(entries), version=self.version + 1)

    def missing(self, later: Notes) -> tuple[Entry, ...]:
        """The entries that are not in `later`."""
        held = {entry.id for entry in later.entries}
        return tuple(entry for entry in self.entries if entry.id not in held)

    def ordered(self) -> Notes:
        """With entries in the order of their places in the text."""
        entries = tuple(sorted(self.entries, key=lambda e: (e.chunk, e.span or (), e.id)))
        return self if entries == self.entries else replace(self, entries=entries, version=self.version + 1)

    def ranking(
        self, budget: int, cost: Callable[[Entry], int], value: Callable[[Entry], float]
    ) -> Callable[[Entry], Rank]:
        """How much an entry is worth keeping: pinned ones most, in half of the budget, then those with a citation."""
        room, held = budget // 2, set()
        for entry in self.entries:
            if entry.id in self.pinned and entry.span and cost(entry) <= room:
                held.add(entry.id)
                room -= cost(entry)

        def rank(entry: Entry) -> Rank:
            verified = entry.span is not None
            wanted = verified or entry.id not in self.unwanted
            return (entry.id in held, verified, wanted, value(entry), -entry.id)

        return rank

    def fit(
        self, budget: int, cost: Callable[[Entry], int], value: Callable[[Entry], float]
    ) -> tuple[Notes, tuple[Entry, ...]]:
        """Notes within `budget` tokens, and the entries dropped for it.

        First, as long as chunks hold more than 1/8 of the budget each, the latest of them loses its least
        valuable entry; then the least valuable entry of all goes. Pinned entries are worth most, then verified
        ones, and of equals the earlier.
        """
        costs = {entry.id: cost(entry) for entry in self.entries}
        total = sum(costs.values())
        if total <= budget:
            return self, ()
        ranked = sorted(self.entries, key=self.ranking(budget, cost, value))
        share: Counter[int] = Counter()
        latest: dict[int, int] = {}
        for entry in self.entries:
            share[entry.chunk] += costs[entry.id]
            latest[entry.chunk] = entry.id
        dropped: list[Entry] = []
        while total > budget:
            greedy = [chunk for chunk, taken in share.items() if taken * SHARE > budget]
            last = max(greedy, key=latest.__getitem__, default=None)
            entry = next(e for e in ranked if last is None or e.chunk == last)
            ranked.remove(entry)
            share[entry.chunk] -= costs[entry.id]
            total -= costs[entry.id]
            dropped.append(entry)
        gone = {entry.id for entry in dropped}
        kept = tuple(entry for entry in self.entries if entry.id not in gone)
        return replace(self, entries=kept, version=self.version + 1), tuple(dropped)
