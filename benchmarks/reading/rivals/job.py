"""What an adapter is given and what it gives back. Imports nothing that the rivals' environment may lack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

CHARACTERS = 4
"""Of a token, for everybody: the server, the splitters and the windows."""


@dataclass(frozen=True)
class Ask:
    """One question over one text, and the sizes that hold for all contenders."""

    paragraphs: Sequence[str]
    question: str
    base_url: str
    key: str
    """Names the run to the server."""
    chunk_tokens: int
    note_tokens: int
    """Also the most that any one reply may take."""
    window: int
    concurrency: int
    options: dict[str, Any]
    """The contender's own, such as the strategy's name."""
    state: str
    """A folder for what a contender keeps, the same when a run is tried again after a crash."""

    @property
    def chunks(self) -> list[str]:
        """The text in chunks of whole paragraphs."""
        bounds = pack(self.paragraphs, self.chunk_tokens)
        return ["\n\n".join(self.paragraphs[first:last]) for first, last in bounds]


@dataclass(frozen=True)
class Told:
    """An answer."""

    answer: str
    cited: tuple[str, ...] | None = None
    """The passages it cites; None from contenders that cite none."""


def pack(paragraphs: Sequence[str], chunk_tokens: int) -> list[tuple[int, int]]:
    """Bounds of stretches of paragraphs that fit a chunk each."""
    bounds, first, size = [], 0, 0
    for number, paragraph in enumerate(paragraphs):
        length = len(paragraph) + 2
        if number > first and size + length > chunk_tokens * CHARACTERS:
            bounds.append((first, number))
            first, size = number, 0
        size += length
    bounds.append((first, len(paragraphs)))
    return bounds
