"""Tables on fictional companies as files of four formats, the same for the same seed."""

from __future__ import annotations

import csv
import datetime
import io
import random
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from tests.synth.pages import split

Row = Sequence[object]
FORMATS = ("csv", "tsv", "html", "md", "xlsx")
_FIRST = (
    "Al",
    "Ber",
    "Cas",
    "Dor",
    "Eri",
    "Fal",
    "Gre",
    "Hol",
    "Ist",
    "Jun",
    "Kel",
    "Lor",
    "Mar",
    "Nev",
    "Orl",
    "Pra",
)
_SECOND = (
    "bana",
    "dine",
    "fern",
    "gate",
    "horn",
    "kova",
    "lind",
    "mont",
    "nova",
    "pass",
    "ridge",
    "stad",
    "tara",
    "vale",
)
_THIRD = ("Foods", "Mining", "Optics", "Rail", "Shipping", "Steel", "Systems", "Timber")
_PEOPLE = (
    "Ada",
    "Boris",
    "Clara",
    "Dmitri",
    "Elena",
    "Farid",
    "Greta",
    "Hugo",
    "Ines",
    "Jonas",
    "Kira",
    "Leon",
)


def write(folder: Path, files: int = 60, seed: int = 0) -> None:
    """That many files, of 5 to 40 rows each; one in eight is of the evaluation split."""
    rng = random.Random(f"tables:{seed}")
    names = [f"{a}{b} {c}" for a in _FIRST for b in _SECOND for c in _THIRD]
    people = [
        f"{a} {b.capitalize()}{c}"
        for a in _PEOPLE
        for b in _SECOND
        for c in ("", "n", "son", "ski", "ton", "wick")
    ]
    rng.shuffle(names)
    rng.shuffle(people)
    folder.mkdir(parents=True)
    listed = [[names.pop() for _ in range(rng.randint(5, 40))] for _ in range(files)]
    splits = ["evaluation" if number % 8 == 7 else "train" for number in range(files)]
    for number, (own, wanted) in enumerate(zip(listed, splits, strict=True)):
        kind = FORMATS[number % len(FORMATS)]
        others = [name for some, of in zip(listed, splits, strict=True) if of == wanted for name in some]
        places = (folder / f"companies-{number}-{n}.{kind}" for n in range(999))
        place = next(place for place in places if split(str(place)) == wanted)
        place.write_bytes(encoded(_rows(rng, own, others, people, number), kind))


def encoded(rows: Sequence[Row], kind: str) -> bytes:
    """A table, the header first, as a file."""
    if kind == "xlsx":
        return _workbook(rows)
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if kind in ("csv", "tsv"):
        out = io.StringIO()
        csv.writer(out, delimiter="," if kind == "csv" else "\t").writerows(texts)
        return out.getvalue().encode()
    if kind == "md":
        lines = [f"| {' | '.join(row)} |" for row in texts]
        return "\n".join(["# Companies", "", lines[0], "|" + "---|" * len(texts[0]), *lines[1:], ""]).encode()
    cells = ("".join(f"<td>{cell}</td>" for cell in row) for row in texts)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<html><title>Companies</title><table>{body}</table></html>".encode()


def _workbook(rows: Sequence[Row]) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("Companies")
        for y, row in enumerate(rows):
            for x, cell in enumerate(row):
                if isinstance(cell, datetime.date):
                    sheet.write_datetime(y, x, datetime.datetime.combine(cell, datetime.time()), day)
                elif cell is not None:
                    sheet.write(y, x, cell)
    return out.getvalue()


def _rows(
    rng: random.Random, names: Sequence[str], others: Sequence[str], people: list[str], number: int
) -> list[Row]:
    in_billions = number % 7 == 3
    header = (
        ("Company", "Revenue (USD million)", "Employees (2023)", "Founded", "Chief executive", "Customers"),
        ("company", "Revenue (USD billion)" if in_billions else "REVENUE [USD million]", "Employees", "founded",
         "Chief Executive", "Customers"),
    )[number % 2 or in_billions]  # fmt: skip
    rows: list[Row] = [header]
    for name in names:
        revenue = rng.randint(10_000, 9_999_999)
        listed = rng.sample([other for other in others if other != name], 3)
        shares = sorted(rng.sample(range(5, 33), 3), reverse=True)
        rows.append(
            (
                name,
                revenue / 100_000 if in_billions else revenue / 100,
                None if rng.random() < 0.1 else rng.randint(50, 90_000),
                datetime.date(rng.randint(1902, 2015), rng.randint(1, 12), rng.randint(1, 28)),
                people.pop() if people else None,
                "; ".join(f"{who} {share}%" for who, share in zip(listed, shares, strict=True)),
            )
        )
    return rows
