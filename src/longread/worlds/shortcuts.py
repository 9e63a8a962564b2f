"""Solvers that do not read: what a benchmark must not reward.

Each takes a question, the documents and a source of chance, and gives an answer in its final form. They know the
sentences' forms and pick a value of the right kind; what they lack is the reason to pick that one. Tests show that on
Longbook none is better than chance.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from longread.types import Corpus, Document
from longread.worlds.mentions import Mention, answers_in, kind_of, mentions, units, wants_two
from longread.worlds.names import Cast

Shortcut = Callable[[str, Corpus, random.Random], str]
_ABSENT = "not in the documents"
_K1, _B = 1.5, 0.75


def random_candidate(question: str, corpus: Corpus, rng: random.Random) -> str:
    """Any mention of the attribute with the question's entity."""
    found = _about(mentions(question, corpus))
    return _said(question, rng.sample(found, min(len(found), 2)))


def last_sentence(question: str, corpus: Corpus, rng: random.Random) -> str:
    """The last thing in the text that is of the right kind."""
    values: list[str] = []
    for document in reversed(corpus.documents):
        for unit in reversed(list(units(Corpus((document,))))):
            values += reversed(answers_in(unit, question))
            if len(values) > 1:
                return _said(question, values)
    return _said(question, values)


def last_mention(question: str, corpus: Corpus, rng: random.Random) -> str:
    """The last mention of the attribute with the question's entity."""
    return _said(question, _about(mentions(question, corpus))[::-1])


def last_mention_of_any(question: str, corpus: Corpus, rng: random.Random) -> str:
    """The last mention of the attribute, of whatever entity."""
    return _said(question, [each.value for each in mentions(question, corpus)][::-1])


def first_mention(question: str, corpus: Corpus, rng: random.Random) -> str:
    """The first mention of the attribute with the question's entity."""
    return _said(question, _about(mentions(question, corpus)))


def first_mention_of_any(question: str, corpus: Corpus, rng: random.Random) -> str:
    """The first mention of the attribute, of whatever entity."""
    return _said(question, [each.value for each in mentions(question, corpus)])


def most_frequent(question: str, corpus: Corpus, rng: random.Random) -> str:
    """What of the right kind comes up most often in the whole text."""
    return _said(question, _by_count(value for d in corpus for value in answers_in(d.text, question)))


def most_frequent_mention(question: str, corpus: Corpus, rng: random.Random) -> str:
    """Of the mentions with the question's entity, the value that comes up most often in the whole text."""
    counts = Counter(value for d in corpus for value in answers_in(d.text, question))
    found = _about(mentions(question, corpus))
    return _said(question, sorted(found, key=lambda value: -counts[value]))


def rarest_mention(question: str, corpus: Corpus, rng: random.Random) -> str:
    """Of the mentions with the question's entity, the value that comes up least often in the whole text."""
    counts = Counter(value for d in corpus for value in answers_in(d.text, question))
    found = _about(mentions(question, corpus))
    return _said(question, sorted(found, key=lambda value: counts[value]))


def closed_book(question: str, corpus: Corpus, rng: random.Random) -> str:
    """A guess without a look at the text."""
    cast = Cast.draw(rng, 0)
    return {
        "person": cast.people[0],
        "town": cast.towns[0],
        "year": str(rng.randrange(1650, 1850)),
        "number": str(rng.randrange(7, 61)),
        "title": "Silver Lantern",
        "code": "AB-1234",
    }[kind_of(question)]


def always_absent(question: str, corpus: Corpus, rng: random.Random) -> str:
    """Says that the documents do not say."""
    return _ABSENT


def dump(question: str, corpus: Corpus, rng: random.Random) -> str:
    """All mentions with the question's entity at once."""
    return "The answer is " + "; ".join(_about(mentions(question, corpus)))


def bm25(question: str, corpus: Corpus, rng: random.Random) -> str:
    """What the sentence says that shares most with the question."""
    lines = list(units(corpus))
    best = _ranked(question, lines)
    values: list[str] = []
    for at in best[:2] if wants_two(question) else best[:1]:
        line = lines[at]
        said = [each.value for each in mentions(question, Corpus((_page(corpus, line),)))]
        values += (said or answers_in(line, question) or [""])[-1:]
    if values and values[0]:
        return _said(question, values)
    return random_of_kind(question, corpus, rng)


def random_of_kind(question: str, corpus: Corpus, rng: random.Random) -> str:
    """Anything of the right kind."""
    document = rng.choice(corpus.documents)
    values = answers_in(document.text, question)
    return _said(question, [rng.choice(values) for _ in range(2)] if values else [])


SHORTCUTS: dict[str, Shortcut] = {
    "random candidate": random_candidate,
    "random of the kind": random_of_kind,
    "last sentence": last_sentence,
    "last mention": last_mention,
    "last mention of any": last_mention_of_any,
    "first mention": first_mention,
    "first mention of any": first_mention_of_any,
    "most frequent": most_frequent,
    "most frequent mention": most_frequent_mention,
    "rarest mention": rarest_mention,
    "closed book": closed_book,
    "always absent": always_absent,
    "dump": dump,
    "BM25": bm25,
}


def _about(found: Sequence[Mention]) -> list[str]:
    """Values of the question's entity; of any when it is spoken of nowhere."""
    return [each.value for each in found if each.about] or [each.value for each in found]


def _said(question: str, values: Sequence[str]) -> str:
    if not values:
        return _ABSENT
    return f"The answer is {'; '.join(values[: 2 if wants_two(question) else 1])}"


def _by_count(values: Iterable[str]) -> list[str]:
    return [value for value, _ in Counter(values).most_common(2)]


def _page(corpus: Corpus, text: str) -> Document:
    return Document("page", next(iter(corpus)).source, text, next(iter(corpus)).kind)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in re.findall(r"\w+", text)]


def _ranked(question: str, lines: Sequence[str]) -> list[int]:
    """Indexes of the lines by BM25, best first."""
    words = set(_words(question))
    counts = [Counter(_words(line)) for line in lines]
    average = sum(count.total() for count in counts) / max(1, len(counts))
    seen = Counter(word for count in counts for word in sorted(words & count.keys()))
    weight = {w: math.log(1 + (len(lines) - n + 0.5) / (n + 0.5)) for w, n in sorted(seen.items())}
    scores = []
    for count in counts:
        norm = _K1 * (1 - _B + _B * count.total() / average)
        scores.append(
            sum(idf * count[w] * (_K1 + 1) / (count[w] + norm) for w, idf in weight.items() if w in count)
        )
    return sorted(range(len(lines)), key=lambda at: -scores[at])
