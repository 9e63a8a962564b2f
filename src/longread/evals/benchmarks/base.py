"""What a benchmark is: items with golds, and the text that each is asked about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from longread.errors import UsageError
from longread.grading import Gold
from longread.models.base import Message
from longread.types import Corpus, Evidence

Judge = Literal["equivalence", "longmemeval"]


class Text(NamedTuple):
    """What one item is asked about."""

    corpus: Corpus
    messages: tuple[Message, ...] = ()
    """The conversation to send when the benchmark's own protocol is a chat; else the usual prompt is made."""
    evidence: tuple[Evidence, ...] = ()
    """Where the answer stands, for benchmarks that know."""
    question: str = ""
    """Stands for the item's when given: a generated text may be what the question comes from."""
    ending: str = ""
    gold: Gold | None = None


class Material(Protocol):
    """Where the text of an item comes from. Small, and picklable: texts are opened when they are read."""

    def open(self) -> Text:
        """The text. Deterministic."""
        ...


class Item(NamedTuple):
    """One question of a benchmark."""

    id: str
    """Unique in its benchmark, the same in every run."""
    question: str
    ending: str
    """How the answer is to be worded, by the benchmark's protocol."""
    gold: Gold
    groups: Mapping[str, str]
    """What tables split by, such as `{"length": "128K", "task": "single"}`."""
    material: Material
    twin: str = ""
    """Items with the same twin count only when all of them are right."""


class Options(NamedTuple):
    """What a user may choose of a benchmark."""

    data: Path | None = None
    """A local copy of its files; None downloads the pinned revision."""
    lengths: tuple[int, ...] = ()
    """Nominal tokens, for benchmarks that are made or binned by length; empty takes its own."""
    seed: int = 0
    filler: Path | None = None
    """Folder of texts that generated benchmarks hide their facts in."""
    samples: int | None = None
    """Samples a task and length of generated benchmarks; None takes its own."""


class Hub(NamedTuple):
    """Where a data set lies."""

    repo: str
    """On the Hugging Face hub."""
    revision: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Benchmark:
    """One benchmark."""

    name: str
    title: str
    """Its column in tables."""
    about: str
    """One line."""
    grader: str
    """Name of a grader in `longread.grading`."""
    items: Callable[[Options], Iterator[Item]]
    judge: Judge | None = None
    """How a language model is asked about answers; the score is the larger of rule and judge."""
    judged_alone: bool = False
    """Whether the score is the judge's verdict only."""
    hub: Hub | None = None
    """None for benchmarks that are generated."""
    splits: tuple[str, ...] = ()
    """The groups that its own table is split by, in order."""
    remark: Callable[[], str] = str
    """What must be said beside its scores; empty when there is nothing."""


_registry: dict[str, Benchmark] = {}


def register(benchmark: Benchmark) -> Benchmark:
    """Makes a benchmark known."""
    _registry[benchmark.name] = benchmark
    return benchmark


def get_benchmark(name: str) -> Benchmark:
    """The benchmark of that name; UsageError when there is none."""
    if name not in _registry:
        raise UsageError(f"there is no benchmark '{name}'; choose among {', '.join(sorted(_registry))}")
    return _registry[name]


def benchmarks() -> list[Benchmark]:
    """All benchmarks by name."""
    return [_registry[name] for name in sorted(_registry)]
