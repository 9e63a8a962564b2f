"""CorpusQA (Tongyi-Zhiwen, 2025): questions whose answers need most documents of a corpus, up to 10M tokens.

Rows hold the finished prompt: documents under `# Document 1:` and so on, `# Question:`, the question, and how to
answer. Questions of a domain share their documents, which are therefore kept once.

The official score is the judge's alone, at temperature 0; QwenLong-L1.5 takes the larger of rule and judge. A result
keeps the two apart, so both scores can be told; its headline is the larger.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from longread.errors import UsageError
from longread.evals import data
from longread.evals.benchmarks import kept
from longread.evals.benchmarks.base import Benchmark, Hub, Item, Material, Options, Text, register
from longread.evals.benchmarks.entries import Entry, Pack, Source
from longread.evals.benchmarks.kept import Stored
from longread.evals.benchmarks.rows import Row, Table, Words, broken, rows
from longread.grading import Gold
from longread.models.base import Message
from longread.worlds.lengths import parse_length, show_length

LENGTHS = ("128K", "1M", "4M", "10M")
HUB = Hub("Tongyi-Zhiwen/CorpusQA", "", tuple(f"{length.lower()}_4domains.jsonl" for length in LENGTHS))
DOMAINS = ("financial_zh", "financial_en", "education_en", "real_estate_en")
_ON_HUB = 2
"""The longer two files have not been seen on the hub."""
_LENGTH = re.compile(r"(128k|1m|4m|10m)(?![0-9a-z])", re.IGNORECASE)
_DOCUMENT = re.compile(r"^# Document \d+:", re.MULTILINE)
_QUESTION = "# Question:"


class _Message(Row):
    role: Literal["system", "user"]
    content: Words


class _Row(Row):
    id: Words
    prompt: Words | Annotated[list[_Message], Field(min_length=1)]
    question: Words
    answer: Any  # a string, a number, or a list that may be empty

    def messages(self) -> tuple[str, str]:
        """What the system says and what the user asks."""
        if isinstance(self.prompt, str):
            return "", self.prompt
        system = "\n".join(message.content for message in self.prompt if message.role == "system")
        return system, "\n".join(message.content for message in self.prompt if message.role == "user")


@dataclass(frozen=True)
class _Prompt:
    """Documents, and what stands around them in the official prompt."""

    stored: Stored
    system: str
    before: str
    after: str

    def open(self) -> Text:
        """The documents, and the prompt to the letter."""
        text = self.stored.open()
        body = "".join(document.text for document in text.corpus)
        asked = Message.of("user", f"{self.before}{body}{self.after}")
        return text._replace(messages=(Message.of("system", self.system), asked) if self.system else (asked,))


def items(options: Options) -> Iterator[Item]:
    """329 questions a length. `lengths` chooses files; else a folder gives what it has, the hub the shorter two."""
    return kept.items("corpusqa", _tables(options), _entries, material=_material)


def _tables(options: Options) -> list[Table]:
    known = dict(zip(map(parse_length, LENGTHS), HUB.files, strict=True))
    if unknown := [length for length in options.lengths if length not in known]:
        raise UsageError(
            f"corpusqa has no length {show_length(unknown[0])}; choose among {', '.join(LENGTHS)}"
        )
    if options.data is not None and not options.data.is_dir():
        tables = [Table(path) for path in data.fetch(HUB, options.data)]
        return [one for one in tables if not options.lengths or parse_length(_length(one)) in options.lengths]
    names: tuple[str, ...] = tuple(known[length] for length in options.lengths)
    if not names:
        names = HUB.files[:_ON_HUB] if options.data is None else tuple(data.present(options.data, HUB.files))
    return [Table(path) for path in data.fetch(HUB._replace(files=names or HUB.files), options.data)]


def _length(table: Table) -> str:
    """By the file's name: the rows of all files call themselves 128k."""
    found = _LENGTH.match(table.path.name)
    if found is None:
        raise UsageError(
            f"the name of {table} does not begin with its length; call it as published: {', '.join(HUB.files)}"
        )
    return found[1].upper()


def _entries(table: Table) -> Iterator[tuple[int, Entry]]:
    length = _length(table)
    for number, row in rows(table, _Row):
        system, user = row.messages()
        body, mark, tail = user.rpartition(_QUESTION)
        starts = [found.start() for found in _DOCUMENT.finditer(body)]
        if not mark or not starts:
            raise broken(table, number, "has a field 'prompt' without '# Document 1:' or '# Question:'")
        _, asked, ending = tail.partition(row.question)
        documents = tuple(
            Source(f"document {place}", body[start:end])
            for place, (start, end) in enumerate(zip(starts, [*starts[1:], len(body)], strict=True), 1)
        )
        yield (
            number,
            Entry(
                id=f"{row.id}@{length}",
                question=row.question,
                ending=(ending if asked else tail).strip(),
                gold=Gold((_shown(row.answer),)),
                groups={"length": length, "domain": _domain(row.id)},
                pack=Pack(documents),
                extra=(system, body[: starts[0]], f"{mark}{tail}"),
            ),
        )


def _shown(answer: object) -> str:
    """As the official code shows it to the judge: lists as Python writes them."""
    return answer if isinstance(answer, str) else str(answer)


def _domain(id: str) -> str:
    return next((domain for domain in DOMAINS if id.startswith(domain)), "other")


def _material(stored: Stored, extra: tuple[str, ...]) -> Material:
    system, before, after = extra
    return _Prompt(stored, system, before, after)


register(
    Benchmark(
        name="corpusqa",
        title="CorpusQA",
        about="filters, counts and sums over whole corpora of reports",
        grader="corpusqa",
        items=items,
        judge="equivalence",
        hub=HUB,
        splits=("length", "domain"),
    )
)
