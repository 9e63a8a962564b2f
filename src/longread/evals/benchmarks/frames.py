"""FRAMES (google/frames-benchmark): questions over 2 to 15 Wikipedia articles.

The official file holds questions and links only, and articles change, so there is nothing to download: a local copy
brings the articles' texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AliasChoices, Field

from longread.documents.readers.characters import writable
from longread.errors import UsageError
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Options, register
from longread.evals.benchmarks.entries import ENDING, Entry, Pack, Source
from longread.evals.benchmarks.rows import Row, Table, Words, rows
from longread.evals.data import fetch
from longread.grading import Gold

HUB = Hub("google/frames-benchmark", "", ("test.jsonl",))


class _Article(Row):
    title: Words
    text: Words


class _Row(Row):
    question: Words = Field(validation_alias=AliasChoices("question", "Prompt"))
    answer: Words = Field(validation_alias=AliasChoices("answer", "Answer"))
    articles: Annotated[list[_Article], Field(min_length=1)] = Field(
        validation_alias=AliasChoices("articles", "wiki_items", "documents")
    )
    reasoning_types: Words = ""


def items(options: Options) -> Iterator[Item]:
    """824 questions."""
    if options.data is None:
        raise UsageError(
            "frames has no texts to download: the official file only links to Wikipedia; give --data with a file of "
            "questions, answers and articles, as docs/benchmarks-data.md describes"
        )
    return kept.items("frames", map(Table, fetch(HUB, options.data)), _entries)


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        types = [one.strip() for one in row.reasoning_types.split("|") if one.strip()]
        yield (
            number,
            Entry(
                id=f"frames-{number}",
                question=row.question,
                ending=ENDING,
                gold=Gold((row.answer,)),
                groups={"reasoning": "several kinds" if len(types) > 1 else "".join(types) or "not told"},
                pack=Pack(tuple(_source(place, one) for place, one in enumerate(row.articles, 1))),
            ),
        )


def _source(place: int, article: _Article) -> Source:
    title = writable(article.title)
    return Source(f"{place} {' '.join(title.split())}", f"{title}\n{writable(article.text)}")


register(
    Benchmark(
        name="frames",
        title="Frames",
        about="questions of several hops over Wikipedia articles",
        grader="cem",
        items=items,
        judge="equivalence",
        hub=HUB,
        splits=("reasoning",),
    )
)
