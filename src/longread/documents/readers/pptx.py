"""PowerPoint presentations: the text, tables, diagrams, charts and notes of every slide, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from longread.documents.readers.base import Extract, Unreadable, named
from longread.documents.readers.composition import Composition, table_row
from longread.documents.readers.package import Package, faults, local

_WHAT = "PowerPoint presentation"
_GAP = re.compile(r"\n\s*\n")
_FURNITURE = frozenset({"sldNum", "dt", "ftr", "hdr"})
"""Placeholders that say the same on every slide."""


def read(data: bytes, name: str) -> Extract:
    """All slides in order, hidden ones too; each is a part.

    Raises:
        Unreadable: The file is broken or locked, or no slide has text.
    """
    with faults(_WHAT):
        package = Package(data, _WHAT)
        main = package.main()
        related = package.relations(main)
        listed = package.xml(main).iterfind("{*}sldIdLst/{*}sldId")
        found = [related[id] for slide in listed for id in slide.attrib.values() if id in related]
        slides = [relation.path for relation in found if relation.kind == "slide"]
    out = Composition()
    empty: list[int] = []
    broken: list[int] = []
    for at, path in enumerate(slides, 1):
        out.part(f"slide {at}")
        try:
            with faults(_WHAT):
                text = "\n".join(_slide(package, path)).strip()
        except Unreadable:
            broken.append(at)
        else:
            if text:
                out.add(_GAP.sub("\n\n", text) + "\n\n")
            else:
                empty.append(at)
    if len(empty) + len(broken) == len(slides):
        raise Unreadable(f"{_WHAT} without text on any of its {len(slides)} slides")
    warnings = named(empty, len(slides), "slide", f"{'has' if len(empty) == 1 else 'have'} no text")
    warnings += named(broken, len(slides), "slide", "could not be read")
    if any(path.lower().startswith("ppt/comments/") for path in package):
        warnings += ("comments are not read",)
    return out.extract("markdown", warnings=warnings)


def _slide(package: Package, path: str) -> Iterator[str]:
    """Lines of a slide and of its notes."""
    slide = _Shapes(package, path)
    yield from slide.lines(package.xml(path))
    for relation in slide.related.values():
        if relation.kind == "notesSlide":
            notes = "\n".join(_Shapes(package, relation.path).lines(package.xml(relation.path))).strip()
            if notes:
                yield f"\nNotes: {notes}"


class _Shapes:
    """What the shapes of one slide say."""

    def __init__(self, package: Package, path: str) -> None:
        self._package = package
        self.related = package.relations(path)

    def lines(self, element: etree._Element) -> Iterator[str]:
        """The lines below an element in the order of the file, with an empty one after each shape."""
        for child in element:
            match local(child):
                case "sp":
                    yield from self._shape(child)
                    yield ""
                case "p":
                    yield _indent(child) + _text(child)
                case "tbl":
                    for row in child.iterfind("{*}tr"):
                        yield table_row(" ".join(self.lines(cell)) for cell in row.iterfind("{*}tc"))
                    yield ""
                case "relIds" | "chart":
                    yield from self._graphic(child)
                    yield ""
                case "Fallback":
                    pass  # says once more what stands before it
                case _:
                    yield from self.lines(child)

    def _shape(self, shape: etree._Element) -> Iterator[str]:
        placeholder = shape.find("{*}nvSpPr/{*}nvPr/{*}ph")
        role = placeholder.get("type") if placeholder is not None else None
        if role in ("title", "ctrTitle"):
            if title := " ".join(" ".join(self.lines(shape)).split()):
                yield f"# {title}"
        elif role not in _FURNITURE:
            yield from self.lines(shape)

    def _graphic(self, graphic: etree._Element) -> Iterator[str]:
        """The text of a diagram or chart, which is a part of its own."""
        for id in graphic.attrib.values():
            relation = self.related.get(str(id))
            if relation and relation.kind == "diagramData":
                yield from self.lines(self._package.xml(relation.path))
            elif relation and relation.kind == "chart":
                yield from _chart(self._package.xml(relation.path))


def _indent(paragraph: etree._Element) -> str:
    properties = paragraph.find("{*}pPr")
    level = properties.get("lvl", "0") if properties is not None else "0"
    return "  " * int(level) if level in tuple("12345678") else ""


def _text(element: etree._Element) -> str:
    """The text of the runs below an element."""
    match local(element):
        case "t":
            return " ".join(re.split(r"[\r\n]+", element.text or ""))
        case "br":
            return "\n"
        case "Fallback":
            return ""
    return "".join(map(_text, element))


def _chart(chart: etree._Element) -> Iterator[str]:
    """A chart's titles, and each series as `name: category value, ...`."""
    for title in chart.iter("{*}title"):
        yield " ".join(_text(title).split())
    for series in chart.iter("{*}ser"):
        name = " ".join(_points(series, "tx").values())
        categories = _points(series, "cat") or _points(series, "xVal")
        values = _points(series, "val") or _points(series, "yVal")
        yield f"{name}: " + ", ".join(f"{categories.get(at, '')} {values[at]}".strip() for at in values)


def _points(series: etree._Element, role: str) -> dict[str, str]:
    """The values of one role in a series, by their index."""
    points = series.iterfind(f"{{*}}{role}//{{*}}pt")
    return {point.get("idx", ""): " ".join((point.findtext("{*}v") or "").split()) for point in points}
