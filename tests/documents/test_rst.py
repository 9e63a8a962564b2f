"""reStructuredText keeps its lines; its sections are named and cut between. XHTML is read as XML means it."""

from pathlib import Path

import pytest

from longread.documents.boundaries import boundary
from longread.documents.load import load
from longread.types import Document

PAGE = """\
===========
 The Manual
===========

Intro, with a table:

====  ====
one   two
====  ====

Install
-------
Run it. A rule stands between paragraphs.

----------

Käse 日本
~~~~~~~~~

* item
------

Use  \n^^^^^
First::

    Not a title
    -----------

Short
==

Wide enough
----
"""


def one(folder: Path, name: str, data: bytes) -> Document:
    path = folder / name
    path.write_bytes(data)
    (document,) = load(path)
    return document


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_lines_are_the_files_and_sections_are_parts(tmp_path: Path, encoding: str) -> None:
    document = one(tmp_path, "a.rst", PAGE.encode(encoding))
    assert (document.text, document.kind) == (PAGE, "text")
    assert [(document.text.count("\n", 0, part.start) + 1, part.label) for part in document.parts] == [
        (1, "The Manual"),
        (11, "The Manual › Install"),
        (17, "The Manual › Install › Käse 日本"),
        (23, "The Manual › Install › Käse 日本 › Use"),
        (33, "The Manual › Wide enough"),
    ]
    assert document.locate(PAGE.index("Not a title")) == (27, None, "The Manual › Install › Käse 日本 › Use")


@pytest.mark.parametrize(
    "rule", ["=", "-", "~", "^", '"', "'", "#", "*", "+", ".", ":", "_", "`", "<", "\\", "]"]
)
@pytest.mark.parametrize("over", [False, True])
def test_any_punctuation_marks_a_title_and_a_cut_goes_before_it(
    tmp_path: Path, rule: str, over: bool
) -> None:
    line = f"{rule * 12}\n"
    title = f"{line if over else ''}Second part\n{line}"
    text = "First paragraph.\n\nMore of it.\n\n" + title + "\nBody.\n\nMore body\n"
    document = one(tmp_path, "a.rst", text.encode())
    at = text.index(title)
    assert document.parts == ((at, "Second part"),)
    assert boundary(document, 5, len(text)) == at


def test_files_of_titles_alone_and_of_none(tmp_path: Path) -> None:
    document = one(tmp_path, "a.rst", b"One\n===\nTwo\n===\n+++++\nThree\n+++++")
    assert document.parts == ((0, "One"), (8, "Two"), (16, "Two › Three"))
    assert one(tmp_path, "b.rst", b"text\n\n====\n\nmore").parts == ()
    assert one(tmp_path, "c.rst", "日本\n===\n\n猫\n==\n".encode()).parts == ((8, "猫"),)


XHTML = """<?xml version="1.0" encoding="{}"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd" [
  <!ENTITY firm "Bäcker &#38; Söhne"> ]>
<html xmlns="http://www.w3.org/1999/xhtml"><head><title/><script src="a.js"/><style type="text/css"/></head>
<body><p>Café &firm;&#8212;&eacute;</p><textarea/><iframe src="/a>b"/><noscript/><br/><div class="x"/>
<p><![CDATA[1 < 2 & <b>three</b>]]></p><!-- <p/> --><p>last</p></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "windows-1252", "utf-16"])
@pytest.mark.parametrize("name", ["a.xhtml", "a.html"])
def test_empty_elements_of_xhtml_swallow_nothing(tmp_path: Path, encoding: str, name: str) -> None:
    document = one(tmp_path, name, XHTML.format(encoding).encode(encoding))
    assert document.kind == "html"
    assert document.text.split("\n") == ["Café Bäcker & Söhne—é", "", "", "1 < 2 & <b>three</b>", "", "last"]


def test_elements_may_have_a_prefix(tmp_path: Path) -> None:
    page = '<h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:body><h:p>one</h:p><h:p/><h:p>two</h:p></h:body></h:html>'
    assert one(tmp_path, "a.xhtml", page.encode()).text.split() == ["one", "two"]
