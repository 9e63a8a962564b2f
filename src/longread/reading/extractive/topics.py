"""What a document lends to its passages: a record on Chad's page need not say Chad."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from longread.reading.extractive.query import Cover, Query
from longread.reading.extractive.scan import bits
from longread.reading.extractive.units import NOTHING, STRUCTURED
from longread.reading.section import Piece

_DENSE = 0.1
"""A document is about a term that stands in this share of its blocks, and in four of them or more."""
_DISTINCT = 3.0
"""Unless the term is a name, it must also be this much denser than in the corpus."""
_TITLE = 120
"""Most characters of a first line that can be a title."""


class Topics:
    """Counts where the question's terms stand, document by document."""

    def __init__(self, query: Query) -> None:
        self._query = query
        self._masks: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._titles: dict[str, int] = {}
        self._structured: set[str] = set()

    @property
    def blocks(self) -> int:
        """Blocks counted."""
        return sum(masks.total() for masks in self._masks.values())

    def add(self, piece: Piece, masks: Counter[int]) -> None:
        """Counts a piece; `masks`: how many of its blocks have which terms."""
        doc = piece.span.doc
        self._masks[doc].update(masks)
        if piece.kind in STRUCTURED:
            self._structured.add(doc)
        if piece.span.start == 0:
            first = piece.text[: 2 * _TITLE].lstrip().partition("\n")[0].strip()
            if len(first) > _TITLE or first.endswith((".", "。")):
                first = ""  # a sentence, which speaks for itself alone
            named = " ".join(piece.source.replace("\\", "/").split("/")[-2:])
            self._titles[doc] = self._query.mask(f"{named} {first}")

    def frequency(self) -> dict[str, int]:
        """In how many blocks each term stands."""
        counts = count(sum((masks for masks in self._masks.values()), Counter()))
        return {term: counts[i] for i, term in enumerate(self._query.terms)}

    def about(self) -> dict[str, Cover]:
        """What each document lends, for those that lend anything.

        In code and data the topic counts like a title: a statement or record is about what its file is about.
        """
        blocks, frequency = self.blocks, list(self.frequency().values())
        lent: dict[str, Cover] = {}
        for doc, masks in self._masks.items():
            length, topic = masks.total(), 0
            for i, n in count(masks).items():
                distinct = self._query.names >> i & 1 or n * blocks >= _DISTINCT * length * frequency[i]
                if n >= max(4, _DENSE * length) and distinct:
                    topic |= 1 << i
            title = self._titles.get(doc, 0)
            cover = Cover(0, title | topic, 0) if doc in self._structured else Cover(0, title, topic)
            if cover != NOTHING:
                lent[doc] = cover
        return lent


def count(masks: Mapping[int, int]) -> Counter[int]:
    """How often each bit is set, from how often each mask occurs."""
    counts: Counter[int] = Counter()
    for mask, n in masks.items():
        for i in bits(mask):
            counts[i] += n
    return counts
