"""LongBench-v2 (THUDM, 2024): hard questions with four choices, zero-shot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from longread.documents.readers.characters import writable
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Options, register
from longread.evals.benchmarks.entries import Entry, Pack, Source
from longread.evals.benchmarks.rows import Filled, Row, Table, Words, rows
from longread.evals.data import fetch
from longread.grading import Gold

HUB = Hub("THUDM/LongBench-v2", "2b48e494f2c7a2f0af81aae178e05c7e1dde0fe9", ("data.json",))
ENDING = 'Format your response as follows: "The correct answer is (insert answer here)".'


class _Row(Row):
    id: Words = Field(alias="_id")
    domain: Words
    difficulty: Literal["easy", "hard"]
    length: Literal["short", "medium", "long"]
    question: Words
    choice_a: Words = Field(alias="choice_A")
    choice_b: Words = Field(alias="choice_B")
    choice_c: Words = Field(alias="choice_C")
    choice_d: Words = Field(alias="choice_D")
    answer: Literal["A", "B", "C", "D"]
    context: Filled

    def asked(self) -> str:
        """The question with its choices."""
        choices = zip("ABCD", (self.choice_a, self.choice_b, self.choice_c, self.choice_d), strict=True)
        listed = "\n".join(f"({letter}) {choice.strip()}" for letter, choice in choices)
        return f"What is the correct answer to this question: {self.question.strip()}\nChoices:\n{listed}"


def items(options: Options) -> Iterator[Item]:
    """503 questions."""
    return kept.items("longbench_v2", map(Table, fetch(HUB, options.data)), _entries)


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    for number, row in rows(table, _Row):
        yield (
            number,
            Entry(
                id=row.id,
                question=row.asked(),
                ending=ENDING,
                gold=Gold((row.answer,)),
                groups={"difficulty": row.difficulty, "length": row.length, "domain": row.domain},
                pack=Pack((Source("context.txt", writable(row.context)),)),
            ),
        )


register(
    Benchmark(
        name="longbench_v2",
        title="LongBench-v2",
        about="hard questions with four choices on texts of 8K to 2M words",
        grader="choice",
        items=items,
        hub=HUB,
        splits=("difficulty", "length", "domain"),
    )
)
