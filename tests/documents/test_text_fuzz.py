"""Damaged files of the formats that are text, or zipped text, end in a document or in one clear line."""

import json
from pathlib import Path
from random import Random

import mkepub
import nbformat
import pytest
from nbformat import v4

from tests.documents.test_mail import CID, HTML, PDF, PLAIN, mime, part
from tests.documents.test_rst import PAGE, XHTML
from tests.support.mutations import mutated, mutated_zip, survives

FILES = 500
"""Damaged ones of each kind."""


def notebook() -> bytes:
    outputs = [
        v4.new_output("stream", text="a\rb\n"),
        v4.new_output("display_data", {"image/png": "AAAA", "text/plain": "<x>", "text/html": "<p>y</p>"}),
        v4.new_output("error", traceback=["\x1b[31mno\x1b[0m"]),
    ]
    cells = [
        v4.new_markdown_cell("# Title\n![](data:image/png;base64,AAAA)"),
        v4.new_code_cell("1", outputs=outputs),
    ]
    return str(nbformat.writes(v4.new_notebook(cells=cells))).encode()


def chat() -> bytes:
    records = [
        {"speaker": "Ann", "text": "one \u4e2d", "time": 1709287920},
        {"author": {"name": "Bob"}, "content": [{"type": "text", "text": "two"}], "ts": "1709287920.5"},
        {"messages": [{"role": "user", "content": "q", "date": "2024-03-01T10:12:00Z"}], "id": 1},
    ]
    return "".join(json.dumps(record) + "\n" for record in records * 4).encode()


def book(folder: Path) -> bytes:
    made = mkepub.Book(title="A Novel", author="Ann")
    first = made.add_page("One", "<h1 id='x'>One</h1><p>Text &eacute;</p><table><tr><td>a</td></tr></table>")
    made.add_page("Two", "<p>More</p>", parent=first)
    made.save(folder / "made.epub")
    return (folder / "made.epub").read_bytes()


MAIL = mime(
    "mixed",
    part("alternative", PLAIN, part("related", HTML, CID, boundary="d"), boundary="c"),
    "Content-Type: message/rfc822\n\nSubject: =?utf-8?q?=C3=A9?=\nTo: a <b@c>\n\nInside",
    "Content-Disposition: attachment; filename*=utf-8''%C3%A9.txt\nContent-Transfer-Encoding: base64\n\naGVsbG8=",
    PDF,
)
MBOX = b"".join(
    b"From a@b Mon Mar 04 12:00:00 2024\n" + mail + b"\n\n"
    for mail in (mime("mixed", PLAIN, CID), mime("alternative", PLAIN, HTML), b"Subject: s\n\n>From text")
)
SAMPLES = {
    "a.rst": PAGE.encode(),
    "a.xhtml": XHTML.format("utf-8").encode(),
    "a.ipynb": notebook(),
    "a.eml": MAIL,
    "a.mbox": MBOX,
    "a.jsonl": chat(),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_damaged_files_give_no_traceback(tmp_path: Path, name: str) -> None:
    rng = Random(name)
    for _ in range(FILES):
        survives(name, mutated(SAMPLES[name], rng), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_books_give_no_traceback(tmp_path: Path) -> None:
    rng, data = Random("book"), book(tmp_path)
    for number in range(FILES):
        survives("a.epub", (mutated_zip if number % 4 else mutated)(data, rng), tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.rst", b"=\n" * 100_000),
        ("a.rst", b"====\nA\n" * 50_000),
        ("a.xhtml", b'<html xmlns="http://www.w3.org/1999/xhtml">' + b"<" + b"a" * 500_000),
        ("a.xhtml", b"<!--" * 50_000),
        ("a.xhtml", b"<![CDATA[" * 50_000),
        ("a.xhtml", b"<a b='" * 50_000),
        ("a.xhtml", b"<!DOCTYPE html [" + b"\"'" * 50_000),
        ("a.xhtml", b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 200 + b'">]><p>' + b"&x;" * 50_000),
        ("a.xhtml", b"<a/" * 100_000),
        ("a.ipynb", b'{"cells":[' + b"[" * 100_000),
        ("a.ipynb", b'{"cells":[{"cell_type":"code","source":"' + b"`" * 500_000 + b'"}]}'),
        ("a.ipynb", b'{"cells":[{"source":"' + b"data:image/png;base64" * 20_000 + b'"}]}'),
        ("a.ipynb", b'{"cells":[{"cell_type":"code","outputs":[{"text":"' + b"\\u001b]" * 50_000 + b'"}]}]}'),
        ("a.eml", b"Subject: " + b"=?" * 100_000 + b"\n\nx"),
        ("a.eml", b"Subject: " + b"=?utf-8?q?a?=" * 50_000 + b"\n\nx"),
        ("a.eml", b"Subject: " + b"=?x?q?a?= " * 20_000 + b"\n\nx"),
        ("a.eml", b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n" * 50_000),
        ("a.eml", b"Content-Type: message/rfc822\n\n" * 20_000),
        ("a.eml", b"Content-Type: text/plain" + b"; a*0=b" * 20_000 + b"\n\nx"),
        ("a.mbox", b"From a 1:11\nA:\n\n" * 10_000),
        ("a.mbox", b"From " * 100_000),
        ("a.jsonl", b'{"user":' * 100_000),
        ("a.jsonl", b'{"user":"a","text":"' + b"\\ud800" * 20_000 + b'"}'),
        ("a.json", b'[{"user":"a","text":"b"}' + b"," * 500_000),
        ("a.json", b'[{"user":"a","text":"b","ts":' + b"9" * 4000 + b"}]"),
        ("a.json", b'[{"user":"a","text":"b"},' * 20_000),
    ],
    ids=range(26),
)
def test_files_made_to_take_long_do_not(tmp_path: Path, name: str, data: bytes) -> None:
    survives(name, data, tmp_path)
