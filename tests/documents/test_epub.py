"""Books in EPUB: chapters in reading order, under the titles of the table of contents. Written by mkepub (MIT)."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import mkepub
import pytest

from longread.documents.boundaries import boundary
from longread.documents.load import load
from longread.documents.readers import claims, read
from longread.types import Document


def saved(folder: Path, book: mkepub.Book) -> bytes:
    path = folder / "made.epub"
    path.unlink(missing_ok=True)
    book.save(path)
    return path.read_bytes()


def one(folder: Path, data: bytes, name: str = "a.epub") -> Document:
    path = folder / name
    path.write_bytes(data)
    (document,) = load(path)
    assert (document.kind, document.lined) == ("html", False)
    return document


def reason(folder: Path, data: bytes) -> str:
    (folder / "a.txt").write_text("text")
    (folder / "b.epub").write_bytes(data)
    return load(folder / "a.txt", folder / "b.epub").skipped[0].reason


def pieces(document: Document) -> dict[str, str]:
    """The text of each part without the blank around it."""
    starts = [part.start for part in document.parts]
    ends = [*starts[1:], len(document.text)]
    for start, part in zip(starts, document.parts, strict=True):
        assert document.locate(start) == (None, None, part.label)
    return {
        p.label: document.text[p.start : end].strip() for p, end in zip(document.parts, ends, strict=True)
    }


def changed(data: bytes, change: Callable[[str, bytes], bytes | None], **added: str) -> bytes:
    """The book with its members replaced, or left out for None, and others added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            if (member := change(name, old.read(name))) is not None:
                new.writestr(name, member)
        for name, text in added.items():
            new.writestr(name.replace("__", "/").replace("_xml", ".xml"), text)
    return out.getvalue()


def novel() -> mkepub.Book:
    book = mkepub.Book(title="A Novel", author="Ann")
    book.set_cover(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    first = book.add_page("Chapter One", "<h1>One</h1><p>It was &eacute;t&#233; &amp; warm.</p>")
    book.add_page("A scene", "<p>Bob came.</p><br/><p>He left.</p>", parent=first)
    book.add_page("Zwei", "<table><tr><td>a</td><td>b</td></tr></table>")
    return book


def test_chapters_in_order_with_their_titles(tmp_path: Path) -> None:
    document = one(tmp_path, saved(tmp_path, novel()))
    assert pieces(document) == {
        "Cover": "Cover",
        "Chapter One": "Chapter One\n\nOne\n\nIt was été & warm.",
        "A scene": "A scene\n\nBob came.\n\n\nHe left.",
        "Zwei": "Zwei\n\na  b",
    }
    assert document.locate(document.text.index("He left")) == (None, None, "A scene")
    assert boundary(document, 1, document.parts[3].start + 3) == document.parts[3].start
    assert not document.warnings


def test_the_content_tells_a_book_without_a_name(tmp_path: Path) -> None:
    data = saved(tmp_path, novel())
    assert claims(io.BytesIO(data), "book.zip")
    assert read(data, "book").parts[1].label == "Chapter One"


OPF = """<package xmlns="http://www.idpf.org/2007/opf" version="{version}"><metadata
xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Book</dc:title></metadata><manifest>
<item id="toc" {toc}/><item id="c" href="text/c%20c.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="text/b.xhtml"
media-type="application/xhtml+xml"/><item id="n" href="text/n.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine toc="toc"><itemref idref="a"/><itemref idref="n" linear="no"/><itemref idref="gone"/><itemref idref="b"/>
<itemref idref="c"/><itemref idref="a"/></spine></package>"""
NCX = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Part
 A</text></navLabel><content src="../text/a.xhtml"/><navPoint><navLabel><text>Section 2</text></navLabel><content
src="../text/a.xhtml#s2"/></navPoint></navPoint><navPoint><navLabel><text>Last</text></navLabel><content
src="../text/c%20c.xhtml#top"/></navPoint></navMap></ncx>"""
NAV = """<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>
<nav epub:type="landmarks"><ol><li><a href="../text/b.xhtml">Wrong</a></li></ol></nav><nav epub:type="toc"><ol><li>
<a href="../text/a.xhtml">Part <b>A</b></a><ol><li><a href="../text/a.xhtml#s2">Section 2</a></li></ol></li><li>
<a href="../text/c%20c.xhtml#top">Last</a></li></ol></nav></body></html>"""
PAGES = {
    "a": '<h1>A</h1><p>Start of a.</p><section id="s2"><h2>Second</h2><p>More of a.</p></section>',
    "b": "<h2>By its <i>heading</i></h2>",
    "c c": '<p id="top">In c.</p>',
    "n": "<p>A note.</p>",
}


def book(version: str, toc: str, contents: str, **pages: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr(
            "META-INF/container.xml",
            '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
            'full-path="OPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        )
        archive.writestr("OPS/book.opf", OPF.format(version=version, toc=toc))
        archive.writestr("OPS/toc/toc", contents)
        for name, body in (PAGES | pages).items():
            head = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>The Book</title></head>'
            page = f"{head}<body>{body}</body></html>"
            archive.writestr(f"OPS/text/{name}.xhtml", page)
    return out.getvalue()


EPUB2 = ("2.0", 'href="toc/toc" media-type="application/x-dtbncx+xml"', NCX)
EPUB3 = ("3.0", 'href="toc/toc" media-type="application/xhtml+xml" properties="scripted nav"', NAV)


@pytest.mark.parametrize("made", [EPUB2, EPUB3])
def test_titles_come_from_either_table_of_contents_then_from_the_page(
    tmp_path: Path, made: tuple[str, str, str]
) -> None:
    document = one(tmp_path, book(*made))
    assert list(pieces(document).items()) == [
        ("Part A", "The Book\n\nA\n\nStart of a."),
        ("Section 2", "Second\n\nMore of a."),
        ("chapter 2", "The Book\n\nA note."),
        ("By its heading", "The Book\n\nBy its heading"),
        ("Last", "The Book\n\nIn c."),
    ]
    assert document.text.count("Start of a.") == 1
    assert "\ue0f0" not in document.text


def test_a_page_with_characters_like_marks_keeps_them(tmp_path: Path) -> None:
    document = one(tmp_path, book(*EPUB3, a=PAGES["a"].replace("More", "\ue0f00\ue0f1More")))
    assert "\ue0f00\ue0f1More of a." in document.text
    assert [part.label for part in document.parts][:2] == ["Part A", "chapter 2"]


def test_what_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    data = changed(book(*EPUB3, n='<img src="a.png"/>').replace(b"The Book", b"        "), lambda n, d: d)
    data = changed(data, lambda name, member: None if name.endswith("b.xhtml") else member)
    data = changed(
        data, lambda n, d: d.replace(b"<title>The Book</title>", b"") if n.endswith("n.xhtml") else d
    )
    assert one(tmp_path, data).warnings == (
        "1 of 4 chapters has no readable text: 2",
        "1 of 4 chapters is missing: OPS/text/b.xhtml",
    )


def encryption(algorithm: str, uri: str) -> dict[str, str]:
    return {
        "META-INF__encryption_xml": '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" '
        'xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData><enc:EncryptionMethod '
        f'Algorithm="{algorithm}"/><enc:CipherData><enc:CipherReference URI="{uri}"/></enc:CipherData>'
        "</enc:EncryptedData></encryption>"
    }


def test_locked_books_are_named_and_scrambled_fonts_are_no_lock(tmp_path: Path) -> None:
    def same(name: str, member: bytes) -> bytes:
        return member

    aes = "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
    locked = changed(book(*EPUB3), same, **encryption(aes, "OPS/text/b.xhtml"))
    assert reason(tmp_path, locked) == "encrypted EPUB book: the seller's lock (DRM) has to be removed first"
    for algorithm, uri in (("http://www.idpf.org/2008/embedding", "OPS/font.otf"), (aes, "OPS/font.otf")):
        assert "Start of a." in one(tmp_path, changed(book(*EPUB3), same, **encryption(algorithm, uri))).text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"PK", "broken EPUB book: not a whole zip file"),
        (book(*EPUB3)[:-200], "broken EPUB book: not a whole zip file"),
        (
            changed(book(*EPUB3), lambda n, d: None if n.endswith(".opf") else d),
            "broken EPUB book: OPS/book.opf is missing",
        ),
        (
            changed(book(*EPUB3), lambda n, d: None if "/text/" in n else d),
            "EPUB book without text in any of its 4 chapters",
        ),
    ],
)
def test_what_is_no_book_is_named(tmp_path: Path, data: bytes, expected: str) -> None:
    assert reason(tmp_path, data) == expected


def test_a_page_made_to_fill_the_memory_is_refused(tmp_path: Path) -> None:
    bomb = book(*EPUB3, a="<p>" + "word " * 20_000_000 + "</p>")
    assert len(bomb) < 300_000
    assert reason(tmp_path, bomb) == "broken EPUB book: it inflates to far more than its size"
