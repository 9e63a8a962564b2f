"""LongMemEval-S (xiaowu0162, cleaned in 2025): what an assistant remembers of some 50 conversations with a user."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Options, register
from longread.evals.benchmarks.entries import Entry, Pack, Source, Turn, dialogue
from longread.evals.benchmarks.rows import Row, Table, Words, broken, rows
from longread.evals.data import fetch
from longread.grading import Gold
from longread.grading.longmemeval import abstains, question_types

HUB = Hub(
    "xiaowu0162/longmemeval-cleaned",
    "98d7416c24c778c2fee6e6f3006e7a073259d48f",
    ("longmemeval_s_cleaned.json",),
)
_BEFORE = (("longmemeval_s.json",), ("longmemeval_s",))
"""The file before it was cleaned."""


class _Message(Row):
    role: Literal["user", "assistant"]
    content: Words
    has_answer: bool | None = None


class _Row(Row):
    question_id: Words
    question_type: Words
    question: Words
    answer: Words | int | float
    question_date: Words
    haystack_session_ids: list[Words]
    haystack_dates: list[Words]
    haystack_sessions: list[list[_Message]]


def items(options: Options) -> Iterator[Item]:
    """500 questions."""
    return kept.items("longmemeval", map(Table, fetch(HUB, options.data, _BEFORE)), _entries)


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        if not len(row.haystack_dates) == len(row.haystack_sessions) == len(row.haystack_session_ids):
            raise broken(
                table, number, "has 'haystack_dates', 'haystack_sessions' and ids that differ in number"
            )
        if row.question_type not in question_types():
            raise broken(
                table, number, f"has a field 'question_type' of no known kind: '{row.question_type}'"
            )
        yield (
            number,
            Entry(
                id=row.question_id,
                question=row.question,
                # Not in the question, which the judge is shown as it is.
                ending=f"The current date is {row.question_date}.",
                gold=Gold((str(row.answer),)),
                groups={
                    "type": row.question_type,
                    "abstention": "yes" if abstains(row.question_id) else "no",
                },
                pack=Pack(tuple(_sessions(row))),
            ),
        )


def _sessions(row: _Row) -> Iterator[Source]:
    """The conversations by date, as the official code sorts them."""
    by_date = sorted(zip(row.haystack_dates, row.haystack_sessions, strict=True), key=lambda dated: dated[0])
    for place, (date, session) in enumerate(by_date, 1):
        yield dialogue(
            f"session {place}",
            [Turn(message.role, message.content) for message in session],
            heading=f"Session of {date}",
            marked=frozenset(at for at, message in enumerate(session) if message.has_answer),
        )


register(
    Benchmark(
        name="longmemeval",
        title="LongMemEval",
        about="what an assistant remembers of some 50 dated conversations",
        grader="longmemeval",
        items=items,
        judge="longmemeval",
        judged_alone=True,
        hub=HUB,
        splits=("type", "abstention"),
    )
)
