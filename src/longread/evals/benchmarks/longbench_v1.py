"""The question answering sets of LongBench (THUDM, 2023)."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from longread.documents.readers.characters import writable
from longread.errors import UsageError
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Options, register
from longread.evals.benchmarks.entries import ENDING, Entry, Pack, Source
from longread.evals.benchmarks.rows import HELP, Filled, Row, Table, Words, rows
from longread.evals.data import fetch
from longread.grading import Gold

SETS = ("2wikimqa", "hotpotqa", "musique", "narrativeqa", "qasper")
HUB = Hub("THUDM/LongBench", "5e628be450b7e67fb7ae6e201bd6d8f7056f7672", ("data.zip",))
_UNPACKED = tuple(f"data/{name}.jsonl" for name in SETS)


class _Row(Row):
    id: Words = Field(alias="_id")
    dataset: Literal["2wikimqa", "hotpotqa", "musique", "narrativeqa", "qasper"]
    input: Words
    context: Filled
    answers: Annotated[list[Words], Field(min_length=1)]


def items(options: Options) -> Iterator[Item]:
    """Five sets of 200 questions."""
    tables = [table for path in fetch(HUB, options.data, [_UNPACKED]) for table in _tables(path)]
    return kept.items("longbench_v1", tables, _entries)


def _tables(path: Path) -> list[Table]:
    if not zipfile.is_zipfile(path):
        return [Table(path)]
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    members = [next((name for name in names if name.endswith(f"/{one}.jsonl")), "") for one in SETS]
    if "" in members:
        raise UsageError(f"{path} lacks {SETS[members.index('')]}.jsonl; {HELP}")
    return [Table(path, member) for member in members]


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        yield (
            number,
            Entry(
                id=f"{row.dataset}-{row.id}",
                question=row.input,
                ending=ENDING,
                gold=Gold((row.answers[0],)),  # the protocol's headline knows no other answer
                groups={"set": row.dataset},
                pack=Pack((Source(f"{row.dataset}.txt", writable(row.context)),)),
            ),
        )


register(
    Benchmark(
        name="longbench_v1",
        title="LongBench-v1 QA",
        about="five sets of questions on articles, papers and stories, mostly of several hops",
        grader="cem",
        items=items,
        judge="equivalence",
        hub=HUB,
        splits=("set",),
    )
)
