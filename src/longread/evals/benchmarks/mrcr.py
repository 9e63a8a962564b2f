"""MRCR (openai/mrcr): which of several like requests of a long conversation was answered how, word for word.

Needles are requests of the same wording; the last message asks for the answer to the first, second, … of them,
after a random prefix. The official bins count o200k_base tokens of prompt plus answer. That encoding is a download:
where it cannot be had, four bytes count as a token, and bins and `remark` say so with a `~`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from pydantic import Field, Json

from longread.errors import UsageError
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Material, Options, Text, register
from longread.evals.benchmarks.entries import Entry, Pack, Turn, dialogue
from longread.evals.benchmarks.kept import Stored
from longread.evals.benchmarks.rows import Row, Table, Words, broken, rows
from longread.evals.data import fetch
from longread.grading import Gold
from longread.grading.size import tokens
from longread.worlds.lengths import show_length

if TYPE_CHECKING:
    import tiktoken

NEEDLES = (2, 4, 8)
HUB = Hub(
    "openai/mrcr",
    "f4c69fae7cf81f7ca26b9fee34b392a50f6b8a1d",
    tuple(f"{n}needle/{n}needle_{shard}.parquet" for n in NEEDLES for shard in (0, 1)),
)
BINS = tuple(8192 << doubled for doubled in range(8))
"""Upper bounds, in tokens; a bin begins above the one before it."""
_BEFORE = tuple(f"{n}needle.parquet" for n in NEEDLES)
"""The files until December 2025, when about one row in ten was mended."""


class _Message(Row):
    role: Literal["system", "user", "assistant"]
    content: Words


class _Row(Row):
    prompt: Json[Annotated[list[_Message], Field(min_length=1)]]
    answer: Words
    random_string_to_prepend: Words
    n_needles: int


class Size(NamedTuple):
    """How long a prompt and its answer are."""

    tokens: int
    exact: bool
    """Whether o200k_base counted, and not bytes."""


@dataclass(frozen=True)
class _Chat:
    """The conversation as it is, and without its last request as a document for readers."""

    stored: Stored

    def open(self) -> Text:
        """Both."""
        pack = self.stored.pack()
        return Pack((dialogue("conversation.txt", pack.messages[:-1]),), pack.messages).text()


def items(options: Options) -> Iterator[Item]:
    """Three numbers of needles, eight bins, 100 each; `lengths` are upper bounds of bins."""
    if unknown := [length for length in options.lengths if length not in BINS]:
        raise UsageError(
            f"mrcr has no bin up to {show_length(unknown[0])}; choose among {', '.join(map(show_length, BINS))}"
        )
    exact = encoding() is not None
    wanted = {_label(length, exact) for length in options.lengths}
    found = kept.items(
        "mrcr",
        map(Table, fetch(HUB, options.data, [_BEFORE])),
        _entries,
        material=_material,
        variant="" if exact else "estimate",
    )
    return (item for item in found if not wanted or item.groups["bin"] in wanted)


def size(texts: Iterable[str]) -> Size:
    """Tokens in all of the texts, by o200k_base or by bytes."""
    if encoder := encoding():
        return Size(sum(len(encoder.encode_ordinary(text)) for text in texts), True)
    return Size(sum(map(tokens, texts)), False)


def remark() -> str:
    """What to say beside scores by bin; empty when bins are the official ones."""
    if encoding() is not None:
        return ""
    return "bins with ~ count four bytes as a token, as the o200k_base encoding could not be downloaded"


@lru_cache(maxsize=1)
def encoding() -> tiktoken.Encoding | None:
    """o200k_base; None when it is not at hand."""
    try:
        import tiktoken

        return tiktoken.get_encoding("o200k_base")
    except Exception:  # not installed, no network, a damaged download: each has its own error
        return None


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        turns = tuple(Turn(message.role, message.content) for message in row.prompt)
        if turns[-1].role != "user" or not row.answer.startswith(row.random_string_to_prepend):
            raise broken(table, number, "does not end with a request, or its answer lacks the prefix")
        counted = size([*(turn.text for turn in turns), row.answer])
        yield (
            number,
            Entry(
                id=f"{table.path.stem}-{number}",
                question=turns[-1].text,
                ending="",
                gold=Gold((row.answer,), row.random_string_to_prepend),
                groups={"needles": str(row.n_needles), "bin": _bin(counted)},
                pack=Pack(messages=turns),
            ),
        )


def _material(stored: Stored, extra: tuple[str, ...]) -> Material:
    return _Chat(stored)


def _bin(counted: Size) -> str:
    # Estimates may lie outside all bins and then belong to the nearest.
    return _label(BINS[min(bisect_left(BINS, counted.tokens), len(BINS) - 1)], counted.exact)


def _label(bound: int, exact: bool) -> str:
    return show_length(bound) if exact else f"~{show_length(bound)}"


register(
    Benchmark(
        name="mrcr",
        title="MRCR",
        about="which of 2, 4 or 8 like requests was answered how, in conversations of up to 1M tokens",
        grader="mrcr",
        items=items,
        remark=remark,
        hub=HUB,
        splits=("needles", "bin"),
    )
)
