"""DocMath-Eval (yale-nlp): numbers out of financial reports with tables; its public testmini split."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

from longread.documents.readers.characters import writable
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Options, register
from longread.evals.benchmarks.entries import ENDING, Entry, Pack, Source
from longread.evals.benchmarks.rows import Row, Table, Words, broken, rows
from longread.evals.data import fetch
from longread.grading import Gold

SUBSETS = ("complong", "compshort", "simplong", "simpshort")
HUB = Hub(
    "yale-nlp/DocMath-Eval",
    "",
    tuple(f"data/{subset}_testmini-00000-of-00001.parquet" for subset in SUBSETS),
)
_DASHED = tuple(f"{subset}-testmini.json" for subset in SUBSETS)


class _Row(Row):
    question_id: Words
    question: Words
    paragraphs: list[Words]
    ground_truth: int | float | Words
    table_evidence: list[int] | None = None
    paragraph_evidence: list[int] | None = None


def items(options: Options) -> Iterator[Item]:
    """Four subsets, 800 questions."""
    return kept.items("docmath", map(Table, fetch(HUB, options.data, [_DASHED])), _entries)


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        named = (
            one for where in (row.question_id, table.path.name) for one in SUBSETS if where.startswith(one)
        )
        subset = next(named, None)
        if subset is None:
            raise broken(table, number, f"has a field 'question_id' that names none of {', '.join(SUBSETS)}")
        yield (
            number,
            Entry(
                id=row.question_id if row.question_id.startswith(subset) else f"{subset}-{row.question_id}",
                question=row.question,
                ending=ENDING,
                gold=Gold((str(row.ground_truth),)),
                groups={"subset": subset},
                pack=Pack((_source(row),)),
            ),
        )


def _source(row: _Row) -> Source:
    paragraphs = [writable(one) for one in row.paragraphs]
    starts = list(accumulate((len(one) + 1 for one in paragraphs), initial=0))
    cited = sorted({*(row.table_evidence or ()), *(row.paragraph_evidence or ())})
    evidence = ((starts[at], starts[at] + len(paragraphs[at])) for at in cited if 0 <= at < len(paragraphs))
    return Source("report.txt", "\n".join(paragraphs), evidence=tuple(evidence))


register(
    Benchmark(
        name="docmath",
        title="DocMath",
        about="numbers worked out from financial reports with tables",
        grader="docmath",
        items=items,
        judge="equivalence",
        hub=HUB,
        splits=("subset",),
    )
)
