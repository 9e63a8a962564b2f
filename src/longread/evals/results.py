"""What came of a run: one record for each item and epoch, and what the run was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Found(NamedTuple):
    """How far the evidence of an item got; each a share from 0 to 1."""

    reached: float
    """Stood in a prompt."""
    captured: float
    """Was noted."""
    retained: float
    """Was in the notes at the end."""


class Cited(NamedTuple):
    """How well an answer's citations match the evidence."""

    precision: float
    """Share of the citations that lie on evidence; 0 where there are none."""
    recall: float
    """Share of the evidence that is cited."""


@dataclass(frozen=True)
class Result:
    """One item in one epoch."""

    id: str
    epoch: int
    groups: Mapping[str, str]
    score: float
    """What counts, from 0 to 1."""
    rule: float
    judge: float | None = None
    """1 or 0; None where no judge was asked or its reply held no verdict."""
    strict: float | None = None
    """Our stricter variant, where the official rule is loose."""
    contains: float | None = None
    """Whether the gold stands anywhere in the response (longbook)."""
    failure: str | None = None
    """Why there is no response; such an item counts as wrong."""
    twin: str = ""
    """Items with the same twin count only when all are right."""
    found: Found | None = None
    """None where the strategy keeps no notes or the benchmark knows no evidence."""
    cited: Cited | None = None
    calls: int = 0
    critical: int = 0
    """Calls that had to wait for one another: the longest chain."""
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    seconds: float = 0.0
    answer: str | None = None
    """What the grader took from the response."""
    golds: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunResults:
    """One benchmark with one model and strategy."""

    benchmark: str
    title: str
    model: str
    strategy: str
    total: int
    """Items times epochs that were to be done."""
    results: tuple[Result, ...]
    """What was done; fewer than `total` when the run was interrupted."""
    epochs: int = 1
    seed: int = 0
    judge_model: str | None = None
    general: bool = False
    """One of `inspect_evals`' benchmarks, which stand in a table of their own."""
    splits: tuple[str, ...] = ()
    """The groups that the benchmark's own table is split by."""
    revision: str = ""
    """Of the data set."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else decided the run: limits, lengths, versions, machine."""
    variant: str = ""
    """What the user calls this model or stage in tables; empty takes model and strategy."""
