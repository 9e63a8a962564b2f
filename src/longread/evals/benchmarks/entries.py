"""What a row of a data file becomes: an item and its documents or messages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from longread.documents.readers.characters import writable
from longread.evals.benchmarks.base import Text
from longread.grading import Gold
from longread.models.base import Message, Role
from longread.types import Corpus, Document, Evidence, Part, document_id

ENDING = 'Format your response as follows: "Therefore, the answer is (insert answer here)".'
"""How the shared protocol has answers worded."""


class Source(NamedTuple):
    """A document to be."""

    name: str
    """Unique in its item."""
    text: str
    kind: str = "text"
    parts: tuple[tuple[int, str], ...] = ()
    """Starts and labels."""
    evidence: tuple[tuple[int, int], ...] = ()
    """Starts and ends."""


class Turn(NamedTuple):
    """A message of a conversation."""

    role: Role
    text: str


class Pack(NamedTuple):
    """What is kept of an item's text."""

    documents: tuple[Source, ...] = ()
    messages: tuple[Turn, ...] = ()

    def text(self) -> Text:
        """As a benchmark hands it out."""
        documents: list[Document] = []
        evidence: list[Evidence] = []
        for source in self.documents:
            id = document_id(source.name, source.text)
            parts = tuple(Part(start, label) for start, label in source.parts)
            documents.append(Document(id, source.name, source.text, source.kind, parts=parts))
            evidence += [Evidence(id, start, end) for start, end in source.evidence]
        messages = tuple(Message.of(turn.role, turn.text) for turn in self.messages)
        return Text(Corpus(tuple(documents)), messages, tuple(evidence))


class Entry(NamedTuple):
    """What a row becomes."""

    id: str
    question: str
    ending: str
    gold: Gold
    groups: Mapping[str, str]
    pack: Pack
    extra: tuple[str, ...] = ()
    """What else its material needs, when that is not of the plain kind."""


def dialogue(
    name: str, turns: Iterable[Turn], *, heading: str = "", marked: frozenset[int] = frozenset()
) -> Source:
    """A conversation as a document whose parts are messages, numbered from 1.

    Args:
        name: What the document is called.
        turns: The messages.
        heading: A line before them.
        marked: Places from 0 of the messages that are evidence.
    """
    blocks = [writable(heading)] if heading else []
    parts: list[tuple[int, str]] = []
    evidence: list[tuple[int, int]] = []
    at = sum(len(block) + 2 for block in blocks)
    for place, turn in enumerate(turns):
        block = f"{turn.role.capitalize()}: {writable(turn.text).strip()}"
        blocks.append(block)
        parts.append((at, f"message {place + 1}"))
        if place in marked:
            evidence.append((at, at + len(block)))
        at += len(block) + 2
    return Source(name, "\n\n".join(blocks) + "\n", "dialogue", tuple(parts), tuple(evidence))
