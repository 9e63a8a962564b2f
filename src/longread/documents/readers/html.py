"""HTML and XHTML pages: what a browser shows, as text with tables laid out."""

from __future__ import annotations

import re
from html import escape

import lxml.html
from inscriptis.html_engine import Inscriptis
from lxml import etree

from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.encoding import decode

_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_HIDDEN = re.compile(r"display\s*:\s*none", re.I)
_DROPPED = ("script", "style", "noscript", "template", "svg")
_BLOCK_TAGS = """
address article aside blockquote body br caption dd div dl dt fieldset figcaption figure footer form h1 h2 h3
h4 h5 h6 header hr li main nav ol option p pre section summary table title tr ul
"""
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_NAMESPACE = r"""\s*=\s*["']http://www\.w3\.org/1999/xhtml["']"""
_XHTML = re.compile("xmlns(?::[A-Za-z][\\w-]*)?" + _NAMESPACE)
_PREFIX = re.compile(r"xmlns:([A-Za-z][\w-]{0,20})" + _NAMESPACE)
_SUBSET = re.compile(r"(<!DOCTYPE[^<>\[\]]*)\[(?:[^\]\"']|\"[^\"]*\"|'[^']*')*+\]\s*>", re.I)
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]{1,60})\s+["']([^"'%]{0,200})["']\s*>""")
"""A short name for a few characters. Entities made of entities are not for pages to read."""
_XML_ONLY = re.compile(
    r"""<!--[\s\S]*?(?:-->|\Z)
      | <!\[CDATA\[(?P<data>[\s\S]*?)(?:\]\]>|\Z)
      | <(?P<tag>[A-Za-z][\w.-]*+)(?P<rest>(?:[^<>"'/]|/(?!>)|"[^"<]*"|'[^'<]*')*+)/>
      | &(?P<entity>[A-Za-z][\w.-]{0,60});""",
    re.VERBOSE,
)
"""What means something else, or nothing, in HTML."""
_LARGEST_LAYOUT = 4_000_000
"""Characters. Laying out takes about a second a megabyte."""
_LARGEST_PADDING = 20_000_000
"""Characters by which columns may be padded: one long cell widens every row of its table."""


def read(data: bytes, name: str) -> Extract:
    """The title and the visible text of a page."""
    declared = _DECLARED.search(data[:4096])
    html, warnings = decode(data, declared[1].decode("ascii") if declared else None)
    if name.lower().endswith((".xhtml", ".xht")) or _XHTML.search(html, 0, 4096):
        html = _as_html(html)
    try:
        text = _layout(html)
    except (_NotForLayout, RecursionError, etree.LxmlError):
        text = _flat(html)
    text = re.sub(r"[ \t\xa0]+\n", "\n", text).strip()
    if not text:
        raise Unreadable("HTML without text")
    return Extract(text, kind="html", lined=False, warnings=warnings)


def _as_html(xhtml: str) -> str:
    """The same page for a parser of HTML, to which `<title/>` opens a title that never ends."""
    if prefix := _PREFIX.search(xhtml, 0, 4096):
        xhtml = re.sub(rf"(</?){prefix[1]}:", r"\1", xhtml)
    entities: dict[str, str] = dict(_ENTITY.findall(xhtml, 0, 4096))
    xhtml = _SUBSET.sub(r"\1>", xhtml, count=1)

    def shown(found: re.Match[str]) -> str:
        if tag := found["tag"]:
            return f"<{tag}{found['rest']}></{tag}>"
        if found["entity"]:
            return entities.get(found["entity"], found[0])
        return found[0] if found["data"] is None else escape(found["data"], quote=False)

    return _XML_ONLY.sub(shown, xhtml)


class _NotForLayout(Exception):  # noqa: N818 -- a turn in the road
    """The page would cost more to lay out than it is worth, or would lose text."""


def _layout(html: str) -> str:
    if len(html) > _LARGEST_LAYOUT:
        raise _NotForLayout
    parser = lxml.html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    tree = lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    if any("Excessive depth" in error.message for error in parser.error_log):
        raise _NotForLayout  # what lies deeper is missing from the tree
    title = " ".join((tree.findtext(".//title") or "").split())
    etree.strip_elements(tree, *_DROPPED, with_tail=False)
    for element in tree.iter():
        # Margins of a million lines are a joke that inscriptis would not get.
        if (style := element.attrib.pop("style", "")) and _HIDDEN.search(style):
            element.set("style", "display: none")
    if _padding(tree) > _LARGEST_PADDING + 4 * len(html) or _nests_tables(tree):
        raise _NotForLayout
    body = Inscriptis(tree).get_text().strip("\n")
    return f"{title}\n\n{body}" if title and not body.lstrip().startswith(title) else body


def _padding(tree: lxml.html.HtmlElement) -> int:
    """How many characters the widest cell could add to all rows."""
    cells = (cell for cell in tree.iter("td", "th") if cell.find(".//table") is None)
    widest = max((sum(map(len, cell.itertext())) for cell in cells), default=0)
    return widest * sum(1 for _ in tree.iter("tr"))


def _nests_tables(tree: lxml.html.HtmlElement) -> bool:
    # Each level pads what is inside it once more.
    return any(sum(1 for _ in table.iterancestors("table")) > 6 for table in tree.iter("table"))


def _flat(html: str) -> str:
    """All text, a line a block, cells apart by tabs: for pages no tree can hold."""
    parser = etree.HTMLParser(target=_Flat(), encoding="utf-8", huge_tree=True)
    try:
        return str(etree.fromstring(html.encode("utf-8", "replace"), parser))
    except etree.LxmlError as error:
        raise Unreadable(f"broken HTML: {error}") from error


class _Flat:
    """Receives tags and text as lxml meets them."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._dropped = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._dropped += tag in _DROPPED
        if tag in _BLOCKS:
            self._parts.append("\n")

    def end(self, tag: str) -> None:
        self._dropped -= tag in _DROPPED
        if tag in ("td", "th"):
            self._parts.append("\t")
        elif tag in _BLOCKS:
            self._parts.append("\n")

    def data(self, data: str) -> None:
        if self._dropped <= 0:
            self._parts.append(data)

    def close(self) -> str:
        return "\n".join(line for line in "".join(self._parts).split("\n") if line.strip())
