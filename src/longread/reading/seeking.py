"""Which parts of a text could hold what is sought: those that have most of its words, the rare ones above all."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from longread.reading.section import Section
from longread.reading.terms import terms

_SHARE = 0.5
"""Of the weight of what is sought that a part must have."""


def holding(sections: Sequence[Section], seeks: Sequence[str], most: int) -> list[int]:
    """Positions of at most so many sections, those that match any of `seeks` best, in reading order."""
    wanted = [set(terms(seek)) for seek in seeks]
    sought = set().union(*wanted)
    present = [
        sought.intersection(term for piece in section.pieces for term in terms(piece.text))
        for section in sections
    ]
    frequency = Counter(term for held in present for term in held)
    weight = {term: math.log(1 + len(present) / count) for term, count in frequency.items()}

    def share(held: set[str], asked: set[str]) -> float:
        whole = sum(weight.get(term, 0.0) for term in asked)
        return sum(weight[term] for term in held & asked) / whole if whole else 0.0

    scores = [max((share(held, asked) for asked in wanted), default=0.0) for held in present]
    best = sorted(range(len(scores)), key=lambda at: (-scores[at], at))[:most]
    return sorted(at for at in best if scores[at] >= _SHARE)
