"""Which column of the paper's tables a benchmark fills (arXiv 2512.12967)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from longread.evals.report.lengths import K, M, length_of
from longread.evals.report.units import Unit
from longread.evals.results import RunResults


class Column(NamedTuple):
    """A benchmark with a column of its own."""

    key: str
    title: str
    names: tuple[str, ...]
    """What it may be called, in lowercase letters and digits only."""


PAPER = (
    Column("docmath", "DocMath", ("docmath", "docmatheval")),
    Column("longbench_v2", "LBv2", ("longbenchv2", "lbv2")),
    Column("frames", "Frames", ("frames",)),
    Column("mrcr", "MRCR", ("mrcr", "openaimrcr")),
    Column("corpusqa", "CorpusQA", ("corpusqa",)),
    Column(
        "longbench_v1",
        "LBv1-QA",
        ("longbench", "longbenchqa", "longbenchv1", "longbenchv1qa", "lbv1", "lbv1qa"),
    ),
)
"""The six that the average is over."""

FURTHER = (
    Column("longmemeval", "LongMemEval", ("longmemeval", "longmemevals")),
    Column("ruler", "RULER", ("ruler",)),
    Column("longbook", "Longbook", ("longbook",)),
)

GENERAL = (
    Column("mmlu_pro", "MMLU-Pro", ("mmlupro",)),
    Column("aime24", "AIME24", ("aime24", "aime2024")),
    Column("aime25", "AIME25", ("aime25", "aime2025")),
    Column("gpqa_diamond", "GPQA-Diamond", ("gpqadiamond", "gpqa")),
)

BFCL = (("kv", "kv"), ("vector", "vector"), ("rec_sum", "recsum"))
"""The three memories of BFCL-V4, and how to know them."""

WITHIN_WINDOW = frozenset({"mrcr", "corpusqa"})
"""Of these the main table takes the items up to 128K."""

MACRO = frozenset({"longbench_v1"})
"""Their score is the average over their sets."""

PER_TASK = frozenset({"longmemeval"})
"""Their own table tells the average over their tasks beside the overall score."""


class Range(NamedTuple):
    """A column of the table beyond 128K."""

    benchmark: str
    title: str
    above: int
    to: int

    def holds(self, unit: Unit) -> bool:
        """Whether an item is of that length."""
        length = length_of(unit.groups)
        return length is not None and self.above < length <= self.to


MRCR_LONGEST = Range("mrcr", "MRCR 512K-1M", 512 * K, M)
CORPUS_1M = Range("corpusqa", "CorpusQA 1M", 512 * K, M)
CORPUS_4M = Range("corpusqa", "CorpusQA 4M", M, 4 * M)
ULTRA_LONG = (
    Range("mrcr", "MRCR 128K-512K", 128 * K, 512 * K),
    MRCR_LONGEST,
    CORPUS_1M,
    CORPUS_4M,
    Range("corpusqa", "CorpusQA 10M", 4 * M, 10 * M),
)
GAIN = (MRCR_LONGEST, CORPUS_1M, CORPUS_4M)
"""What the paper's gain on 1M-4M is the mean of."""

_KEYS = {name: column.key for column in (*PAPER, *FURTHER, *GENERAL) for name in column.names}


def key_of(run: RunResults) -> str:
    """The benchmark's key: one of the columns', or its own name."""
    return _KEYS.get(plain(run.benchmark), run.benchmark)


def title_of(run: RunResults) -> str:
    """What the benchmark is called in tables."""
    key = key_of(run)
    known = (column.title for column in (*PAPER, *FURTHER, *GENERAL) if column.key == key)
    return next(known, run.title or run.benchmark)


def within_window(unit: Unit) -> bool:
    """Whether an item is of at most 128K tokens."""
    length = length_of(unit.groups)
    return length is not None and length <= 128 * K


def memory_of(benchmark: str, groups: Mapping[str, str]) -> str | None:
    """Which of BFCL's memories an item is about."""
    if not plain(benchmark).startswith("bfcl"):
        return None
    texts = [plain(text) for text in (*groups.values(), benchmark)]
    return next((name for text in texts for name, sign in BFCL if sign in text), None)


def plain(name: str) -> str:
    """A name in lowercase letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
