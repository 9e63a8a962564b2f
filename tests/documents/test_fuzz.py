"""Whatever the bytes, loading ends with a corpus or a clear error, and what was loaded can be chunked."""

import codecs
import io
import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reportlab.pdfgen import canvas

from longread.documents.chunk import split_corpus
from longread.documents.load import load
from longread.errors import InputError

SUFFIXES = ["", ".txt", ".py", ".md", ".html", ".pdf", ".csv", ".json", ".jsonl"]
MARKS = [
    codecs.BOM_UTF8,
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF32_BE,
    b"%PDF-1.7\n",
    b"<!doctype html>",
    b"{",
    b'"',
    b"",
]
TAGS = """
<table> <tr> <td> </table> <pre> <ul> <li> </div> <div\tstyle="display:none"> <!-- --> <![CDATA[ ]]> <script>
</script> <title> &#0; &#xd800; &amp &bogus; <a\thref=x> text <?xml\tencoding="utf-7"?> <meta\tcharset=utf-7>
<svg> <br/> < > +2AA- é \0
"""
HTML = st.lists(st.sampled_from(TAGS.replace("\n", " ").split(" ")), max_size=60).map(
    lambda tags: "".join(tags).encode()
)
JSON = st.text(alphabet='{}[]",:\\u4e2d8D 1\n', max_size=300).map(lambda text: (text * 12).encode())
CONTENT = st.one_of(
    st.binary(max_size=400),
    st.tuples(st.sampled_from(MARKS), st.binary(max_size=100)).map(b"".join),
    st.tuples(
        st.sampled_from(MARKS), st.text(max_size=100).map(lambda text: text.encode("latin-1", "replace"))
    ).map(b"".join),
    HTML,
    JSON,
)


def estimate(text: str) -> int:
    return -(-len(text.encode("utf-8")) // 4)


def survives(path: Path) -> None:
    try:
        corpus = load(path)
    except InputError as error:
        assert "\n" not in str(error)
        return
    for document in corpus:
        document.text.encode("utf-8")
        assert "\0" not in document.text and "\r" not in document.text
        assert all(0 <= start <= len(document.text) for start in document.pages)
    chunks = split_corpus(corpus, 2000, estimate)
    size = sum(len(document.text) for document in corpus)
    assert sum(end - start for chunk in chunks for _, start, end in chunk.spans) == size


def sample_pdf() -> bytes:
    out = io.BytesIO()
    sheet = canvas.Canvas(out)
    for page in range(4):
        for row in range(20):
            sheet.drawString(72, 720 - 20 * row, f"Page {page}, row {row}: words to be found.")
        sheet.showPage()
    sheet.save()
    return out.getvalue()


PDF = sample_pdf()


@given(CONTENT, st.sampled_from(SUFFIXES))
@example(b"\0" * 1000, ".txt")
@example(b'{"a":' * 100_000, ".json")
@example(b"<div>" * 100_000, ".html")
@example(b"<table><tr><td>" * 3000, ".html")
@example(b"<" * 100_000, ".html")
@example(b"<!--" * 50_000, ".html")
@example(b'"' * 100_001, ".csv")
@example(b'"\\"' * 60_000, ".json")
@example("\u0301".encode() * 20_000, ".txt")
@settings(max_examples=400, deadline=None)
def test_no_bytes_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.getbasetemp() / f"fuzz{suffix}"
    path.write_bytes(data)
    survives(path)


@given(
    st.integers(0, len(PDF)),
    st.lists(st.tuples(st.integers(0, len(PDF) - 1), st.integers(0, 255)), max_size=12),
)
@settings(max_examples=150, deadline=None)
def test_pdfs_cut_short_or_with_flipped_bytes_give_no_traceback(
    tmp_path_factory: pytest.TempPathFactory, end: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(PDF)
    for at, value in flips:
        data[at] = value
    path = tmp_path_factory.getbasetemp() / "fuzz.pdf"
    for damaged in (data, data[:end]):
        path.write_bytes(damaged)
        survives(path)


def test_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.txt").write_text(name)
        (tmp_path / name / "to_a").symlink_to("../a")
        (tmp_path / name / "to_b").symlink_to("../b")
        (tmp_path / name / "self").symlink_to(".")
    assert [document.text for document in load(tmp_path)] == ["a", "b"]


def test_a_folder_too_deep_to_name_does_not_stop_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(30):  # 6,000 characters: the system allows 4,096
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    os.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("text")
    corpus = load(tmp_path)
    assert len(corpus.documents) == 1
    assert [reason for _, reason in corpus.skipped] == ["File name too long"]


@pytest.mark.parametrize("size", [20_000_000, pytest.param(200_000_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("unit", [b"x", b"lorem ipsum. ", "人".encode("gb18030"), b"\xe9 t\xe9 "])
def test_a_huge_single_line_loads(tmp_path: Path, size: int, unit: bytes) -> None:
    path = tmp_path / "line.txt"
    path.write_bytes(unit * (size // len(unit)))
    survives(path)


def test_a_huge_minified_json_loads(tmp_path: Path) -> None:
    path = tmp_path / "line.json"
    path.write_bytes(b"[" + b'{"a":[1,2],"b":"c"},' * 1_200_000 + b"0]")
    survives(path)
