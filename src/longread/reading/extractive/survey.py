"""A first look over a whole corpus: how rare the question's terms are, and which names lead from hop to hop.

Of the text only counts and places are kept. Because the look takes in everything, the reading that follows
finds a chain of evidence whichever end comes first.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations, groupby
from typing import NamedTuple

from longread.reading.extractive.chains import Chain, Names, best, grow, single
from longread.reading.extractive.query import Cover, Query, weight
from longread.reading.extractive.scan import Scanner, bits
from longread.reading.extractive.topics import Topics, count
from longread.reading.extractive.units import NOTHING, Unit, units, value
from longread.reading.policy import Task
from longread.reading.section import Section

_BLOCKS = 300
"""Blocks looked at closely in each round."""
_UNITS = 500
"""Units tried as the next link of a chain."""
_HOPS = 3
_BEST = 3
"""Chains whose passages pass the floor whatever they are worth alone."""
_LEADS = 400
"""Names followed in each round."""
_COMPLETE = 0.97
"""Share of the question's weight that one chain must cover for the search to end early."""
_BRIDGED = 10
"""Chains whose joints are kept."""


@dataclass(frozen=True)
class Survey(Task):
    """A task with what the first look learned."""

    query: Query = field(default_factory=lambda: Query((), 0, ()))
    names: Names = field(default_factory=lambda: Names(0, {}))
    about: Mapping[str, Cover] = field(default_factory=dict)
    """Document id -> what a document lends to its passages."""
    bridges: Mapping[str, float] = field(default_factory=dict)
    """Terms that are not in the question but join the evidence for it, with their weights."""
    floor: float = 0.0
    """Passages worth less than this are not noted."""

    @cached_property
    def scanner(self) -> Scanner:
        """Finds question terms (the lower bits) and bridges."""
        return Scanner([*self.query.terms, *self.bridges])

    @cached_property
    def _bridge_weights(self) -> Query:
        return Query(tuple(self.bridges), 0, tuple(self.bridges.values()))

    def worth(self, unit: Unit) -> float:
        """How much a passage is worth noting: its relevance, and the bridges in one of its names."""
        alone, bridges = value(self.query, unit), self.bridges
        if not bridges or not unit.cover.own:
            return alone
        bridged = (sum(bridges.get(term, 0.0) for term in run) for run in unit.runs)
        return alone + max(bridged, default=0.0)

    def bound(self, mask: int, around: int) -> float:
        """At least the worth of any unit in a block with the scanner's `mask`; `around` may be lent."""
        asked = mask & self.query.all
        cover = self.query.complete(Cover(asked, around & self.query.all, 0))
        own = self.query.support(cover) + 0.3 * self.query.worth(asked)
        return own + self._bridge_weights.worth(mask >> len(self.query.terms))


def survey(question: str, sections: Sequence[Section], keep: int) -> Survey:
    """Looks over `sections` once, and once more for each hop. About `keep` passages will pass the floor."""
    search = _Search(Query.parse(question), sections)
    chains = search.start()
    for _ in range(_HOPS):
        if not chains or search.coverage(chains[0]) >= _COMPLETE:
            break
        grown = search.follow(chains)
        if grown == chains:
            break
        chains = grown
    query, names = search.query, Names(search.blocks, search.frequency)
    first = Survey(
        question, query=query, names=names, about=search.about, bridges=_bridges(query, names, chains)
    )
    worths = heapq.nlargest(keep, map(first.worth, search.found.values()))
    chained = [first.worth(unit) for chain in chains[:_BEST] for unit in chain.units]
    floor = min(worths[-1], *chained) if chained else 0.0
    return replace(first, floor=floor)


class _Hit(NamedTuple):
    section: int
    piece: int
    start: int
    end: int
    mask: int
    doc: str


class _Search:
    """What is known while the first look goes on."""

    def __init__(self, query: Query, sections: Sequence[Section]) -> None:
        self.query = query
        self.sections = sections
        self.blocks = 0
        self.frequency: dict[str, int] = {}
        """In how many blocks a name stands, for the names followed so far."""
        self.about: dict[str, Cover] = {}
        self.found: dict[tuple[str, int, int], Unit] = {}
        self.looked: set[tuple[int, int, int]] = set()
        """Section, piece and start of the blocks that were read closely."""

    def start(self) -> list[Chain]:
        """Weighs the question's terms; the passages that cover most of them."""
        topics = Topics(self.query)
        hits = self._scan(self.query.terms, -1, topics)
        self.blocks, self.about = topics.blocks, topics.about()
        self.query = self.query.weigh(self.blocks, topics.frequency())
        self._look(hits, {})
        return best(single(self.query, unit) for unit in self.found.values())

    def coverage(self, chain: Chain) -> float:
        """The share of the question's weight that a chain supports."""
        return self.query.support(chain.cover) / self.query.worth(self.query.all)

    def follow(self, chains: Sequence[Chain]) -> list[Chain]:
        """The chains that come of going wherever the names in `chains` lead."""
        leads: dict[str, None] = {}
        for chain in chains:
            for unit in chain.units:
                leads.update((t, None) for run in unit.runs for t in run if t not in self.frequency)
        if not leads:
            return list(chains)
        terms = (*self.query.terms, *list(leads)[:_LEADS])
        asked = len(self.query.terms)
        hits = self._scan(terms, -1 << asked)
        counts = count(Counter(hit.mask for hit in hits))
        self.frequency |= {terms[i]: counts[i] for i in range(asked, len(terms))}
        leading = {i: weight(self.blocks, counts[i]) for i in range(asked, len(terms))}
        self._look(hits, leading)
        names = Names(self.blocks, self.frequency)
        joining = [unit for unit in self.found.values() if names.joins(unit)]
        joining.sort(key=lambda unit: (-value(self.query, unit), unit.span))
        return grow(self.query, names, chains, joining[:_UNITS])

    def _scan(self, terms: Sequence[str], among: int, topics: Topics | None = None) -> list[_Hit]:
        """Blocks that have any of the terms in the mask `among`."""
        scanner = Scanner(terms)
        hits: list[_Hit] = []
        for s, section in enumerate(self.sections):
            for p, piece in enumerate(section.pieces):
                masks: Counter[int] = Counter()
                for start, end, mask in scanner.blocks(piece.text):
                    masks[mask] += 1
                    if mask & among:
                        hits.append(_Hit(s, p, start, end, mask, piece.span.doc))
                if topics:
                    topics.add(piece, masks)
        return hits

    def _look(self, hits: Sequence[_Hit], leads: Mapping[int, float]) -> None:
        """Reads the units of the most promising blocks. `leads`: bit of a name -> its weight."""
        query = self.query
        around: defaultdict[tuple[int, int], int] = defaultdict(int)
        for hit in hits:
            around[hit.section, hit.piece] |= hit.mask & query.all

        def promise(hit: _Hit) -> float:
            lent = self.about.get(hit.doc, NOTHING)
            near = around[hit.section, hit.piece] | lent.near | lent.topic
            lead = max((leads[i] for i in bits(hit.mask) if i in leads), default=0.0)
            return query.support(Cover(hit.mask & query.all, near, 0)) + lead / 2

        chosen = sorted(heapq.nlargest(_BLOCKS, hits, promise))
        fresh = [hit for hit in chosen if hit[:3] not in self.looked]
        self.looked.update(hit[:3] for hit in fresh)
        for (s, p), group in groupby(fresh, lambda hit: (hit.section, hit.piece)):
            piece = self.sections[s].pieces[p]
            for unit in units(query, piece, [(hit.start, hit.end) for hit in group], self.about):
                if unit.cover.own or (any(unit.cover) and unit.runs):
                    self.found[unit.span] = unit


def _bridges(query: Query, names: Names, chains: Sequence[Chain]) -> dict[str, float]:
    """The terms that join the best chains, worth half of what terms of the question as rare are worth."""
    weights: dict[str, float] = {}
    for chain in chains[:_BRIDGED]:
        for a, b in combinations(chain.units, 2):
            for term in names.strength(a, b)[1]:
                if term in names.frequency:
                    rarity = weight(names.blocks, names.frequency[term])
                    bridge = 0.5 * rarity * chain.score / chains[0].score
                    weights[term] = max(bridge, weights.get(term, 0.0))
    return weights
