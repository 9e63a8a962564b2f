"""Pages of conversations: text in which speakers take turns, each turn with its place."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from longread.reading.terms import TOKEN
from longread.synth.base import Page, Turn
from longread.types import Document

KIND = "dialogue"
_KINDS = ("text", KIND)
"""Of documents, that may be conversations."""
_LABEL = re.compile(r"^(?P<time>\[[^\]\n]{4,40}\] ?)?(?P<speaker>[^\W\d_][\w .'’-]{0,30}): ?", re.MULTILINE)
"""`Anna: `, with the time before it in brackets or not."""
_TURNS = 8
"""Turns of a conversation, at least."""
_REGULAR = 0.05
"""Share of the labels that a speaker's must be; the rest are words before a colon."""
_ROLES = frozenset("system developer user human assistant gpt model bot tool function".split())
"""Speakers of a chat with a model."""
_LEVELS = frozenset("trace debug info notice warn warning error critical fatal".split())
"""Labels of a program's log."""
_ORDERED = 0.9
"""Share of labels that come after the one they usually come after, from which they are fields of records."""
_BRIEF = 3
"""Words that may be the value of a field."""
_PART = re.compile(r"conversation (\d+), message ")
"""Labels of the messages in a file of many conversations."""


class _Label(NamedTuple):
    speaker: str
    timed: bool
    start: int
    end: int


def pages(documents: Iterable[Document]) -> Iterator[Page]:
    """A page for each conversation that a document holds, or is as a whole."""
    for document in documents:
        for name, start, end in _conversations(document):
            if turns := turns_of(document, start, end):
                yield Page(document.id, name, {}, {}, {}, {}, KIND, turns)


def _conversations(document: Document) -> Iterator[tuple[str, int, int]]:
    """Each with a name and its place: those that a file of conversations names, or all of the text."""
    numbers = [(part.start, m[1] if (m := _PART.match(part.label)) else "") for part in document.parts]
    if not any(number for _, number in numbers):
        yield document.source, 0, len(document.text)
        return
    begun = [here for before, here in pairwise([(0, ""), *numbers]) if here[1] != before[1]]
    for (start, number), (end, _) in pairwise([*begun, (len(document.text), "")]):
        if number:
            yield f"{document.source}, conversation {number}", start, end


def turns_of(document: Document, start: int = 0, end: int | None = None) -> tuple[Turn, ...]:
    """The turns of a conversation between two places; none when something else stands there."""
    text = document.text[:end]
    if document.kind not in _KINDS:
        return ()
    found = [_Label(m["speaker"], bool(m["time"]), m.start(), m.end()) for m in _LABEL.finditer(text, start)]
    labels = _speaking(found)
    speakers = {label.speaker for label in labels}
    if len(labels) < _TURNS or len(speakers) < 2 or text[start : labels[0].start].strip():
        return ()
    if {name.lower() for name in speakers} & _LEVELS:
        return ()
    ends = [label.start for label in labels[1:]] + [len(text)]
    turns = tuple(_turn(text, label, end) for label, end in zip(labels, ends, strict=True))
    return () if _are_entries(turns, labels) else turns


def _are_entries(turns: Sequence[Turn], labels: Sequence[_Label]) -> bool:
    """Whether they are records of two fields, as `Name: ` and `Age: `, one of which never holds a sentence."""
    said: defaultdict[str, list[str]] = defaultdict(list)
    for turn in turns:
        said[turn.speaker].append(turn.said)
    if len(said) != 2 or labels[0].timed or {name.lower() for name in said} <= _ROLES:
        return False
    brief = (
        sum(len(one.split()) <= _BRIEF and one[-1:] not in ".?!" for one in own) for own in said.values()
    )
    return any(n >= _ORDERED * len(own) for n, own in zip(brief, said.values(), strict=True))


def _speaking(labels: Sequence[_Label]) -> Sequence[_Label]:
    """Those of speakers: all that have a time, the roles of a chat with a model, or else names that come again."""
    timed = [label for label in labels if label.timed]
    if len(timed) >= _TURNS:
        return timed
    counts = Counter(label.speaker for label in labels)
    speakers = {name for name in counts if name.lower() in _ROLES}
    if len(speakers) > 1:
        return [label for label in labels if label.speaker in speakers]
    speakers = {name for name, n in counts.items() if n > 2 and n >= _REGULAR * len(labels)}
    labels = [label for label in labels if label.speaker in speakers]
    return () if _are_fields([label.speaker for label in labels]) else labels


def _are_fields(names: Sequence[str]) -> bool:
    """Whether three or more follow each other in one order, as `Name: `, `Age: ` and `City: ` do."""
    usual: dict[str, int] = {}
    for (before, _), n in Counter(pairwise(names)).items():
        usual[before] = max(n, usual.get(before, 0))
    return len(usual) > 2 and sum(usual.values()) >= _ORDERED * (len(names) - 1)


def _turn(text: str, label: _Label, end: int) -> Turn:
    said = text[label.end : end]
    start = label.end + len(said) - len(said.lstrip())
    said = said.strip()
    words = frozenset(token.lower() for token in TOKEN.findall(said))
    return Turn(label.speaker, said, start, start + len(said), words)
