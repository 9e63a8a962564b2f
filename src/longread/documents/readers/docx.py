"""Word documents as Markdown: headings, numbered lists, tables, notes and comments.

Read with lxml: mammoth leaves out the text of fields, equations and ruby and the numbers of clauses, and takes five
times as long; python-docx knows neither numbers nor notes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from lxml import etree

from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.composition import Composition, Headings, table_row
from longread.documents.readers.numbering import Numbering, in_format
from longread.documents.readers.package import Package, attribute, faults, local
from longread.documents.readers.styles import Style, Styles

_WHAT = "Word document"
_LINE_BREAKS = re.compile(r"[\r\n]+")
_POWER = re.compile(r"[-+−–]?\d+")
_UNSEEN = frozenset("pPr del moveFrom instrText delText rt Fallback sectPr sdtPr tblPr trPr tcPr".split())
"""What is not text of the document: properties, deletions, field codes, readings, repetitions."""
_WRAPPERS = frozenset("sdt sdtContent customXml ins moveTo AlternateContent Choice smartTag".split())
_WIDEST_CELL = 50
"""Columns that a cell may span."""
_LONGEST_AUTHOR = 80
_SYMBOLS = dict(
    zip(
        (*range(0x41, 0x5B), *range(0x61, 0x7B), 0xA3, 0xA5, 0xAE, 0xB0, 0xB1, 0xB3, 0xB4, 0xB9, 0xBB),
        "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖαβχδεφγηιϕκλμνοπθρστυϖωξψζ≤∞→°±≥×≠≈",
        strict=True,
    )
)
"""Characters of the font Symbol, which holds the Greek letters of older documents."""
_BOXES = {0x6F: "☐", 0xA8: "☐", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑"}
"""Characters of the font Wingdings that say yes or no."""
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes", "commentReference": "comments"}
"""The parts that hold what references in the text lead to."""
_UNREAD = {"chart": "charts", "diagramData": "diagrams", "aFChunk": "inserted files"}


class _Block(NamedTuple):
    text: str
    kind: str = ""
    """`item` of a list or `row` of a table, which stands right below one of its kind; `note`; else a paragraph."""
    title: str = ""
    level: int = 0
    """Of a heading, from 1."""


def read(data: bytes, name: str) -> Extract:
    """The body of a document; each heading begins a part, named with those above it.

    Notes and comments follow the paragraph, or the table's row, that they belong to. Deletions that wait for
    approval are left out, insertions are read, and so is what is hidden. What stands at the head and foot of pages
    is the last part, each text of it once.

    Raises:
        Unreadable: The file is broken or locked, or has no text.
    """
    out = Composition()
    headings = Headings()
    with faults(_WHAT):
        document = _Document(Package(data, _WHAT))
        before = None
        for block in document.body():
            if before is not None:
                out.add("\n" if block.kind == before in ("item", "row") else "\n\n")
            before = block.kind
            if block.level:
                out.part(headings.path(block.level, block.title))
            out.add(block.text)
        if margins := document.margins():
            out.add("\n\n" if before is not None else "")
            out.part("page headers and footers")
            out.add("\n\n".join(margins))
    if before is None and not margins:
        raise Unreadable(f"{_WHAT} without text")
    return out.extract("markdown", warnings=document.warnings())


class _Document:
    """The parts of one document, read in order: numbers of paragraphs and notes are counted on the way."""

    def __init__(self, package: Package) -> None:
        self._package = package
        main = package.main()
        self._root = package.xml(main)
        self._related = package.relations(main).values()
        self._styles = Styles(self._part("styles"))
        self._numbering = Numbering(self._part("numbering"))
        self._notes = {
            kind: {attribute(note, "id"): note for note in self._part(kind)} for kind in _NOTES.values()
        }
        self._marks = dict.fromkeys(_NOTES.values(), 0)

    def body(self) -> Iterator[_Block]:
        """Everything but the heads and feet of pages."""
        yield from self._blocks(self._root)

    def margins(self) -> list[str]:
        """The different texts at the heads and feet of pages. Those without a letter are page numbers."""
        found: dict[str, None] = {}
        for relation in self._related:
            if relation.kind in ("header", "footer") and relation.path in self._package:
                text = "\n".join(block.text for block in self._blocks(self._package.xml(relation.path)))
                if any(map(str.isalpha, text)):
                    found[text] = None
        return list(found)

    def warnings(self) -> tuple[str, ...]:
        """What of the document is not in its text."""
        kinds = {relation.kind for relation in self._related}
        return tuple(f"{what} are not read" for kind, what in _UNREAD.items() if kind in kinds)

    def _part(self, kind: str) -> etree._Element:
        """The root of the part of that kind; an empty one when there is none."""
        path = next((relation.path for relation in self._related if relation.kind == kind), "")
        return self._package.xml(path) if path in self._package else etree.Element("none")

    def _blocks(self, container: etree._Element) -> Iterator[_Block]:
        for child in container:
            match local(child):
                case "p":
                    yield from self._paragraph(child)
                case "tbl":
                    yield from self._table(child)
                case name if name not in _UNSEEN:
                    yield from self._blocks(child)

    def _paragraph(self, paragraph: etree._Element) -> Iterator[_Block]:
        runs = _Runs(self._mark)
        text = runs.text(paragraph).strip()
        properties = paragraph.find("{*}pPr")
        style = self._styles.of(properties)
        if not text and properties is not None and properties.find("{*}rPr/{*}del") is not None:
            number = ""  # deleted whole, which gives its number to the next one
        else:
            number = self._number(style)
        if text and style.heading:
            title = " ".join(f"{number} {text}".split())
            yield _Block(f"{'#' * min(style.heading, 6)} {title}", "", title, style.heading)
        elif text:
            indent = "  " * min(style.list_level or 0, 8) if number == "-" else ""
            yield _Block(f"{indent}{number} {text}" if number else text, "item" if number == "-" else "")
        for box in runs.boxes:
            yield from self._blocks(box)
        for kind, mark, id in runs.references:
            yield from self._note(kind, mark, id)

    def _number(self, style: Style) -> str:
        level = style.list_level
        if level is None:
            level = next(filter(None, (self._numbering.level_of(id, style.list) for id in style.ids)), 0)
        return self._numbering.label(style.list, level)

    def _mark(self, reference: etree._Element) -> tuple[str, str]:
        """The part that a reference leads to, and the mark of the note there."""
        kind = _NOTES[local(reference)]
        if attribute(reference, "customMarkFollows") not in ("", "0", "false"):
            return kind, "*"
        self._marks[kind] += 1
        return kind, in_format(self._marks[kind], "lowerRoman" if kind == "endnotes" else "decimal")

    def _note(self, kind: str, mark: str, id: str) -> Iterator[_Block]:
        """What a reference leads to. Given once: a broken note may lead to itself."""
        note = self._notes[kind].pop(id, None)
        if note is None:
            return
        blocks = list(self._blocks(note))
        text = "\n".join(block.text for block in blocks if block.kind != "note")
        if text and kind == "comments":
            author = " ".join(attribute(note, "author").split())[:_LONGEST_AUTHOR]
            yield _Block(f"[comment{f' by {author}' if author else ''}: {text}]", "note")
        elif text:
            yield _Block(f"[^{mark}]: {text}", "note")
        yield from (block for block in blocks if block.kind == "note")

    def _table(self, table: etree._Element) -> Iterator[_Block]:
        rows = [(row, list(_nearest(row, "tc"))) for row in _nearest(table, "tr")]
        # A table of one column is a frame around text of any kind.
        framed = all(len(cells) == 1 for _, cells in rows)
        for row, cells in rows:
            properties = row.find("{*}trPr")
            if properties is not None and properties.find("{*}del") is not None:
                continue
            if framed:
                yield from self._blocks(cells[0])
            else:
                yield from self._row(_columns(properties, "gridBefore", 0), cells)

    def _row(self, before: int, cells: list[etree._Element]) -> Iterator[_Block]:
        texts = [""] * before
        notes: list[_Block] = []
        for cell in cells:
            inside = []
            for block in self._blocks(cell):
                if block.kind == "note":
                    notes.append(block)
                elif block.kind == "row":  # of a table in the cell
                    inside.append(block.text[2:-2].replace(" | ", ", ") + ";")
                else:
                    inside.append(block.title or block.text)
            texts += [" ".join(inside)] + [""] * (_columns(cell.find("{*}tcPr"), "gridSpan", 1) - 1)
        if any(texts):
            yield _Block(table_row(texts), "row")
        yield from notes


class _Runs:
    """The text of one paragraph, and what hangs on it.

    Args:
        mark: Tells the kind and the mark of a note from the reference to it.
    """

    def __init__(self, mark: Callable[[etree._Element], tuple[str, str]]) -> None:
        self.boxes: list[etree._Element] = []
        """Text boxes that are anchored here."""
        self.references: list[tuple[str, str, str]] = []
        """Kind, mark and id of notes."""
        self._mark = mark
        self._in_code: list[bool] = []
        """For each field around a place, whether it is in the field's code rather than its result."""

    def text(self, element: etree._Element) -> str:
        """The text below an element."""
        return "".join(map(self._of, element))

    def _of(self, element: etree._Element) -> str:
        name = local(element)
        if name in _UNSEEN:
            return ""
        if name == "fldChar":
            self._turn(attribute(element, "fldCharType"))
        elif name == "checkBox":
            return _box(element)
        elif any(self._in_code):
            return self.text(element) if len(element) else ""
        match name:
            case "t":
                return _LINE_BREAKS.sub(" ", element.text or "")
            case "r":
                return _raised(element, self.text(element))
            case "tab" | "ptab":
                return "\t"
            case "br" | "cr":
                return "\n"
            case "noBreakHyphen":
                return "-"
            case "sym":
                return _symbol(attribute(element, "font"), attribute(element, "char"))
            case "txbxContent":
                self.boxes.append(element)
                return ""
            case "den" | "sup" | "sub":
                return {"den": "/", "sup": "^", "sub": "_"}[name] + _grouped(self.text(element))
            case "num":
                return _grouped(self.text(element))
        if name in _NOTES:
            kind, mark = self._mark(element)
            self.references.append((kind, mark, attribute(element, "id")))
            return f"[^{mark}]" if kind != "comments" and mark != "*" else ""
        return self.text(element)

    def _turn(self, at: str) -> None:
        """A field begins, ends, or goes from its code to its result."""
        if at == "begin":
            self._in_code.append(True)
        elif self._in_code and at == "separate":
            self._in_code[-1] = False
        elif self._in_code:
            self._in_code.pop()


def _nearest(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """The elements of that name below one, except for those within others of that name."""
    for child in element:
        if local(child) == name:
            yield child
        elif local(child) in _WRAPPERS:
            yield from _nearest(child, name)


def _columns(properties: etree._Element | None, name: str, otherwise: int) -> int:
    """How many columns of a table something takes up."""
    count = attribute(properties.find(f"{{*}}{name}")) if properties is not None else ""
    return min(int(count), _WIDEST_CELL) if count.isdecimal() and len(count) < 9 else otherwise


def _raised(run: etree._Element, text: str) -> str:
    """A run's text, with raised digits marked as such: ten to the sixth is not 106."""
    if _POWER.fullmatch(text) and attribute(run.find("{*}rPr/{*}vertAlign")) == "superscript":
        return f"^{text}"
    return text


def _grouped(formula: str) -> str:
    return formula if len(formula) < 2 or formula.isalnum() else f"({formula})"


def _symbol(font: str, code: str) -> str:
    """A character of a font with characters of its own."""
    try:
        at = int(code, 16)
    except ValueError:
        return ""
    if not 0xF000 <= at <= 0xF0FF:
        return chr(at) if 0x20 <= at < 0xD800 else ""
    table = _SYMBOLS if font.lower() == "symbol" else _BOXES if font.lower().startswith("wingdings") else {}
    return table.get(at - 0xF000, "•")


def _box(field: etree._Element) -> str:
    """The box of an old form, ticked or not."""
    state = field.find("{*}checked")
    state = field.find("{*}default") if state is None else state
    return "☐" if state is None or attribute(state) in ("0", "false", "off") else "☒"
