"""Tables as pages: a row is an entity, named by its first column of distinct names; a column is a relation.

A document is read in full or not at all. Questions go over all entries of their documents, so that a table which
cannot be made out, or an entity that two tables list, would leave their answers open.
"""

from __future__ import annotations

import csv
import datetime
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from longread.synth.base import Page
from longread.synth.facts.base import Fact
from longread.synth.links import Link, links
from longread.synth.schema import Relation, align, heading
from longread.synth.spelling import key
from longread.synth.values import Quantity, date, plain, quantity
from longread.types import Document

_SHEET = "Sheet: "
"""Begins each sheet of a workbook, and so its text."""
_DELIMITERS = ",;\t|"
_BETWEEN = " | "
"""Stands between the cells of a workbook's row."""
_GAP = "…"
"""Stands for many empty cells."""
_WIDE = re.compile(r"\S {2,}\S")
"""Between two cells of a table that was laid out."""
_RUN = re.compile(r"\S+(?: \S+)*")
_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
"""The line below the header of a Markdown table."""
_BAR = re.compile(r"(?<!\\)\|")
_BLOCK = re.compile(r"[^\n]*\S[^\n]*(?:\n[^\n]*\S[^\n]*)*")
"""Lines up to a blank one."""
_NAME = re.compile(r'(?=[^;"\n]*[^\W\d_])[^;"\n]{1,60}')
_LONGEST_HEADING = 80
_NOTHING = frozenset(("-", "–", "—", "?", "n/a", "na", "nan", "none", "null", "unknown", "n.a.", "..", "..."))
"""Cells that say that there is no value, in lower case."""
_SUMMARY = re.compile(
    r"(?:(?:grand |sub-?)?totals?|sum|averages?|mean|median|overall|all)[:.]?", re.IGNORECASE
)
"""Names of rows that are about the other rows."""
_NO_MEASURE = re.compile(r"(?:^| )(?:id|no|nr|rank|position|code|zip|phone|year)(?: |$)")
"""Labels of numbers that nobody adds or compares."""
_YEARS = range(1000, 2101)
_ISO = re.compile(r"\d{4}-\d\d-\d\d")


class Cell(NamedTuple):
    """What a table holds at one place, and where it stands in the text."""

    value: str
    start: int
    end: int


Grid = list[list[Cell]]
"""Rows of equal length, of which the first is the header."""


class _Table(NamedTuple):
    document: Document
    headings: list[str]
    rows: Grid
    """Without the header, and without rows on other rows."""
    naming: int
    """The column that names the rows."""


class Unclear(Exception):  # noqa: N818 -- nothing went wrong
    """A document has a table that could be read in more than one way."""


def pages(documents: Iterable[Document], taken: Iterable[str] = ()) -> Iterator[Page]:
    """The rows of all tables in CSV files, workbooks, web pages and Markdown.

    Of documents that list one entity twice the first is read, and none that lists one of those `taken`.
    """
    listed = set(map(key, taken))
    tables: list[_Table] = []
    for document in documents:
        own = _tables(document)
        names = [key(plain(row[table.naming].value)) for table in own for row in table.rows]
        if len(set(names)) == len(names) and listed.isdisjoint(names):
            listed.update(names)
            tables += own
    relations = align([table.headings for table in tables])
    measured = _measured(tables, relations)
    for table, columns in zip(tables, relations, strict=True):
        for row in table.rows:
            yield _page(table, row, columns, measured)


def grids(document: Document) -> Iterator[Grid]:
    """The tables of a document as its kind lays them out; Unclear where one cannot be made out."""
    reader: Callable[[str], Iterator[Grid]] | None = _READERS.get(document.kind)
    if document.kind == "table" and document.text.startswith(_SHEET):
        reader = _workbook
    if reader:
        yield from reader(document.text)


def _tables(document: Document) -> list[_Table]:
    try:
        return [_table(document, grid) for grid in grids(document)]
    except Unclear:
        return []


def _table(document: Document, grid: Grid) -> _Table:
    headings = [plain(cell.value) for cell in grid[0]]
    if not all(map(_heads, headings)):
        raise Unclear
    columns = list(zip(*grid[1:], strict=True))
    naming = next((n for n, cells in enumerate(columns) if _names(cells)), None)
    if naming is None:
        raise Unclear
    rows = [row for row in grid[1:] if not _SUMMARY.fullmatch(plain(row[naming].value))]
    return _Table(document, headings, rows, naming)


def _heads(text: str) -> bool:
    return (
        bool(heading(text).label) and len(text) <= _LONGEST_HEADING and not quantity(text) and not _date(text)
    )


def _names(cells: Sequence[Cell]) -> bool:
    """Whether a column names its rows: all are filled, distinct, and neither figures nor dates."""
    values = [plain(cell.value) for cell in cells]
    named = all(_NAME.fullmatch(v) and not quantity(v) and not _date(v) for v in values)
    return named and len(set(map(key, values))) == len(values)


def _measured(tables: Sequence[_Table], relations: Sequence[Sequence[Relation | None]]) -> set[str]:
    """The relations of measures: not of dates, years, ranks or codes, nor of figures such as `about 5` or `5-7`."""
    values: defaultdict[str, list[Quantity]] = defaultdict(list)
    strange: set[str] = set()
    for table, columns in zip(tables, relations, strict=True):
        for row in table.rows:
            for cell, relation in zip(row, columns, strict=True):
                if not relation:
                    continue
                if stated := _figure(cell, relation):
                    values[relation.name].append(stated)
                elif any(map(str.isdigit, cell.value)):
                    strange.add(relation.name)
    return {
        name
        for name, found in values.items()
        if name not in strange
        and not _NO_MEASURE.search(heading(name).label)
        and not all(not one.unit and one.number in _YEARS for one in found)
    }


def _figure(cell: Cell, relation: Relation) -> Quantity | None:
    """The quantity of a cell, whose unit its heading gives or it itself, but not each another."""
    stated, value = quantity(cell.value), plain(cell.value)
    if not stated or not (relation.unit or relation.shift):
        return stated
    if stated.unit not in ("", relation.unit) or any(map(str.isalpha, value.replace(relation.unit, ""))):
        return None
    return Quantity(stated.number.scaleb(relation.shift), relation.unit, stated.year)


def _page(table: _Table, row: Sequence[Cell], columns: Sequence[Relation | None], measured: set[str]) -> Page:
    doc, name = table.document.id, plain(row[table.naming].value)
    facts: dict[str, Fact] = {}
    quantities: dict[str, Quantity] = {}
    dates: dict[str, datetime.date] = {}
    lists: dict[str, tuple[Link, ...]] = {}
    for cell, relation in zip(row, columns, strict=True):
        if not relation or not _filled(cell):
            continue
        fact = facts[relation.name] = Fact(doc, relation.name, *cell)
        if day := _date(cell.value):
            dates[relation.name] = day
        elif relation.name in measured and (stated := _figure(cell, relation)):
            quantities[relation.name] = stated
        elif found := links(fact, {}):
            lists[relation.name] = found
    return Page(doc, name, facts, quantities, dates, lists)


def _delimited(text: str) -> Iterator[Grid]:
    """A CSV file, by the delimiter that makes most columns of it."""
    found = [grid for delimiter in _DELIMITERS if (grid := _split(text, delimiter))]
    if not found:
        raise Unclear
    yield max(found, key=lambda grid: len(grid[0]))


def _split(text: str, delimiter: str) -> Grid | None:
    """What the csv module reads, each cell found where it stands; None unless all rows have as many cells."""
    grid: Grid = []
    at = 0
    try:
        for row in csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True):
            cells = []
            for value in row:
                inset = int(text.startswith('"', at))
                written = value.replace('"', '""') if inset else value
                start, end = at + inset, at + inset + len(written)
                if text[start:end] != written:
                    return None
                cells.append(Cell(value, start, end) if inset else _cell(text, start, end))
                at = end + inset + 1
            if cells:
                grid.append(cells)
            else:
                at += 1  # a blank line
    except csv.Error:
        return None
    return grid if _even(grid) else None


def _workbook(text: str) -> Iterator[Grid]:
    """Sheets with one table each, below a title or not."""
    begun = False
    for block in _BLOCK.finditer(text):
        lines = _lines(text, block.start(), block.end())
        if len(lines) == 1 and text.startswith(_SHEET, block.start()):
            begun = True
            continue
        rows = [_between(text, start, end) for start, end in lines]
        while rows and len(rows[0]) == 1:
            del rows[0]
        if not rows:
            continue
        if not begun or any(cell.value == _GAP for row in rows for cell in row):
            raise Unclear
        begun = False
        yield _padded(rows)


def _laid_out(text: str) -> Iterator[Grid]:
    """Blocks of lines whose cells stand below each other, two spaces or more apart."""
    for block in _BLOCK.finditer(text):
        lines = _lines(text, block.start(), block.end())
        while lines and not _WIDE.search(text, *lines[0]):  # a caption
            del lines[0]
        if sum(bool(_WIDE.search(text, *line)) for line in lines) < 2:
            continue
        columns = zip_longest(*(text[start:end] for start, end in lines), fillvalue=" ")
        mask = "".join(" " if all(map(str.isspace, column)) else "x" for column in columns)
        runs = [run.span() for run in _RUN.finditer(mask)]
        grid = [
            [_cell(text, min(start + left, end), min(start + right, end)) for left, right in runs]
            for start, end in lines
        ]
        # A line with one cell goes on with a cell of the line above.
        if not _even(grid) or any(
            "  " in cell.value or sum(bool(cell.value) for cell in row) < 2 for row in grid for cell in row
        ):
            raise Unclear
        yield grid


def _piped(text: str) -> Iterator[Grid]:
    """Tables of Markdown."""
    lines = _lines(text, 0, len(text))
    for number, (start, end) in enumerate(lines[1:], 1):
        if "|" not in text[start:end] or not _RULE.fullmatch(text, start, end):
            continue
        header = _bars(text, *lines[number - 1])
        if len(header) != len(_bars(text, start, end)):
            continue
        rows = [header]
        for line in lines[number + 1 :]:
            if "|" not in text[slice(*line)]:
                break
            rows.append(_bars(text, *line))
        yield _padded(rows)


def _bars(text: str, start: int, end: int) -> list[Cell]:
    """The cells of a row of Markdown, with or without bars at its ends, without emphasis."""
    row = _cell(text, start, end)
    start = row.start + text.startswith("|", row.start)
    at = [bar.start() for bar in _BAR.finditer(text, start, row.end)]
    end = at.pop() if at and at[-1] == row.end - 1 else row.end
    cells = [
        _cell(text, a, b, " \t*`") for a, b in zip([start, *(n + 1 for n in at)], [*at, end], strict=True)
    ]
    return [cell._replace(value=cell.value.replace("\\|", "|")) for cell in cells]


def _between(text: str, start: int, end: int) -> list[Cell]:
    """The cells of a workbook's row."""
    cells = []
    while (at := text.find(_BETWEEN, start, end)) >= 0:
        cells.append(_cell(text, start, at))
        start = at + len(_BETWEEN)
    return [*cells, _cell(text, start, end)]


def _padded(rows: Grid) -> Grid:
    """Rows with the empty cells at their ends; Unclear when one is longer than the header."""
    width = len(rows[0])
    grid = [row + [Cell("", row[-1].end, row[-1].end)] * (width - len(row)) for row in rows]
    if not _even(grid):
        raise Unclear
    return grid


def _even(grid: Grid) -> bool:
    """Whether it is a table at all: a header, a row, two columns, and all rows of one length."""
    return len(grid) > 1 and len(grid[0]) > 1 and all(len(row) == len(grid[0]) for row in grid)


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    lines = []
    while (at := text.find("\n", start, end)) >= 0:
        lines.append((start, at))
        start = at + 1
    return [*lines, (start, end)]


def _cell(text: str, start: int, end: int, outer: str = " \t\xa0") -> Cell:
    """What stands there, without outer space."""
    value = text[start:end]
    start += len(value) - len(value.lstrip(outer))
    value = value.strip(outer)
    return Cell(value, start, start + len(value))


def _filled(cell: Cell) -> bool:
    value = plain(cell.value)
    return bool(value) and value.casefold() not in _NOTHING


def _date(text: str) -> datetime.date | None:
    value = plain(text)
    if not _ISO.fullmatch(value):
        return date(value)
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        return None


_READERS: dict[str, Callable[[str], Iterator[Grid]]] = {
    "table": _delimited,
    "html": _laid_out,
    "markdown": _piped,
}
