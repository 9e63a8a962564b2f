"""A user's own texts as what questions are hidden in."""

from __future__ import annotations

import hashlib
import os
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from longread.documents.load import load
from longread.errors import UsageError
from longread.worlds.prose import Background

_LEAST = 4 * 1024
"""Bytes of text below which a folder is refused: at the shortest length it would come round several times."""
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE_END = re.compile(r"""(?<=[.!?])["”’']?(\s+)(?=["“‘]?[A-Z])""")
_KINDS = ("text", "markdown", "html", "pdf")


class _Unit(NamedTuple):
    """A paragraph, cut where something can be planted."""

    sentences: tuple[str, ...]
    separators: tuple[str, ...]
    size: int
    """Bytes of both."""


@dataclass(frozen=True)
class Filler:
    """Paragraphs of the user's texts.

    A book takes them in order from a seeded start and begins again when they are used up, so texts that are
    shorter than a book recur in it. Tables, code and dialogues of the folder are left out. What is planted stands
    behind a sentence of a paragraph. Code books use no filler.
    """

    name: str
    """The folder, as the user named it."""
    digest: str
    """Of all paragraphs; goes into a sample's source."""
    units: tuple[_Unit, ...]

    @classmethod
    def from_folder(cls, path: str | os.PathLike[str]) -> Filler:
        """The texts below a folder, or of one file.

        Raises:
            InputError: There is nothing to read.
            UsageError: It holds too little text.
        """
        name = Path(path).name or str(path)
        digest = hashlib.sha256()
        units: list[_Unit] = []
        for document in load(path):
            if document.kind not in _KINDS:
                continue
            for paragraph in _PARAGRAPH.split(document.text):
                if kept := paragraph.strip():
                    digest.update(f"{kept}\0".encode())
                    units.append(_unit(kept))
        size = sum(unit.size for unit in units)
        if size < _LEAST:
            raise UsageError(
                f"{os.fspath(path)} holds {size:,} bytes of text; filler needs at least {_LEAST:,}: "
                "name a folder with more text, or leave it out"
            )
        return cls(name, digest.hexdigest()[:16], tuple(units))

    @property
    def source(self) -> str:
        """What a sample says of where its text comes from."""
        return f"{self.name} ({self.digest})"

    def draw(self, rng: random.Random, size: int) -> Background:
        """Paragraphs in order from a random one on, of at most `size` bytes in all."""
        sentences: list[str] = []
        separators: list[str] = []
        at = rng.randrange(len(self.units))
        passed = 0
        while size > 0 and passed < len(self.units):
            unit = self.units[at % len(self.units)]
            at += 1
            if unit.size > size:
                # A paragraph that is too long for the rest gives its first sentences.
                for sentence, separator in zip(unit.sentences, unit.separators, strict=True):
                    room = len(sentence.encode()) + len(separator.encode())
                    if room > size:
                        break
                    sentences.append(sentence)
                    separators.append(separator)
                    size -= room
                passed += 1
                continue
            passed = 0
            sentences += unit.sentences
            separators += unit.separators
            size -= unit.size
        return Background(sentences, separators)


def _unit(paragraph: str) -> _Unit:
    sentences: list[str] = []
    separators: list[str] = []
    start = 0
    for match in _SENTENCE_END.finditer(paragraph):
        sentences.append(paragraph[start : match.start(1)])
        separators.append(match[1])
        start = match.end()
    sentences.append(paragraph[start:])
    separators.append("\n\n")
    return _Unit(tuple(sentences), tuple(separators), len(paragraph.encode()) + 2)
