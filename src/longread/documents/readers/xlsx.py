"""Excel workbooks: the values of every sheet, a line a row.

Read with lxml, row after row. calamine allocates the whole rectangle up to the outermost cell, so that a file of
five kilobytes ends the process (tafia/calamine#693); openpyxl is no faster, and gives a
far-off cell a million empty rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.cells import number, shapes
from longread.documents.readers.composition import Composition
from longread.documents.readers.package import Package, faults

_WHAT = "Excel workbook"
_LONGEST_HEADER = 2000
"""Characters. It is repeated above every chunk."""
_TITLE_ROWS = 20
"""Rows in which the one with the column names is looked for."""
_WIDEST_GAP = 9
"""Empty cells in a row that are shown one by one; a sheet may have sixteen thousand columns."""
_LAST_ROW = 1 << 20
_COLUMN = re.compile(r"[A-Z]{1,3}")
_PLAIN_OR_RUNS = etree.XPath("*[local-name()='t'] | *[local-name()='r']/*[local-name()='t']")
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")


class _Row(NamedTuple):
    number: int
    cells: list[tuple[int, str]]
    """Column from 0 and text, without empty cells."""


def read(data: bytes, name: str) -> Extract:
    """All sheets in order, each under its name; each row is a part, so that it can be found again.

    A line holds a row's values up to the last; formulas give the value stored with them. Rows without values are
    left out. The row with the column names becomes the header, unless sheets differ in it.

    Raises:
        Unreadable: The file is broken or locked, or no cell has a value.
    """
    out = Composition()
    with faults(_WHAT):
        book = _Book(Package(data, _WHAT))
        headers = {_sheet(out, sheet, book.rows(path)) for sheet, path in book.sheets()} - {None}
    if not out.parts:
        raise Unreadable(f"{_WHAT} without values")
    return out.extract("table", headers.pop() or "" if len(headers) == 1 else "", book.warnings())


def _sheet(out: Composition, name: str, rows: Iterator[_Row]) -> str | None:
    """Adds a sheet's rows to `out`; returns its column names, or None when it has no values."""
    first: list[tuple[int, str]] = []
    last = widest = 0
    for row in rows:
        if not last:
            out.add("\n" if out.parts else "")
            out.part(f"sheet {name}")
            out.add(f"Sheet: {name}\n")
        if row.number != last + 1 or not last:
            out.add("\n")
        line = _line(row.cells)
        out.part(f"sheet {name}, row {row.number}")
        out.add(f"{line}\n")
        last = row.number
        widest = max(widest, len(row.cells))
        if len(first) < _TITLE_ROWS:
            first.append((len(row.cells), line))
    if not last:
        return None
    # Titles above a table fill a cell or two; its column names fill most of its width.
    header = next((line for filled, line in first if filled >= max(2, widest / 2)), "")
    return header if len(header) <= _LONGEST_HEADER else ""


def _line(cells: list[tuple[int, str]]) -> str:
    shown: list[str] = []
    following = 0
    for column, text in cells:
        gap = column - following
        shown += [""] * gap if gap <= _WIDEST_GAP else ["…"]
        shown.append(text)
        following = column + 1
    return " | ".join(shown)


class _Book:
    """A workbook's sheets and what their cells refer to."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = package.main()
        self._root = package.xml(main)
        self._relations = package.relations(main)
        settings = self._root.find("{*}workbookPr")
        self._since_1904 = settings is not None and settings.get("date1904") in ("1", "true")
        paths = {relation.kind: relation.path for relation in self._relations.values()}
        self._shapes = shapes(package.xml(paths["styles"])) if "styles" in paths else []
        self._shared = list(self._strings(paths["sharedStrings"])) if "sharedStrings" in paths else []
        self._columns = _Columns()
        self._without_value = 0

    def sheets(self) -> Iterator[tuple[str, str]]:
        """Name and part of each sheet that has cells, hidden ones included."""
        for sheet in self._root.iterfind("{*}sheets/{*}sheet"):
            id = next((value for key, value in sheet.attrib.items() if key.endswith("}id")), "")
            relation = self._relations.get(id)
            if relation and relation.kind == "worksheet":
                yield _clean(sheet.get("name", ""))[:100], relation.path

    def rows(self, path: str) -> Iterator[_Row]:
        """A sheet's rows that have values."""
        at = 0
        for row in self._elements(path, "{*}row"):
            at = int(row.get("r", at + 1))
            if not 0 < at <= _LAST_ROW:
                raise Unreadable(f"broken {_WHAT}: {at} is not a row")
            if cells := list(self._cells(row)):
                yield _Row(at, cells)

    def warnings(self) -> tuple[str, ...]:
        """What of the workbook is not in the rows read so far."""
        found = []
        if self._without_value:
            found.append(
                f"{self._without_value:,} formula{'s have' if self._without_value > 1 else ' has'} no stored value; "
                "a spreadsheet program stores them"
            )
        if any("comments" in path.lower() for path in self._package):
            found.append("comments are not read")
        return tuple(found)

    def _elements(self, path: str, tag: str) -> Iterator[etree._Element]:
        """The elements of one kind in a part, each forgotten before the next one comes."""
        with self._package.open(path) as stream:
            for _, element in etree.iterparse(
                stream,
                tag=tag,
                no_network=True,
                resolve_entities=False,
                remove_comments=True,
                remove_pis=True,
            ):
                yield element
                parent = element.getparent()
                element.clear()
                while parent is not None and element.getprevious() is not None:
                    del parent[0]

    def _strings(self, path: str) -> Iterator[str]:
        """The texts that cells share."""
        for element in self._elements(path, "{*}si"):
            yield _text(element)

    def _cells(self, row: etree._Element) -> Iterator[tuple[int, str]]:
        column = -1
        for cell in row:
            reference = cell.get("r")
            letters = reference.rstrip("0123456789") if reference else ""
            # A cell without reference stands beside the one before.
            column = self._columns[letters] if letters else column + 1
            if text := self._value(cell):
                yield column, text

    def _value(self, cell: etree._Element) -> str:
        """What a cell shows."""
        kind = cell.get("t", "n")
        raw = None
        for child in cell:
            if child.tag.endswith("}v"):
                raw = child.text
            elif child.tag.endswith("}is"):
                return _text(child)
        if raw is None:
            self._without_value += kind != "str" and cell.find("{*}f") is not None
            return ""
        if kind == "s":
            at = int(raw)
            if not 0 <= at < len(self._shared):
                raise Unreadable(f"broken {_WHAT}: a cell shows a text that is missing")
            return self._shared[at]
        if kind == "b":
            return "TRUE" if raw in ("1", "true") else "FALSE"
        if kind != "n":
            return _clean(raw)
        style = int(cell.get("s", 0))
        return number(raw, self._shapes[style] if style < len(self._shapes) else "number", self._since_1904)


class _Columns(dict[str, int]):
    """The number of each column, from 0, by its letters."""

    def __missing__(self, letters: str) -> int:
        if not _COLUMN.fullmatch(letters):
            raise Unreadable(f"broken {_WHAT}: {letters[:20]!r} is not a column")
        number = 0
        for letter in letters:
            number = number * 26 + ord(letter) - 64
        self[letters] = number - 1
        return number - 1


def _text(element: etree._Element) -> str:
    """The text of a string item: plain, or in runs; not how it is pronounced."""
    return _clean("".join(found.text or "" for found in _PLAIN_OR_RUNS(element)))


def _clean(text: str) -> str:
    """Text on one line, with characters that XML cannot hold put back where they can be shown."""
    if "_x" in text:
        text = _ESCAPED.sub(_unescaped, text)
    return " ".join(text.split())


def _unescaped(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return character if character >= " " and not "\ud800" <= character <= "\udfff" else " "
