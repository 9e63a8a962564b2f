"""Pages of conversations: text in which speakers take turns, each turn with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from longread.reading.terms import TOKEN
from longread.synth.base import Page, Turn
from longread.types import Document

KIND = "dialogue"
_KINDS = ("text", KIND)
"""Of documents, that may be conversations."""
_LABEL = re.compile(r"^(?:\[[^\]\n]{4,40}\] ?)?(?P<speaker>[^\W\d_][\w .'’-]{0,30}): ?", re.MULTILINE)
"""`Anna: `, with the time before it in brackets or not."""
_TURNS = 8
"""Turns of a conversation, at least."""
_REGULAR = 0.05
"""Share of the labels that a speaker's must be; the rest are words before a colon."""


class _Label(NamedTuple):
    speaker: str
    start: int
    end: int


def pages(documents: Iterable[Document]) -> Iterator[Page]:
    """A page for each document that is a conversation as a whole."""
    for document in documents:
        if turns := turns_of(document):
            yield Page(document.id, document.source, {}, {}, {}, {}, KIND, turns)


def turns_of(document: Document) -> tuple[Turn, ...]:
    """The turns of a conversation; none when the document is something else."""
    text = document.text
    if document.kind not in _KINDS:
        return ()
    labels = [_Label(found["speaker"], found.start(), found.end()) for found in _LABEL.finditer(text)]
    counts = Counter(label.speaker for label in labels)
    speakers = {name for name, n in counts.items() if n > 2 and n >= _REGULAR * len(labels)}
    labels = [label for label in labels if label.speaker in speakers]
    if len(labels) < _TURNS or len(speakers) < 2 or text[: labels[0].start].strip():
        return ()
    ends = [label.start for label in labels[1:]] + [len(text)]
    return tuple(_turn(text, label, end) for label, end in zip(labels, ends, strict=True))


def _turn(text: str, label: _Label, end: int) -> Turn:
    said = text[label.end : end]
    start = label.end + len(said) - len(said.lstrip())
    said = said.strip()
    words = frozenset(token.lower() for token in TOKEN.findall(said))
    return Turn(label.speaker, said, start, start + len(said), words)
