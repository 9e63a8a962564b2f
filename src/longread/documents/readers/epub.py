"""EPUB books: the pages of the spine, under the titles that the table of contents gives them."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from lxml import etree

from longread.documents.readers import html
from longread.documents.readers.base import Extract, Unreadable, named
from longread.documents.readers.characters import one_line
from longread.documents.readers.composition import Composition
from longread.documents.readers.package import Package, faults, resolve

_WHAT = "EPUB book"
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_OPS_TYPE = "{http://www.idpf.org/2007/ops}type"
_TAG = re.compile(rb"<[A-Za-z][^<>]*>")
_ID = re.compile(rb"""\sid\s*=\s*["']([^"']*)["']""")
_MARK = re.compile(r"^\ue0f0(\d{1,6})\ue0f1\s*|\ue0f0(\d{1,6})\ue0f1", re.MULTILINE)


def read(data: bytes, name: str) -> Extract:
    """The pages of a book in reading order; each place that the table of contents leads to begins a part.

    Raises:
        Unreadable: The file is broken or locked, or no page has text.
    """
    with faults(_WHAT):
        package = Package(data, _WHAT)
        book = _open(package)
        locked = _locked(package)
    if any(path.lower() in locked for path in book.spine):
        raise Unreadable(f"encrypted {_WHAT}: the seller's lock (DRM) has to be removed first")
    out = Composition()
    empty: list[int] = []
    missing: list[str] = []
    fault = f"{_WHAT} without text in any of its {len(book.spine)} chapters"
    for number, path in enumerate(book.spine, 1):
        if path not in package:
            missing.append(one_line(path))
            continue
        try:
            with faults(_WHAT):
                page = package.read(path)
                places = book.contents[path]
                label = places.get("") or _title(package, path, book.title) or f"chapter {number}"
                pieces = list(_pieces(page, places, label))
        except Unreadable as error:
            empty.append(number)
            fault = str(error) if str(error).startswith("broken") else fault
            continue
        for label, text in pieces:
            if not out.parts or out.parts[-1].label != label:
                out.part(label)
            out.add(text)
        out.add("\n\n")
    if len(empty) + len(missing) == len(book.spine):
        raise Unreadable(fault)
    total = len(book.spine)
    warnings = named(empty, total, "chapter", f"{'has' if len(empty) == 1 else 'have'} no readable text")
    if missing:
        is_missing = "is missing" if len(missing) == 1 else "are missing"
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        warnings += (f"{len(missing)} of {total} chapters {is_missing}: {', '.join(missing[:5])}{more}",)
    return out.extract("html", warnings=warnings)


class _Book(NamedTuple):
    title: str
    spine: list[str]
    """The parts that hold its pages, in reading order."""
    contents: dict[str, dict[str, str]]
    """Titles in a page: by the id of the element where they begin, `""` for the page itself."""


def _open(package: Package) -> _Book:
    """Where the package document and the table of contents say everything is."""
    roots = (element.get("full-path", "") for element in package.xml(_CONTAINER).iter("{*}rootfile"))
    path = next(roots, "")
    root = package.xml(path, recover=True)
    folder = posixpath.dirname(path)
    items = {item.get("id"): item for item in root.iterfind("{*}manifest/{*}item")}
    paths = {id: resolve(folder, item.get("href", "")) for id, item in items.items()}
    spine = [
        paths[ref.get("idref")] for ref in root.iterfind("{*}spine/{*}itemref") if ref.get("idref") in paths
    ]
    contents: dict[str, dict[str, str]] = defaultdict(dict)
    for id, item in items.items():
        if (
            "nav" in item.get("properties", "").split()
            or item.get("media-type") == "application/x-dtbncx+xml"
        ):
            for target, title in _entries(package, paths[id]):
                place, _, fragment = target.partition("#")
                contents[resolve(posixpath.dirname(paths[id]), place)].setdefault(unquote(fragment), title)
    # A page that is listed a thousand times is read once.
    return _Book(one_line(root.findtext(".//{*}title") or ""), list(dict.fromkeys(spine)), contents)


def _entries(package: Package, path: str) -> Iterator[tuple[str, str]]:
    """Where each entry of a table of contents leads, and its words; none from a broken one."""
    try:
        with faults(_WHAT):
            root = package.xml(path, recover=True)
    except Unreadable:
        return
    for nav in root.iter("{*}nav"):
        if "toc" in nav.get(_OPS_TYPE, "").split():
            for link in nav.iter("{*}a"):
                yield link.get("href", ""), _words(link)
    for point in root.iter("{*}navPoint"):
        content, label = point.find("{*}content"), point.find("{*}navLabel")
        if content is not None and label is not None:
            yield content.get("src", ""), _words(label)


def _locked(package: Package) -> set[str]:
    """Parts that are no plain files, in lower case: pages under a lock, or only fonts."""
    if _ENCRYPTION not in package:
        return set()
    references = package.xml(_ENCRYPTION).iter("{*}CipherReference")
    return {resolve("", reference.get("URI", "")).lower() for reference in references}


def _title(package: Package, path: str, book: str) -> str:
    """What a page calls itself: by its title, unless that is the book's, or its first heading."""
    root = package.xml(path, recover=True)
    for element in root.iter("{*}title", "{*}h1", "{*}h2", "{*}h3"):
        if (words := _words(element)) and words != book:
            return words
    return ""


def _words(element: etree._Element) -> str:
    return one_line("".join(element.itertext()))


def _pieces(page: bytes, places: dict[str, str], label: str) -> Iterator[tuple[str, str]]:
    """The text of a page, cut where titles begin, each piece with its label."""
    ids = {fragment.encode(): title for fragment, title in places.items() if fragment and title}
    titles: list[str] = []

    def mark(tag: re.Match[bytes]) -> bytes:
        id = _ID.search(tag[0])
        if not id or id[1] not in ids:
            return tag[0]
        titles.append(ids.pop(id[1]))
        return tag[0] + b"&#xe0f0;%d&#xe0f1;" % (len(titles) - 1)

    text = html.read(_TAG.sub(mark, page) if ids else page, "page.xhtml").text
    marks = list(_MARK.finditer(text))
    # Anything else where the layout lost or moved a mark, or the page has such characters of its own.
    if [int(found[1] or found[2]) for found in marks] != list(range(len(titles))):
        marks, text = [], html.read(page, "page.xhtml").text
    if marks and not places.get("") and "\n" not in text[: marks[0].start()].strip():
        label = titles[0]  # only what the page is called stands above
    at = 0
    for found in marks:
        if found.start() > at:
            yield label, text[at : found.start()]
        label, at = titles[int(found[1] or found[2])], found.end()
    yield label, text[at:]
