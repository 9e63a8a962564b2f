"""Proposes plans from what a corpus states. A proposal may be wrong or useless: verification decides."""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

from longread.reading.terms import STOP
from longread.synth import plans
from longread.synth.base import Base, Page
from longread.synth.facts.keyed import JOINT
from longread.synth.facts.vocabulary import BASE, TEXTS
from longread.synth.links import Link
from longread.synth.types import VIEWPOINT
from longread.synth.values import plain, written
from longread.synth.verify import SPREAD

_COMMON = 12
"""Pages that must have a relation before questions compare by it."""
_DATED = 8
"""And a date, as only two dates are asked about at a time."""
_TELLING = 4
"""Characters of a name in code that can be an answer."""
_SHORT = 40
"""Characters of a text that can be an answer."""
_DISTINCT = 0.9
"""Share of a relation's texts that must differ, so that none is likely."""
_SENTENCE = 200
"""Characters of a text that can be a reason."""
_CAUSE = re.compile(r"\b(?:root )?(?:causes?|reasons?)\b|\b(?:due to|caused by)\b", re.IGNORECASE)
"""In the innermost key of a relation that says why."""
_SHOTS = 6, 12
"""Examples of a hidden rule, and of them"""
_EACH = 2
"""at least of each label, what is asked about counted in."""
_OPENING = 100
"""Characters by which a conversation is told apart."""
_WORD = re.compile("[a-z]{3,40}")
_PICKS: tuple[plans.Pick, ...] = get_args(plans.Pick)
_OPERATIONS: tuple[plans.Operation, ...] = get_args(plans.Operation)
_AGGREGATIONS: tuple[plans.Aggregation, ...] = get_args(plans.Aggregation)
_FACTORS = ("0.1", "0.2", "0.5", "2", "3", "5", "10")


class Way(NamedTuple):
    """From a page to the one that a list of it names."""

    relation: str
    pick: plans.Pick | Literal["only"]
    name: str


@dataclass(frozen=True)
class Topics:
    """What can be asked of a base: its relations by what they are good for."""

    base: Base

    @property
    def any(self) -> bool:
        """Whether there is anything to ask."""
        return bool(self.quantities) or any(page.turns or page.kind == VIEWPOINT for page in self.base.pages)

    @cached_property
    def quantities(self) -> dict[str, list[Page]]:
        """Relations with one usual unit, and the pages that state them in it."""
        by_unit: defaultdict[str, defaultdict[str, list[Page]]] = defaultdict(lambda: defaultdict(list))
        for page in self.base.pages:
            for relation, stated in page.quantities.items():
                by_unit[relation][stated.unit].append(page)
        best = {relation: max(units.values(), key=len) for relation, units in by_unit.items()}
        return {relation: pages for relation, pages in sorted(best.items()) if len(pages) >= _COMMON}

    @cached_property
    def texts(self) -> dict[str, list[Page]]:
        """Relations whose values are short, without figures, and mostly different."""
        found: defaultdict[str, list[Page]] = defaultdict(list)
        for page in self.base.pages:
            for relation, fact in page.facts.items():
                value = plain(fact.value)
                if (
                    value != page.name
                    and 1 < len(value) <= _SHORT
                    and value[0].isalpha()
                    and not any(map(str.isdigit, value))
                ):
                    found[relation].append(page)
        return {
            relation: pages
            for relation, pages in sorted(found.items())
            if len(pages) >= _COMMON and _variety(relation, pages) >= _DISTINCT
        }

    @cached_property
    def causes(self) -> dict[str, list[Page]]:
        """Relations that say why, and the pages that state them in a text of their own."""
        found: defaultdict[str, list[Page]] = defaultdict(list)
        for page in self.base.pages:
            for relation, fact in page.facts.items():
                if _CAUSE.search(relation.rpartition(JOINT)[2]) and 1 < len(plain(fact.value)) <= _SENTENCE:
                    found[relation].append(page)
        return {
            relation: pages
            for relation, pages in sorted(found.items())
            if len(pages) >= _COMMON and _variety(relation, pages) >= _DISTINCT
        }

    @cached_property
    def dates(self) -> dict[str, list[Page]]:
        """Relations that are dates."""
        found: defaultdict[str, list[Page]] = defaultdict(list)
        for page in self.base.pages:
            for relation in page.dates:
                found[relation].append(page)
        return {relation: pages for relation, pages in sorted(found.items()) if len(pages) >= _DATED}

    @cached_property
    def ways(self) -> dict[str, list[Way]]:
        """Where the lists of each page lead, for pages whose lists lead to another page."""
        found: dict[str, list[Way]] = {}
        for page in self.base.pages:
            if ways := [way for way in _ways(page.links) if way.name in self.base.by_name]:
                found[page.name] = ways
        return found


Proposer = Callable[[random.Random, Topics], plans.Plan | None]


def multi_fact(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """From a described entity over two or three lists to another page, and what that page says."""
    reached, pages = _walk(rng, topics, rng.choice((2, 3)))
    if not pages:
        return None
    page = pages[-1]
    texts = [plans.Lookup(reached, r, "text") for r, stating in topics.texts.items() if page in stating]
    numbers = [plans.Lookup(reached, r, "quantity") for r in topics.quantities if r in page.quantities]
    asked = [some for some in (texts, numbers) if some]
    return rng.choice(rng.choice(asked)) if asked else None


def comparison(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Which of three to five has the most or least."""
    relation, pages = rng.choice(list(topics.quantities.items()))
    over = tuple(plans.Entity(page.name) for page in rng.sample(pages, rng.randint(3, 5)))
    return plans.Extreme(over, relation, rng.choice(_PICKS))


def numerical(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """A difference, sum or ratio of what two pages say, which are named or described."""
    relation, pages = rng.choice(list(topics.quantities.items()))
    left, right = rng.sample(pages, 2)
    sides = [plans.Lookup(_described(rng, topics, page), relation, "quantity") for page in (left, right)]
    return plans.Combine(sides[0], sides[1], rng.choice(_OPERATIONS))


def aggregation(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """A count, sum or mean over all pages of the context."""
    relation, pages = rng.choice(list(topics.quantities.items()))
    how = rng.choice(_AGGREGATIONS)
    above = written(rng.choice(pages).quantities[relation].number) if how == "count" else ""
    return plans.Aggregate(relation, how, above)


def temporal(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Years between two dates."""
    if not topics.dates:
        return None
    relation, pages = rng.choice(list(topics.dates.items()))
    left, right = rng.sample(pages, 2)
    sides = [plans.Lookup(_described(rng, topics, page), relation, "date") for page in (left, right)]
    return plans.Elapsed(sides[0], sides[1])


def ordering(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Three to five entities in order of a figure or a date."""
    by_date = bool(topics.dates) and rng.random() < 0.3
    relation, pages = rng.choice(list((topics.dates if by_date else topics.quantities).items()))
    over = tuple(plans.Entity(page.name) for page in rng.sample(pages, rng.randint(3, 5)))
    return plans.Order(over, relation, "date" if by_date else "quantity")


def hypothetical(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """A comparison or a calculation after one figure has changed; a comparison that comes out differently."""
    relation, pages = rng.choice(list(topics.quantities.items()))
    if rng.random() < 0.5:
        asked = comparison(rng, topics)
        assert isinstance(asked, plans.Extreme)
        changed = rng.choice([one for one in asked.over if isinstance(one, plans.Entity)])
        return plans.Intervene(changed.name, asked.relation, rng.choice(_FACTORS), asked)
    left, right = rng.sample(pages, 2)
    sides = [plans.Lookup(plans.Entity(page.name), relation, "quantity") for page in (left, right)]
    then = plans.Combine(sides[0], sides[1], rng.choice(_OPERATIONS))
    return plans.Intervene(left.name, relation, rng.choice(_FACTORS), then)


def causal(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Why something is so, of the most or least of several, or of what a list of another page leads to."""
    if not topics.causes:
        return None
    relation, pages = rng.choice(list(topics.causes.items()))
    page = rng.choice(pages)
    leading = [(name, way) for name, ways in topics.ways.items() for way in ways if way.name == page.name]
    ranked = [r for r in topics.quantities if r in page.quantities]
    if leading and (not ranked or rng.random() < 0.5):
        name, way = rng.choice(leading)
        first = _described(rng, topics, topics.base.by_name[name])
        return plans.Lookup(plans.Follow(first, way.relation, way.pick), relation, "text")
    if not ranked:
        return None
    by, pick = rng.choice(ranked), rng.choice(_PICKS)
    among = [other for other in pages if by in other.quantities and other is not page]
    over = [page, *rng.sample(among, min(len(among), rng.randint(2, 3)))]
    rng.shuffle(over)
    most = plans.Extreme(tuple(plans.Entity(one.name) for one in over), by, pick)
    return plans.Lookup(most, relation, "text")


def in_context(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Which of two made-up labels an entity has, by a rule on one figure that examples show."""
    relation, pages = rng.choice(list(topics.quantities.items()))
    drawn = rng.sample(pages, min(len(pages), rng.randint(*_SHOTS) + 1))
    drawn.sort(key=lambda page: page.quantities[relation].number)
    cut = rng.randint(_EACH, len(drawn) - _EACH)
    above = drawn[cut - 1].quantities[relation].number
    labels = _made_up(rng), _made_up(rng)
    labelled = [(page.name, labels[number >= cut]) for number, page in enumerate(drawn)]
    answer = rng.choice(labels)  # so that the commoner label of the examples is no better guess
    name = rng.choice([name for name, label in labelled if label == answer])
    labelled = [one for one in rng.sample(labelled, len(labelled)) if one[0] != name]
    if labels[0] == labels[1]:
        return None
    return plans.Induce(name, relation, written(above), labels, tuple(labelled))


def dialogue(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """What is replied to one of several messages that have the same words in them."""
    if not topics.base.pages:
        return None
    page = rng.choice(topics.base.pages)
    speaker = rng.choice(sorted({turn.speaker for turn in page.turns}))
    turns = [turn for turn in page.turns if turn.speaker == speaker]
    drawn = sorted(word for word in rng.choice(turns).words - STOP if _WORD.fullmatch(word))
    words = tuple(sorted(rng.sample(drawn, min(len(drawn), rng.randint(1, 2)))))
    replies = [
        after.line
        for turn, after in pairwise(page.turns)
        if turn.speaker == speaker and turn.words.issuperset(words)
    ]
    if not words or not 2 < len(replies) <= plans.MOST_COUNTED:
        return None
    number = rng.randint(1, len(replies))
    place = _telling_place(page, topics.base.pages)
    if len(replies[number - 1]) > _SENTENCE or not place:
        return None
    return plans.Reply(page.turns[place - 1].line[:_OPENING], speaker, words, number, place)


def _telling_place(page: Page, pages: Sequence[Page]) -> int | None:
    """The first message with which no other conversation begins there; None when they all begin alike."""
    for place, turn in enumerate(page.turns[: plans.LAST_TELLING], 1):
        opening = turn.line[:_OPENING]
        alike = (other.turns[place - 1 : place] for other in pages if other is not page)
        if opening and not any(same.said.startswith(opening) for turns in alike for same in turns):
            return place
    return None


def viewpoint(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """What somebody holds, where a model found it."""
    page = rng.choice(topics.base.pages)
    (source,) = page.facts
    return plans.Holds(source, page.name)


def choice(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """What a page says that is reached over one or two lists; asked with four options."""
    reached, pages = _walk(rng, topics, rng.choice((1, 2)))
    says = [r for r, stating in topics.texts.items() if pages and pages[-1] in stating]
    return plans.Lookup(reached, rng.choice(says), "text") if says else None


def code(rng: random.Random, topics: Topics) -> plans.Plan | None:
    """Over imports, classes and bases from file to file, and what stands or is counted there."""
    reached, pages = _walk(rng, topics, rng.choice((2, 3, 3, 4)), describe=False)
    way = Counter(part.relation for part in plans.walk(reached) if isinstance(part, plans.Follow))
    if not pages or any(times > 1 for relation, times in way.items() if relation != BASE):
        return None
    first, page = pages[0], pages[-1]
    asked: list[list[plans.Lookup | plans.One]] = []
    if _spread(pages):
        said = sorted(page.facts.keys() & TEXTS - page.quantities.keys())
        said = [relation for relation in said if _telling(plain(page.facts[relation].value), first)]
        texts = [plans.Lookup(reached, relation, "text") for relation in said]
        numbers = [plans.Lookup(reached, r, "quantity") for r in topics.quantities if r in page.quantities]
        asked = [[*texts], [*texts], [*numbers]]
    if _spread(pages[:-1]) and _telling(page.name, first):
        asked.append([reached])
    asked = [some for some in asked if some]
    return rng.choice(rng.choice(asked)) if asked else None


def _spread(pages: Sequence[Page]) -> bool:
    return len({page.doc for page in pages}) >= SPREAD


def _telling(value: str, first: Page) -> bool:
    """Whether an answer is long enough to be found in no other word, and not in the question."""
    return len(value) >= _TELLING and value not in first.name


def _walk(
    rng: random.Random, topics: Topics, hops: int, describe: bool = True
) -> tuple[plans.One, list[Page]]:
    """A chain of lists, each of which leads to a page not seen before, and its pages; none where it ends early."""
    if not topics.ways:
        return plans.Entity(""), []
    name = rng.choice(list(topics.ways))
    pages = [topics.base.by_name[name]]
    reached = _described(rng, topics, pages[0]) if describe else plans.Entity(name)
    seen = {name}
    for left in range(hops - 1, -1, -1):
        ways = [way for way in topics.ways.get(name, ()) if way.name not in seen]
        ways = [way for way in ways if way.name in topics.ways] if left else ways
        if not ways:
            return reached, []
        relation, pick, name = rng.choice(ways)
        reached = plans.Follow(reached, relation, pick)
        seen.add(name)
        pages.append(topics.base.by_name[name])
    return reached, pages


def _ways(listed: Mapping[str, Sequence[Link]]) -> Iterator[Way]:
    for relation, links in sorted(listed.items()):
        items = sorted(links, key=lambda link: link.number)
        if len(items) == 1:
            yield Way(relation, "only", items[0].name)
        else:
            yield Way(relation, "least", items[0].name)
            yield Way(relation, "most", items[-1].name)


def _made_up(rng: random.Random) -> str:
    """A label that means nothing."""
    return "".join(rng.choice("bdfgklmnprstvz") + rng.choice("aeiou") for _ in range(3))


def _described(rng: random.Random, topics: Topics, page: Page) -> plans.One:
    """An entity by its name, or by something only it has."""
    known = [r for r, pages in topics.texts.items() if page in pages]
    if known and rng.random() < 0.6:
        relation = rng.choice(known)
        return plans.Find(relation, plain(page.facts[relation].value))
    return plans.Entity(page.name)


def _variety(relation: str, pages: Sequence[Page]) -> float:
    counts = Counter(plain(page.facts[relation].value) for page in pages)
    return sum(n for n in counts.values() if n == 1) / len(pages)


PROPOSERS: Mapping[str, Proposer] = {
    "multi_fact": multi_fact,
    "comparison": comparison,
    "numerical": numerical,
    "aggregation": aggregation,
    "temporal": temporal,
    "ordering": ordering,
    "hypothetical": hypothetical,
    "causal": causal,
    "in_context": in_context,
    "multiple_choice": choice,
    "code": code,
    "dialogue": dialogue,
    VIEWPOINT: viewpoint,
}
"""By type of question."""
