"""table: ledgers of many towns and registers of merchants; every question joins and adds up over several of them.

A guild's merchants stand in the registers, what they delivered in the ledgers. All ledgers have one schema; half are
CSV, half Markdown.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from longread.models.tokens import utf8_length
from longread.types import Corpus, Document, Evidence, document_id
from longread.worlds.forms import Form
from longread.worlds.names import GOODS, Cast, turns
from longread.worlds.packing import pack
from longread.worlds.tasks.base import RANKS, Brief, Puzzle, Task, Unsolvable, ending, one

_GUILDS = "weavers coopers chandlers saddlers masons drapers tanners glaziers".split()
_LEDGER = ("date", "merchant", "good", "barrels", "ward")
_REGISTER = ("merchant", "guild", "admitted")
_WARDS = "north south east west harbour hill".split()
_ROWS = 4
"""Rows of each merchant of the asked guild with the asked good."""
_ROW_BYTES = 36
"""Of cells alone, about."""
_CSV = "{},{},{},{},{}\n"
_MARKDOWN = "| {} | {} | {} | {} | {} |\n"
_SMALL, _LARGE = 2_600, 48 * 1024
"""Bytes of a ledger, in the shortest and in long books."""
_PLURAL = {"sum": "number", "top": "name", "rows": "number"}
ASKS = {
    "top": Form(
        "Which merchant of the {good2}' guild delivered the most barrels of {good} in all ledgers together?"
    ),
    "sum": Form(
        "How many barrels of {good} did the merchants of the {good2}' guild deliver in all ledgers together?"
    ),
    "rows": Form(
        "In how many rows of all ledgers together did merchants of the {good2}' guild deliver more than "
        "{number} barrels of {good}?"
    ),
}


class _Table(NamedTuple):
    source: str
    head: str
    """Its first lines, which are no rows."""
    lines: list[str]
    marks: dict[int, str]
    """Roles as evidence, by the lines' indexes."""

    @property
    def size(self) -> int:
        return len(self.head) + sum(map(len, self.lines))


def _make(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    cast = Cast.draw(rng, brief.size)
    kind = tuple(ASKS)[brief.index % len(ASKS)]
    guild, good = rng.choice(_GUILDS), rng.choice(GOODS)
    merchants = cast.people[: min(600, 40 + brief.size // 20_000)]
    members = merchants[:RANKS]
    others = [(name, rng.choice([g for g in _GUILDS if g != guild])) for name in merchants[RANKS:]]
    amounts = _amounts(rng, brief, members)
    threshold = sorted(n for each in amounts.values() for n in each)[rng.randrange(4, 34)]
    planted = [
        (_date(rng), name, good, str(number), rng.choice(_WARDS))
        for name in members
        for number in amounts[name]
    ]
    registers = _registers(rng, [*((name, guild) for name in members), *others], guild)
    size = brief.size - sum(table.size for table in registers)
    notes: tuple[Document, ...] = ()
    if brief.filler:
        notes = pack(brief.rng("notes"), size // 3, (), cast, brief.filler).documents
        size -= sum(utf8_length(note.text) for note in notes)
    ledgers = _ledgers(rng, cast, planted, _pairs(members, others, good), size)
    tables = [*ledgers, *registers]
    rng.shuffle(tables)
    documents, evidence = _documents(tables)
    documents = _between(documents, notes)
    values = {"good2": guild, "good": good, "number": threshold}
    totals = {name: sum(each) for name, each in amounts.items()}
    everything = [n for each in amounts.values() for n in each]
    answer = {
        "top": max(members, key=lambda name: totals[name]),
        "sum": str(sum(totals.values())),
        "rows": str(sum(n > threshold for n in everything)),
    }[kind]
    candidates = {
        "top": tuple(members),
        "sum": tuple(str(sum(totals.values()) + n) for n in range(-50, 50)),
        "rows": tuple(str(n) for n in range(6, 36)),
    }[kind]
    return Puzzle(
        ASKS[kind].fill(**values),
        answer,
        ending(_PLURAL[kind]),
        {"top": 1 / RANKS, "sum": 1 / 1_000, "rows": 1 / 30}[kind],
        candidates,
        f"{kind} over {len(planted)} rows of {RANKS} merchants: {answer}",
        documents,
        evidence,
    )


def _amounts(rng: random.Random, brief: Brief, members: Sequence[str]) -> dict[str, list[int]]:
    """Barrels by merchant: as many rows for each, one largest sum, which is not that of the largest row."""
    while True:
        amounts = {name: rng.sample(range(20, 400), _ROWS) for name in members}
        ranked = sorted(members, key=lambda name: -sum(amounts[name]))
        largest = max(members, key=lambda name: max(amounts[name]))
        if sum(amounts[ranked[0]]) > sum(amounts[ranked[1]]) + 5 and largest != ranked[0]:
            break
    # Who has the largest sum takes turns, so that places in the registers tell nothing.
    due = members[turns(RANKS, brief.seed, "member")[brief.index // len(ASKS) % RANKS]]
    amounts[due], amounts[ranked[0]] = amounts[ranked[0]], amounts[due]
    return amounts


def _pairs(members: Sequence[str], others: Sequence[tuple[str, str]], good: str) -> list[tuple[str, str]]:
    """Who may deliver what without being asked for; members come up as often in other goods as others do."""
    goods = [each for each in GOODS if each != good]
    pairs = [(name, each) for name in members for each in goods]
    return pairs + [(name, each) for name, _ in others for each in GOODS]


def _date(rng: random.Random) -> str:
    return f"{rng.randrange(1700, 1760)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"


def _registers(rng: random.Random, entries: list[tuple[str, str]], guild: str) -> list[_Table]:
    rng.shuffle(entries)
    half = len(entries) // 2
    tables = []
    for number, part in enumerate((entries[:half], entries[half:]), 1):
        lines = [f"{name},{of},{rng.randrange(1690, 1750)}\n" for name, of in part]
        marks = {at: "required" for at, (_, of) in enumerate(part) if of == guild}
        tables.append(_Table(f"registers/merchants-{number}.csv", ",".join(_REGISTER) + "\n", lines, marks))
    return tables


def _ledgers(
    rng: random.Random,
    cast: Cast,
    planted: Sequence[tuple[str, ...]],
    pairs: list[tuple[str, str]],
    size: int,
) -> list[_Table]:
    """Ledgers of `size` bytes in all, with the planted rows anywhere in them."""
    count = max(3, round(size / min(_LARGE, max(_SMALL, size // 12))))
    towns = rng.sample(cast.towns, min(count, len(cast.towns)))
    fixed: list[list[tuple[str, ...]]] = [[] for _ in range(count)]
    for row in planted:
        fixed[rng.randrange(count)].append(row)
    tables = []
    for number, rows in enumerate(fixed):
        town = towns[number % len(towns)].lower()
        name = f"ledgers/{town}-{number // len(towns) + 1}"
        if number % 2:
            form, head, source = _CSV, ",".join(_LEDGER) + "\n", f"{name}.csv"
        else:
            form, head, source = (
                _MARKDOWN,
                _MARKDOWN.format(*_LEDGER) + "|" + " --- |" * 5 + "\n",
                f"{name}.md",
            )
        own = [form.format(*row) for row in rows]
        free = size // (count - number) - len(head) - sum(map(len, own))
        table = _Table(source, head, *_spread(rng, own, _background(rng, pairs, free, form)))
        size -= table.size
        tables.append(table)
    return tables


def _background(rng: random.Random, pairs: list[tuple[str, str]], size: int, form: str) -> list[str]:
    """Rows of at most `size` bytes in all, as many as fit."""
    days = [_date(rng) for _ in range(200)]
    numbers = [str(n) for n in range(3, 400)]
    out: list[str] = []
    while size > 0:
        count = max(1, size // (_ROW_BYTES + len(form)))
        pools = (days, pairs, numbers, _WARDS)
        batch = [
            form.format(day, name, good, number, ward)
            for day, (name, good), number, ward in zip(*(rng.choices(p, k=count) for p in pools), strict=True)
        ]
        used = sum(map(len, batch))
        while used > size:
            used -= len(batch.pop())
        if not batch:
            break
        out += batch
        size -= used
    return out


def _spread(rng: random.Random, planted: list[str], more: list[str]) -> tuple[list[str], dict[int, str]]:
    """All lines, with the planted ones anywhere among the others, and where those are."""
    places = sorted(rng.randrange(len(more) + 1) for _ in planted)
    out: list[str] = []
    marks: dict[int, str] = {}
    done = 0
    for at, line in zip(places, planted, strict=True):
        out += more[done:at]
        marks[len(out)] = "coverage"
        out.append(line)
        done = at
    return out + more[done:], marks


def _documents(tables: Sequence[_Table]) -> tuple[tuple[Document, ...], tuple[Evidence, ...]]:
    documents = []
    evidence = []
    for table in tables:
        texts = [table.head, *table.lines]
        text = "".join(texts)
        id = document_id(table.source, text)
        csv = table.source.endswith(".csv")
        header = table.head.rstrip() if csv else ""
        documents.append(Document(id, table.source, text, "table" if csv else "markdown", header=header))
        ends = list(accumulate(map(len, texts)))
        for at, role in table.marks.items():
            evidence.append(Evidence(id, ends[at], ends[at + 1] - 1, role))
    return tuple(documents), tuple(evidence)


def _between(tables: tuple[Document, ...], notes: tuple[Document, ...]) -> tuple[Document, ...]:
    """Tables and notes, mixed evenly."""
    if not notes:
        return tables
    step = len(tables) / len(notes)
    ranked = [(at, 1, document) for at, document in enumerate(tables)]
    return tuple(
        document
        for *_, document in sorted(
            [
                *((float(at), kind, d) for at, kind, d in ranked),
                *((n * step, 0, d) for n, d in enumerate(notes)),
            ],
            key=lambda entry: entry[:2],
        )
    )


def _asked(question: str) -> tuple[str, dict[str, str]]:
    for kind, form in ASKS.items():
        if values := form.read(question):
            return kind, values
    raise Unsolvable(f"not a question of this task: {question}")


def _cells(line: str) -> list[str]:
    if line.startswith("|"):
        return [cell.strip() for cell in line.strip("|").split("|")]
    return line.split(",")


def _derive(question: str, lines: Iterable[str]) -> str:
    """Rows of either schema are told apart by their numbers of cells."""
    kind, asked = _asked(question)
    guild_of: dict[str, str] = {}
    deliveries: list[tuple[str, int]] = []
    for line in lines:
        cells = _cells(line)
        if len(cells) == len(_REGISTER) and cells[1] in _GUILDS:
            guild_of[cells[0]] = cells[1]
        elif len(cells) == len(_LEDGER) and cells[2] == asked["good"]:
            deliveries.append((cells[1], int(cells[3])))
    ours = [(name, number) for name, number in deliveries if guild_of.get(name) == asked["good2"]]
    if kind == "sum":
        return str(sum(number for _, number in ours))
    if kind == "rows":
        return str(sum(number > int(asked["number"]) for _, number in ours))
    totals: Counter[str] = Counter()
    for name, number in ours:
        totals[name] += number
    return one([name for name, total in totals.items() if total == max(totals.values())], question)


def _solve(question: str, evidence: Sequence[str]) -> str:
    return _derive(question, evidence)


def _prove(question: str, corpus: Corpus) -> str:
    tables = (document for document in corpus if document.kind in ("table", "markdown"))
    return _derive(question, (line for document in tables for line in document.text.splitlines()))


TABLE = Task("numerical", _make, _solve, _prove)
