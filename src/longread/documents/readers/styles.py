"""What the styles of a Word document make of its paragraphs: headings, and members of numbered lists."""

from __future__ import annotations

import re
from typing import NamedTuple

from lxml import etree

from longread.documents.readers.package import attribute

_HEADING = re.compile(r"heading ([1-9])", re.I)
_ANCESTORS = 20
"""Styles above a style that are looked at: a broken file may have them in a circle."""


class Style(NamedTuple):
    """What paragraph properties and the styles that they name come to."""

    ids: tuple[str, ...] = ()
    """The style and those it is based on."""
    heading: int = 0
    """Level from 1; 0 for other text."""
    list: str = ""
    list_level: int | None = None


class Styles:
    """The paragraph styles of a document."""

    def __init__(self, root: etree._Element) -> None:
        self._elements: dict[str, etree._Element] = {}
        self._known: dict[str, Style] = {"": Style()}
        self._default = ""
        for style in root.iterfind("{*}style"):
            id = attribute(style, "styleId")
            self._elements[id] = style
            if attribute(style, "type") == "paragraph" and attribute(style, "default") in ("1", "true"):
                self._default = id

    def of(self, properties: etree._Element | None) -> Style:
        """What counts for a paragraph with these properties."""
        id = attribute(properties.find("{*}pStyle")) if properties is not None else ""
        id = id if id in self._elements else self._default
        if id not in self._known:
            self._known[id] = self._named(id)
        return self._known[id] if properties is None else _changed(self._known[id], properties)

    def _named(self, id: str) -> Style:
        ids: list[str] = []
        while id in self._elements and len(ids) < _ANCESTORS:
            ids.append(id)
            id = attribute(self._elements[id].find("{*}basedOn"))
        style = Style(tuple(ids))
        for id in reversed(ids):
            element = self._elements[id]
            name = attribute(element.find("{*}name"))
            if heading := _HEADING.fullmatch(name):
                style = style._replace(heading=int(heading[1]))
            elif name.lower() == "title":
                style = style._replace(heading=1)
            properties = element.find("{*}pPr")
            if properties is not None:
                style = _changed(style, properties)
        return style


def _changed(style: Style, properties: etree._Element) -> Style:
    """A style with what a paragraph or style says otherwise."""
    outline = attribute(properties.find("{*}outlineLvl"))
    if outline.isdecimal():
        style = style._replace(heading=int(outline) + 1 if outline in "012345678" else 0)
    numbers = properties.find("{*}numPr")
    if numbers is not None:
        list = attribute(numbers.find("{*}numId"))
        level = attribute(numbers.find("{*}ilvl"))
        # Without a level, the one counts that the list gives to the style.
        style = style._replace(
            list=list or style.list,
            list_level=int(level)
            if level.isdecimal() and len(level) < 3
            else None
            if list
            else style.list_level,
        )
    return style
