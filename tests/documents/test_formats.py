"""Each format's text, and what of it is reported as missing."""

import codecs
import io
import json
from pathlib import Path

import pytest
from reportlab.lib import pdfencrypt
from reportlab.pdfgen import canvas

from longread.documents.load import load
from longread.documents.readers.json import lay_out, unescape
from longread.errors import InputError
from longread.types import Document

CHINESE = "人工智能是研究、开发用于模拟和扩展人的智能的一门新的技术科学。\n我们的目标是回答问题。\n"
JAPANESE = "吾輩は猫である。名前はまだ無い。\n何でも薄暗いじめじめした所で泣いていた事だけは記憶している。\n"
FRENCH = (
    "L'été dernier, à la plage, nous avons mangé des crêpes.\nOù êtes-vous allés ? Noël était agréable.\n"
)


def one(folder: Path, name: str, data: bytes) -> Document:
    path = folder / name
    path.write_bytes(data)
    corpus = load(path)
    assert not corpus.skipped
    return corpus.documents[0]


def reason(folder: Path, name: str, data: bytes) -> str:
    (folder / "readable.txt").write_text("text")
    (folder / name).write_bytes(data)
    corpus = load(folder / "readable.txt", folder / name)
    return corpus.skipped[0].reason


def pdf(pages: list[str], **options: object) -> bytes:
    out = io.BytesIO()
    sheet = canvas.Canvas(out, **options)  # type: ignore[arg-type]
    for text in pages:
        for row, line in enumerate(text.splitlines()):
            sheet.drawString(72, 720 - 20 * row, line)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (CHINESE, "gb18030"),
        (CHINESE, "utf-8"),
        (CHINESE, "utf-16-le"),
        (CHINESE, "utf-16-be"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-32-be"),
        (FRENCH, "latin-1"),
        (FRENCH, "utf-8-sig"),
        (FRENCH, "utf-16"),
        (FRENCH, "utf-32"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-32-le"),
        ("plain ascii\n", "ascii"),
        ("hi", "utf-16-le"),
    ],
)
def test_text_is_read_in_any_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    document = one(tmp_path, "a.txt", text.encode(encoding))
    assert document.text == text
    assert not document.warnings


def test_single_line_in_a_legacy_encoding_longer_than_what_is_looked_at(tmp_path: Path) -> None:
    text = "吾輩は猫である。名前はまだ無い。" * 20_000
    assert one(tmp_path, "a.txt", text.encode("shift_jis")).text == text


def test_late_odd_bytes_in_code_are_western(tmp_path: Path) -> None:
    code = "x = 1  # normal\n" * 5000 + "# señor à côté, über\n"
    assert one(tmp_path, "a.py", code.encode("latin-1")).text == code


def test_bytes_that_no_encoding_has_are_replaced_with_a_warning(tmp_path: Path) -> None:
    document = one(tmp_path, "a.txt", (CHINESE * 5).encode() + b"\xff\n" + CHINESE.encode())
    assert document.text == CHINESE * 5 + "\ufffd\n" + CHINESE
    assert document.warnings == ("1 characters are not valid utf-8 and shown as \ufffd",)


def test_file_cut_within_a_character_keeps_the_rest(tmp_path: Path) -> None:
    assert one(tmp_path, "a.txt", b"an emoji: \xf0\x9f\x98").text == "an emoji: \ufffd"


def test_a_mark_that_lies_about_the_encoding_does_not_decide(tmp_path: Path) -> None:
    assert one(tmp_path, "a.txt", codecs.BOM_UTF8 + FRENCH.encode("latin-1")).text == FRENCH


def test_a_few_control_bytes_do_not_make_a_text_binary(tmp_path: Path) -> None:
    document = one(tmp_path, "a.log", b"line one\0\nline two\n" * 2 + b"more text " * 20)
    assert document.text.startswith("line one\ufffd\nline two\n")
    assert document.warnings == ("2 NUL characters are shown as \ufffd",)


def test_newlines_become_one_kind_and_lines_stay_the_editors(tmp_path: Path) -> None:
    document = one(tmp_path, "a.txt", b"one\r\ntwo\rthree\n\nfive")
    assert document.text == "one\ntwo\nthree\n\nfive"
    assert document.locate(document.text.index("five")).line == 5


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("image", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10, "binary"),
        ("noise.txt", bytes(range(256)) * 40, "binary"),
        ("photo.jpg", b"x", "unsupported format: image (.jpg)"),
        ("letter.odt", b"PK", "unsupported format: office document (.odt)"),
        ("letter", b"{\\rtf1 text}", "unsupported format: office document (RTF)"),
        ("nothing.txt", b"", "empty"),
        ("blank.txt", b" \n\t\n", "empty"),
        ("page.html", b"<html><script>x</script></html>", "HTML without text"),
        ("paper.pdf", b"%PDF-1.4\nnothing", "broken PDF"),
    ],
)
def test_what_is_not_text_is_skipped_with_a_reason(
    tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    assert expected in reason(tmp_path, name, data)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.py", b"x = 1", "code"),
        ("Makefile", b"all:", "code"),
        ("run", b"#!/bin/sh\necho", "code"),
        ("a.MD", b"# Title", "markdown"),
        ("a.txt", b"text", "text"),
        ("notes", b"text", "text"),
        ("page", b"<!-- c --><!DOCTYPE html><p>text", "html"),
        ("error.pdf", b"<html><body>Not found</body></html>", "html"),
        ("reply", b'{"a": 1}', "json"),
        ("a.tsv", b"a\tb", "table"),
        ("report", pdf(["text"]), "pdf"),
        ("report.txt", pdf(["text"]), "pdf"),
    ],
)
def test_name_then_content_tell_the_format(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    assert one(tmp_path, name, data).kind == kind


def test_html_keeps_title_and_tables_and_drops_scripts(tmp_path: Path) -> None:
    html = """<html><head><title>The  Title</title><style>p{}</style><script>var secret=1</script></head>
    <body><p>Caf&eacute; <b>text</b></p><p style="display:none">hidden</p><!-- note -->
    <table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>41</td></tr></table></body></html>"""
    document = one(tmp_path, "a.html", html.encode())
    assert document.text.startswith("The Title\n")
    assert "Café text" in document.text
    assert "Name  Age" in document.text and "Ann   41" in document.text
    assert not any(word in document.text for word in ("secret", "p{}", "hidden", "note"))
    assert (document.lined, document.locate(0).line) == (False, None)


@pytest.mark.parametrize("label", ["Shift_JIS", "utf-8", "no-such-charset", "hex", "punycode"])
def test_html_declares_its_encoding_truly_or_not(tmp_path: Path, label: str) -> None:
    html = f'<html><head><meta charset="{label}"></head><body>{JAPANESE}</body></html>'
    assert "吾輩は猫である。" in one(tmp_path, "a.html", html.encode("shift_jis")).text


@pytest.mark.parametrize("depth", [300, 1500, 50_000])
def test_deeply_nested_html_loses_nothing(tmp_path: Path, depth: int) -> None:
    html = "<html><body><p>before</p>" + "<div>" * depth + "deep" + "</div>" * depth + "<p>after</p></body>"
    assert one(tmp_path, "a.html", html.encode()).text.split() == ["before", "deep", "after"]


@pytest.mark.parametrize(
    "body",
    [
        '<p style="margin-top: 900000000em; padding-left: 900000000em">text</p>',
        "<table><tr><td>"
        + "text " * 20_000
        + "</td></tr>"
        + "<tr><td>x</td><td>y</td></tr>" * 2000
        + "</table>",
        "<table><tr><td>text " * 200,
    ],
)
def test_html_made_to_swell_stays_near_its_size(tmp_path: Path, body: str) -> None:
    document = one(tmp_path, "a.html", f"<html><body>{body}</body></html>".encode())
    assert "text" in document.text
    assert len(document.text) < 2 * len(body) + 1000


def test_pdf_offsets_lead_to_pages(tmp_path: Path) -> None:
    document = one(tmp_path, "a.pdf", pdf(["Alpha one\nsecond line", "Beta two", "Gamma three"]))
    for page, word in enumerate(["Alpha", "Beta", "Gamma"], 1):
        at = document.text.index(word)
        assert document.pages[page - 1] == at
        assert document.locate(at) == (None, page, None)
        assert document.locate(at - 1).page == page - 1 or page == 1
    assert document.text == "Alpha one\nsecond line\nBeta two\nGamma three"


def test_pdf_pages_without_text_are_counted_and_named(tmp_path: Path) -> None:
    texts = ["one", "", "three", "four", "", "", "seven"]
    document = one(tmp_path, "a.pdf", pdf(texts))
    assert document.warnings == ("3 of 7 pages have no text: 2, 5-6",)
    assert len(document.pages) == 7
    assert document.locate(document.text.index("seven")).page == 7


def test_pdf_without_any_text_is_skipped_as_scanned(tmp_path: Path) -> None:
    assert reason(tmp_path, "a.pdf", pdf(["", ""])) == (
        "PDF without text on any of its 2 pages (scanned? the setting pdf=docling reads scans)"
    )


def test_encrypted_pdf_opens_with_the_empty_password_only(tmp_path: Path) -> None:
    free = pdf(["text"], encrypt=pdfencrypt.StandardEncryption("", ownerPassword="o"))
    assert one(tmp_path, "a.pdf", free).text == "text"
    locked = pdf(["text"], encrypt=pdfencrypt.StandardEncryption("u", ownerPassword="o"))
    assert reason(tmp_path, "b.pdf", locked) == "encrypted PDF: a password is needed"


@pytest.mark.slow
def test_pdf_that_asks_for_endless_work_is_stopped(tmp_path: Path) -> None:
    """Every page draws one stream of half a million operations: kilobytes on disk, hours of work."""
    import zlib

    stream = zlib.compress(b"q Q\n" * 300_000)
    kids = " ".join(["3 0 R"] * 500)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        f"<</Type/Pages/Count 500/Kids[{kids}]>>".encode(),
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    end = len(out)
    out += (
        b"xref\n0 6\n0000000000 65535 f \n"
        + table
        + b"trailer<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % end
    )
    assert "PDF" in reason(tmp_path, "a.pdf", out)


@pytest.mark.parametrize(
    ("table", "header"),
    [
        ("name,age\nAnn,41\n", "name,age"),
        ('"first\nname",age\nAnn,41\n', '"first\nname",age'),
        ('"say ""hi""",b\n1,2\n', '"say ""hi""",b'),
        ('5" pipe,b\n1,2\n', '5" pipe,b'),
        ('"never closed,b\n1,2\n', '"never closed,b'),
        ("\n\nname,age\nAnn,41", "name,age"),
        ("only a header", "only a header"),
        ("x" * 2001 + "\n1\n", ""),
        ("x" * 2000 + "\n1\n", "x" * 2000),
        ('"' + "x\n" * 2000 + '",b\n1\n', ""),
    ],
)
def test_table_keeps_its_text_and_its_first_row_as_header(tmp_path: Path, table: str, header: str) -> None:
    document = one(tmp_path, "a.csv", table.encode())
    assert (document.text, document.header, document.kind) == (table, header, "table")


def test_json_lines_show_letters_and_stay_lines(tmp_path: Path) -> None:
    rows = [{"text": "中文 😀 é", "n": i, "tricky": "\\u4e2d \n \u2028 \ud800"} for i in range(3)]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    document = one(tmp_path, "a.jsonl", lines.encode())
    assert document.text.count("中文 😀 é") == 3
    assert document.text.count("\n") == 3 and len(document.text.splitlines()) == 3
    assert [json.loads(line) for line in document.text.splitlines()] == rows
    assert document.locate(len(document.text) - 2).line == 3


def test_escapes_are_shown_only_where_they_are_escapes() -> None:
    assert unescape(r"\u4e2d\\u4e2d\\\u4e2d\"\u4e2d\n\u4e2dx") == r"中\\u4e2d\\中\"中\n中x"
    assert unescape(r"\u000a\u0041\ud83D\uDe00\ud83d\u2028\uDE00\u3000") == (
        "\\u000a\\u0041😀\\ud83d\\u2028\\uDE00\u3000"
    )


def test_minified_json_is_laid_out_without_changing_values(tmp_path: Path) -> None:
    value = [{"id": n, "x": [1.50, {"y": [1e5, 'a,b]\\" {']}], "t": "long " * 20} for n in range(50)]
    minified = json.dumps(value, separators=(",", ":")).replace("1.5", "1.50")
    document = one(tmp_path, "a.json", minified.encode())
    assert json.loads(document.text) == value
    assert "1.50" in document.text
    assert document.text.count("\n") > 150 and not document.lined
    assert max(map(len, document.text.splitlines())) < 250


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 50_000 + "1" + "}" * 50_000, '["\\"' * 30_000, "}]" * 5000]
)
def test_deep_or_broken_json_is_read_as_text(tmp_path: Path, text: str) -> None:
    document = one(tmp_path, "a.json", text.encode())
    assert "".join(document.text.split()) == text
    assert len(document.text) < 100 * len(text)


def test_layout_keeps_white_space_between_broken_tokens() -> None:
    assert lay_out("[1 2, tr  ue]") == "[1 2, tr  ue]"
    assert lay_out('{"a":[[1],[2]]}').split() == ["{", '"a":[', "[1],", "[2]", "]", "}"]


def test_nothing_readable_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "b.png").write_bytes(b"x")
    (tmp_path / "c.txt").write_bytes(b"")
    with pytest.raises(InputError) as error:
        load(tmp_path)
    assert "a.png and 1 more: unsupported format: image (.png); " in str(error.value)
    assert "c.txt: empty" in str(error.value) and "\n" not in str(error.value)
