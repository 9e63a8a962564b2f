"""Joins passages into chains of evidence: passages that share a rare name and together cover the question.

*In which city was the founder of Acme born?* is covered by two sentences, one on Acme and one on its founder.
What joins them is the founder's name, which the question does not know. A sentence on another founder's birth
covers as many of its words, but nothing joins it to Acme.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rapidfuzz import fuzz

from longread.reading.extractive.query import Cover, Query, idf
from longread.reading.extractive.units import Run, Unit, value
from longread.reading.terms import CJK
from longread.types import Span

_WIDTH = 40
"""Chains kept at each step."""
_STEP = 0.08
"""What a passage costs, as a share of the question's weight: the shortest chain that covers it is best."""
_GAIN = 0.08
"""Least share of the question's weight that a passage must add to a chain."""
_TELLING = 0.75
"""A link is perfect when it tells this share of what a term that stands once would."""
_USE = 0.85
"""A name that neither passage defines joins them a little less."""
_BIGRAM = 6
"""Blocks in which a bigram may stand and still join."""
_LONGEST = 4
_SAME = 92.0
"""Percent of likeness from which two passages say the same."""


class Chain(NamedTuple):
    """Passages in the order they were joined."""

    units: tuple[Unit, ...]
    cover: Cover
    doubt: float
    """What its links take from its score: the weaker a link, the less what it brings in is trusted."""
    score: float


@dataclass(frozen=True)
class Names:
    """How telling it is that two passages share a name."""

    blocks: int
    frequency: Mapping[str, int]
    """In how many blocks a term stands; terms that were not counted link nothing."""

    def joins(self, unit: Unit) -> bool:
        """Whether a passage has any name that could join it to another."""
        counted = (self.frequency.get(term) for run in unit.runs for term in run)
        return any(n is not None and 1 < n <= self._common for n in counted)

    @property
    def _common(self) -> int:
        return 8 + self.blocks // 100

    def strength(self, a: Unit, b: Unit) -> tuple[float, frozenset[str]]:
        """From 0 to 1, and the shared terms."""
        best, shared = 0.0, frozenset[str]()
        terms = frozenset[str]().union(*b.runs)
        defines = {a.defined.lower(), b.defined.lower()}
        for run in a.runs:
            if terms.isdisjoint(run):
                continue
            for other in b.runs:
                strength = self._share(run, other) * (1.0 if defines & run & other else _USE)
                if strength > best:
                    best, shared = strength, run & other
        return best, shared

    def _share(self, a: Run, b: Run) -> float:
        both = [term for term in a & b if term in self.frequency]
        if not both:
            return 0.0
        rare = sum(idf(self.blocks, self.frequency[term]) for term in both)
        if not (a <= b or b <= a or len(both) > 1):
            return 0.0  # Jane Roe is not Jane Doe
        # Runs of ideographs hold more than the name, so that what they share must be rare by itself.
        common = _BIGRAM if any(CJK.match(term) for term in both) else self._common
        if rare < idf(self.blocks, common):
            return 0.0
        return min(1.0, rare / (_TELLING * idf(self.blocks, 1)))


def single(query: Query, unit: Unit) -> Chain:
    """A chain of one."""
    return Chain((unit,), unit.cover, 0.0, value(query, unit))


def grow(query: Query, names: Names, chains: Sequence[Chain], units: Sequence[Unit]) -> list[Chain]:
    """The best of `chains` and of what they become by one more of `units`."""
    total = query.worth(query.all) or 1.0
    grown: dict[frozenset[Span], Chain] = {_key(chain.units): chain for chain in chains}
    covers = {unit.cover for unit in units}  # many passages have the same terms
    for chain in chains:
        if len(chain.units) >= _LONGEST:
            continue
        # What the place of one passage lends it need not be stated by another.
        held = Cover(chain.cover.own | chain.cover.near, 0, chain.cover.topic)
        before = query.support(held)
        gains = {cover: query.support(held.join(cover).join(chain.cover)) - before for cover in covers}
        for unit in units:
            if (gain := gains[unit.cover]) < _GAIN * total:
                continue
            strength = max(names.strength(member, unit)[0] for member in chain.units)
            if strength == 0.0 or any(alike(member, unit) for member in chain.units):
                continue
            joined = (*chain.units, unit)
            key = _key(joined)
            if key not in grown:
                cover = chain.cover.join(unit.cover)
                doubt = chain.doubt + gain * (1 - strength)
                score = _score(query, joined, cover) - doubt - _STEP * total * (len(joined) - 1)
                grown[key] = Chain(joined, cover, doubt, score)
    return best(grown.values())


def best(chains: Iterable[Chain]) -> list[Chain]:
    """The chains worth following, best first."""
    return sorted(chains, key=lambda c: (-c.score, len(c.units), c.units[0].span))[:_WIDTH]


def alike(a: Unit, b: Unit) -> bool:
    """Whether two passages say the same or overlap."""
    overlap = a.span.overlaps(b.span)
    return overlap or (a.runs == b.runs and fuzz.ratio(a.text, b.text, score_cutoff=_SAME) > 0)


def _score(query: Query, units: Sequence[Unit], cover: Cover) -> float:
    """What passages cover together, less what their length costs them on average."""
    alone = sum(query.support(u.cover) for u in units)
    density = sum(value(query, u) for u in units) / alone if alone else 1.0
    return query.support(cover) * density


def _key(units: Sequence[Unit]) -> frozenset[Span]:
    return frozenset(unit.span for unit in units)
