"""A question as weighted terms, and what part of it a passage supports."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from longread.reading.extractive.scan import Scanner, bits
from longread.reading.terms import CJK, STOP, TOKEN, terms, token_terms

PRIOR = 50
"""Blocks of nothing that are added to every corpus, so that in a short text one mention is not everywhere."""

_KIND = 0.3
"""Weight of the word that names the kind of answer (which *city*): the answer itself often stands for it."""
_NEAR = 0.85
_TOPIC = 0.5
_PART = 0.3
"""Weight of a word that the question has only inside an identifier."""
_RARE = 0.63
"""A name is rare when it tells this share of what a term that stands nowhere would."""
_REQUEST = re.compile(
    r"^\W*(?:please\s+)?(?:answer|reply|respond|write|use|give (?:me )?(?:your|the|a|only)|format|output"
    r"|return|think|be (?:brief|concise)|explain|cite|quote|do not|don't)\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\b(?:which|what|whose|how many|how much|welche[rsn]?|quel(?:le)?s?|qué)\s+(\w+)"
    r"|(?:哪个|哪座|哪家|哪种|什么|どの|何の)([\u4e00-\u9fff]{2})",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“”«»`「『]([^\"“”«»`」』]+)[\"“”«»`」』]")


def idf(blocks: int, frequency: int) -> float:
    """How much a term that stands in `frequency` of `blocks` blocks tells, nats."""
    return math.log((blocks + PRIOR) / (frequency + 0.5))


def weight(blocks: int, frequency: int) -> float:
    """What a term counts for. The square root keeps the verb of a relation from vanishing beside a name."""
    return math.sqrt(idf(blocks, frequency))


class Cover(NamedTuple):
    """The question terms that a passage has, and those that its place lends it, as bit masks."""

    own: int
    near: int
    """In what encloses it: headings, definitions, keys; the document's name and first line."""
    topic: int
    """Common in its document."""

    def join(self, other: Cover) -> Cover:
        """What two passages have together."""
        return Cover(self.own | other.own, self.near | other.near, self.topic | other.topic)


@dataclass(frozen=True)
class Query:
    """The terms of a question. A set of terms is a bit mask: bit i stands for `terms[i]`."""

    terms: tuple[str, ...]
    names: int
    """Terms that look like names: an answer about other names is no answer."""
    weights: tuple[float, ...]
    asked: int = 0
    """Terms that name the kind of answer."""
    dotted: tuple[tuple[int, int, int], ...] = ()
    """For each `module.name`: its own mask, that of its parts, and that of the last part."""
    _worth: dict[int, float] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, question: str) -> Query:
        """The terms of `question`, all names and kinds marked; `weigh` completes it."""
        sentences = re.split(r"(?<=[.!?。！？])\s+|\n+", question)
        text = " ".join(s for s in sentences if not _REQUEST.match(s)).strip() or question
        found = tuple(dict.fromkeys(terms(text)))
        bits = {term: 1 << i for i, term in enumerate(found)}
        kinds = {t for match in _ASKS.finditer(text) for t in terms(match.group(1) or match.group(2))}
        named = _names(text)
        names = sum(bit for term, bit in bits.items() if term in named)
        tokens = [(token.lower(), token_terms(token)) for token in TOKEN.findall(text)]
        words = {term for token, own in tokens for term in own if len(own) == 1 or CJK.search(token)}
        words |= {name for token, _ in tokens for name in (token, *token.split("."))}

        def weight_of(term: str) -> float:
            kind = _KIND if term in kinds and term not in named else 1.0
            return kind * (1.0 if term in words else _PART)

        asked = sum(bit for term, bit in bits.items() if term in kinds)
        return cls(found, names, tuple(map(weight_of, found)), asked, tuple(_dotted(text, bits)))

    def required(self, blocks: int) -> int:
        """The names too rare to be part of the scenery."""
        least = _RARE * weight(blocks, 0)
        return sum(1 << i for i, w in enumerate(self.weights) if self.names >> i & 1 and w >= least)

    def weigh(self, blocks: int, frequency: Mapping[str, int]) -> Query:
        """The same query with each term weighted by how rare it is."""
        seams = _seams(self.terms, frequency)
        pairs = zip(self.terms, self.weights, strict=True)
        weights = (w * weight(blocks, frequency.get(t, 0)) if t not in seams else 0.0 for t, w in pairs)
        return Query(self.terms, self.names, tuple(weights), self.asked, self.dotted)

    @property
    def all(self) -> int:
        """The mask of all terms."""
        return (1 << len(self.terms)) - 1

    def mask(self, text: str) -> int:
        """The terms that `text` has."""
        return _scanner(self.terms).mask(text, 0, len(text)) if text else 0

    def worth(self, mask: int) -> float:
        """Weight of the terms in `mask`."""
        known = self._worth.get(mask)
        if known is None:
            known = self._worth[mask] = sum(self.weights[i] for i in bits(mask & self.all))
        return known

    def support(self, cover: Cover, among: int = -1) -> float:
        """Weight of the terms in `among` that a passage has; those that its place lends it count for less."""
        near = cover.near & ~cover.own
        topic = cover.topic & ~cover.near & ~cover.own
        return (
            self.worth(cover.own & among)
            + _NEAR * self.worth(near & among)
            + _TOPIC * self.worth(topic & among)
        )

    def complete(self, cover: Cover) -> Cover:
        """The same with `module.name` in it where `name` stands in a place that lends it `module`."""
        own, near, topic = cover
        for whole, parts, last in self.dotted:
            if not parts & ~(own | near | topic):
                own |= whole if own & last else 0
                near |= whole if near & last else 0
        return Cover(own, near, topic)


def _seams(found: Sequence[str], frequency: Mapping[str, int]) -> set[str]:
    """Bigrams across two words: they stand nowhere, while the bigrams that they overlap with do."""
    return {
        term
        for before, term, after in zip(found, found[1:], found[2:], strict=False)
        if CJK.match(term)
        and before[-1] == term[0]
        and term[-1] == after[0]
        and frequency.get(before)
        and frequency.get(after)
        and not frequency.get(term)
    }


def _dotted(text: str, bits: Mapping[str, int]) -> Iterator[tuple[int, int, int]]:
    for token in TOKEN.findall(text):
        parts = [bits.get(term, 0) for term in token.lower().split(".")]
        if len(parts) > 1 and all(parts) and (whole := bits.get(token.lower())):
            yield whole, sum(set(parts)), parts[-1]


def _names(text: str) -> set[str]:
    """Terms that are capitalised, quoted, or have digits, dots or underscores inside."""
    first: set[str] = set()
    found = {term for quoted in _QUOTED.findall(text) for term in terms(quoted)}
    begins = True
    for match in TOKEN.finditer(text):
        token = match.group()
        if CJK.search(token) or token.lower() in STOP:
            begins = False
            continue
        inner = any(c.isupper() or c in "._" or c.isdigit() for c in token[1:])
        if inner or (token[0].isupper() and not begins) or token[0].isdigit():
            found.update(token_terms(token))
        elif token[0].isupper():
            first.update(token_terms(token))
        begins = False
    return found or first


@lru_cache(maxsize=8)
def _scanner(asked: tuple[str, ...]) -> Scanner:
    """Remembers which words are terms, from passage to passage."""
    return Scanner(asked)
