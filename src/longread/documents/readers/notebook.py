"""Jupyter notebooks as Markdown: text cells as they are, code and its output fenced."""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import loads
from typing import Any

from longread.documents.readers import html, json
from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.characters import one_line, writable
from longread.documents.readers.composition import Composition
from longread.documents.readers.encoding import decode

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""What colours text and moves the cursor of a terminal."""
_OBJECT = re.compile(r"<[^\n]*>")
"""`<Figure size 640x480 with 1 Axes>`: stands for what only a notebook can show."""
_INLINE_IMAGE = re.compile(r"(data:image/[\w.+-]{1,40});base64,[\w+/=-]+")
_TICKS = re.compile(r"`{3,}")


def read(data: bytes, name: str) -> Extract:
    """The cells in order, each a part. Figures are counted; what is no notebook is read as JSON.

    Raises:
        Unreadable: No cell has text.
    """
    text, warnings = decode(data)
    try:
        notebook = loads(text)
        cells = _cells(notebook)
    except (ValueError, RecursionError, _NoNotebook):
        return json.read(data, name)
    reading = _Reading(_language(notebook))
    out = Composition()
    for number, cell in enumerate(cells, 1):
        if blocks := [block for block in reading.blocks(cell) if block.strip()]:
            out.part(f"cell {number}")
            out.add(writable("\n\n".join(blocks)) + "\n\n")
    if not out.parts:
        raise Unreadable("notebook without text")
    if reading.figures:
        warnings += (f"{reading.figures} figure{'' if reading.figures == 1 else 's'} left out",)
    return out.extract("markdown", warnings=warnings)


class _NoNotebook(Exception):  # noqa: N818 -- a turn in the road
    """JSON of another kind."""


def _cells(notebook: Any) -> list[Any]:
    """The cells of format 4, or those of all the sheets of format 3."""
    cells: list[Any] = _get(notebook, "cells", list)
    for sheet in _get(notebook, "worksheets", list):
        cells = cells + _get(sheet, "cells", list)
    if not cells:
        raise _NoNotebook
    return cells


def _language(notebook: Any) -> str:
    metadata = _get(notebook, "metadata", dict)
    named = _get(_get(metadata, "language_info", dict), "name", str)
    return one_line(named or _get(_get(metadata, "kernelspec", dict), "language", str)) or "python"


class _Reading:
    """Turns cells into Markdown and counts what is no text."""

    def __init__(self, language: str) -> None:
        self.figures = 0
        self._language = language

    def blocks(self, cell: Any) -> Iterator[str]:
        """The source of a cell, then its outputs."""
        source = _joined(cell, "source") or _joined(cell, "input")
        match _get(cell, "cell_type", str):
            case "code":
                yield _fenced(source, one_line(_get(cell, "language", str)) or self._language)
                for output in _get(cell, "outputs", list):
                    yield self._output(output)
            case "heading":
                level = _get(cell, "level", int) or 1
                yield "#" * min(max(level, 1), 6) + f" {source}"
            case _:
                yield self._without_images(source)

    def _output(self, output: Any) -> str:
        match _get(output, "output_type", str):
            case "stream":
                return _fenced(_screen(_joined(output, "text")), "output")
            case "error" | "pyerr":
                lines = "\n".join(line for line in _get(output, "traceback", list) if isinstance(line, str))
                raised = f"{_get(output, 'ename', str)}: {_get(output, 'evalue', str)}"
                return _fenced(_screen(lines or raised), "error")
            case _:
                # Format 3 has no bundle: the forms lie in the output itself, under short names.
                return self._richest(
                    _get(output, "data", dict) or (output if isinstance(output, dict) else {})
                )

    def _richest(self, forms: dict[str, Any]) -> str:
        """The form of a result that says most as text."""
        image = any(form.startswith("image/") or form in ("png", "jpeg", "svg") for form in forms)
        self.figures += image
        if markdown := _joined(forms, "text/markdown"):
            return self._without_images(markdown)
        plain = _screen(_joined(forms, "text/plain") or _joined(forms, "text")).strip("\n")
        if plain and not _OBJECT.fullmatch(plain):
            return _fenced(plain, "output")
        if page := _joined(forms, "text/html") or _joined(forms, "html"):
            try:
                return html.read(page.encode("utf-8", "replace"), "output.html").text
            except Unreadable:
                pass  # a figure drawn by a script
        if latex := _joined(forms, "text/latex") or _joined(forms, "latex"):
            return latex
        return "" if image else _fenced(plain, "output")

    def _without_images(self, source: str) -> str:
        source, count = _INLINE_IMAGE.subn(r"\1", source)
        self.figures += count + source.count("](attachment:")
        return source


def _get(value: Any, name: str, kind: type[Any]) -> Any:
    """A member of an object, or the empty value of its kind when that is not what is there."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, kind) else kind()


def _joined(value: Any, name: str) -> str:
    """Text that is stored whole or as lines."""
    lines = _get(value, name, list)
    return "".join(line for line in lines if isinstance(line, str)) or str(_get(value, name, str))


def _screen(text: str) -> str:
    """What a terminal would show: no colours, and of each progress bar its last state."""
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)


def _fenced(text: str, language: str) -> str:
    if not text.strip():
        return ""
    fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(text)), default=0))
    return f"{fence}{language}\n{text.strip(chr(10))}\n{fence}"
