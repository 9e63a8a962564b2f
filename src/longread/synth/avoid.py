"""Text that must not be trained on: what stands in the files of a benchmark."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from longread.reading.terms import TOKEN
from longread.synth.facts import facts
from longread.types import Document

GRAM = 13
"""Words in a row that two texts share only if one comes of the other (GPT-3, arXiv 2005.14165, appendix C)."""


@dataclass(frozen=True)
class Avoided:
    """What is to be avoided."""

    grams: frozenset[str] = frozenset()
    """Runs of 13 lower-case words."""
    texts: frozenset[str] = frozenset()
    """Lines, and values of JSON, in lower-case words: questions are often shorter than 13."""

    @classmethod
    def of(cls, documents: Iterable[Document]) -> Avoided:
        """All that stands in some documents."""
        grams: set[str] = set()
        texts: set[str] = set()
        for document in documents:
            for text in _texts(document):
                grams.update(_grams(text))
                texts.add(_plain(text))
            texts.update(map(_plain, document.text.splitlines()))
        return cls(frozenset(grams), frozenset(texts - {""}))

    @cached_property
    def digest(self) -> str:
        """Of all of it."""
        return hashlib.sha256("\n".join([*sorted(self.grams), "", *sorted(self.texts)]).encode()).hexdigest()

    def asks(self, question: str) -> bool:
        """Whether 13 words in a row of a question, or all of it, stand in what is to be avoided."""
        return _plain(question) in self.texts or not self.grams.isdisjoint(_grams(question))

    def holds(self, document: Document) -> bool:
        """Whether 13 words in a row of a document do."""
        return any(not self.grams.isdisjoint(_grams(text)) for text in _texts(document))


NOTHING = Avoided()


def _texts(document: Document) -> Iterator[str]:
    """The values of JSON, as its keys are the same in all pages of a kind; any other document as a whole."""
    values = [fact.value for fact in facts(document)]
    yield from values or [document.text]


def _plain(text: str) -> str:
    return " ".join(TOKEN.findall(text.lower()))


def _grams(text: str) -> Iterator[str]:
    words = TOKEN.findall(text.lower())
    return (" ".join(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1))
