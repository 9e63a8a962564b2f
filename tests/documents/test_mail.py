"""Mail is read message by message, with what is attached.

No library on PyPI writes mail without the standard library's `email`; so mailboxes come from `mailbox` and from git,
which has a writer of its own, and messages like those in the wild are written out byte by byte.
"""

import base64
import io
import mailbox
import shutil
import subprocess
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from reportlab.pdfgen import canvas

from longread.documents.boundaries import boundary
from longread.documents.load import load
from longread.types import Document, Part


def one(folder: Path, data: bytes, name: str = "a.eml") -> Document:
    path = folder / name
    path.write_bytes(data)
    (document,) = load(path)
    assert (document.kind, document.lined) == ("text", False)
    return document


def pieces(document: Document) -> dict[str, str]:
    """The text of each part without the blank at its end; what stands before the first is called ``."""
    starts = list(document.parts)
    if not starts or starts[0].start:
        starts.insert(0, Part(0, ""))
    assert all(document.locate(start) == (None, None, label or None) for start, label in starts)
    ends = [*(start for start, _ in starts[1:]), len(document.text)]
    return {
        label: document.text[start:end].rstrip() for (start, label), end in zip(starts, ends, strict=True)
    }


def pdf(*pages: str) -> bytes:
    out = io.BytesIO()
    sheet = canvas.Canvas(out)
    for page in pages:
        sheet.drawString(72, 720, page)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def message(subject: str, body: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "Jörg Müller <joerg@example.org>"
    made["To"] = "Ann <ann@example.org>, Bob <bob@example.org>"
    made["Date"] = "Fri, 01 Mar 2024 10:12:00 +0100"
    made["Subject"] = subject
    made["X-Noise"] = "noise"
    made.set_content(body)
    return made


HEAD = (
    "From: Jörg Müller <joerg@example.org>\nTo: Ann <ann@example.org>, Bob <bob@example.org>\n"
    "Date: Fri, 01 Mar 2024 10:12:00 +0100\nSubject: "
)


def test_a_mailbox_message_by_message(tmp_path: Path) -> None:
    box = mailbox.mbox(tmp_path / "a.mbox")
    box.add(message("Réunion", "Hello.\n\nFrom here on it is 10:12:\n\nFrom me: yes\n"))
    second = message("Lease", "See attached.")
    second.add_attachment(pdf("First page", "Second page"), "application", "pdf", filename="lease.pdf")
    second.add_attachment("a,b\n1,2\n", filename="Größe.csv")
    second.add_attachment(b"\x89PNG" * 9, "image", "png", filename="logo.png")
    box.add(second)
    box.add(message("Last", "Bye."))
    box.close()
    (document,) = load(tmp_path / "a.mbox")
    assert pieces(document) == {
        "message 1": HEAD + "Réunion\n\nHello.\n\nFrom here on it is 10:12:\n\nFrom me: yes",
        "message 2": HEAD + "Lease\n\nSee attached.",
        "message 2, attachment lease.pdf, page 1": "First page",
        "message 2, attachment lease.pdf, page 2": "Second page",
        "message 2, attachment Größe.csv": "a,b\n1,2",
        "message 3": HEAD + "Last\n\nBye.",
    }
    assert (
        document.locate(document.text.index("Second page")).part == "message 2, attachment lease.pdf, page 2"
    )
    assert document.warnings == ("message 2, attachment logo.png: unsupported format: image (.png)",)
    assert boundary(document, 0, document.parts[1].start + 5) == document.parts[1].start
    (tmp_path / "mailbox").write_bytes((tmp_path / "a.mbox").read_bytes())
    assert load(tmp_path / "mailbox").documents[0].parts == document.parts


@pytest.mark.skipif(not shutil.which("git"), reason="git wrote this test's mailbox")
def test_a_mailbox_that_git_wrote(tmp_path: Path) -> None:
    def git(*arguments: str) -> bytes:
        who = ["-c", "user.name=Åsa Öberg", "-c", "user.email=asa@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "-q")
    for number, subject in enumerate(("Första", "Second"), 1):
        (tmp_path / "note.txt").write_text(f"line {number}\n")
        git("add", "note.txt")
        git("commit", "-q", "-m", f"{subject}\n\nBecause of {number}.")
    document = one(tmp_path, git("format-patch", "--root", "--stdout", "--attach", "HEAD"), "a.mbox")
    first, patch, second, other = pieces(document).items()
    assert first[0] == "message 1" and first[1].startswith("From: Åsa Öberg <asa@example.org>\nDate: ")
    assert "\nSubject: [PATCH 1/2] Första\n\n" in first[1] and "Because of 1." in first[1]
    assert patch[0].startswith("message 1, attachment 0001-") and "+line 1" in patch[1]
    assert second[0] == "message 2" and "Because of 2." in second[1] and "+line 2" in other[1]
    assert not document.warnings


def test_mailboxes_of_other_programs(tmp_path: Path) -> None:
    """CRLF, a time zone in the line above, quoted lines at two depths, a line in a body that only looks like one."""
    data = (
        b"From 17@xxx Mon Mar 04 12:00:00 +0000 2024\r\nSubject: one\r\n\r\nText\r\n\r\n"
        b"From what I know, 10:30 is fine\r\n>From her\r\n>>From him\r\n\r\n"
        b"From - Mon Mar 04 12:00:01 2024\r\nX-Mozilla-Status: 0001\r\nSubject: two\r\n\r\nMore"
    )
    assert pieces(one(tmp_path, b"\n" + data, "a.mbox")) == {
        "message 1": "Subject: one\n\nText\n\nFrom what I know, 10:30 is fine\nFrom her\n>From him",
        "message 2": "Subject: two\n\nMore",
    }


def mime(kind: str, *parts: str, boundary: str = "b") -> bytes:
    head = (
        f'Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/{kind}; boundary="{boundary}"\n\npreamble\n'
    )
    return (
        head + "".join(f"--{boundary}\n{part}\n" for part in parts) + f"--{boundary}--\nepilogue"
    ).encode()


PLAIN = "Content-Type: text/plain; charset=utf-8\n\nplain – text\n"
HTML = "Content-Type: text/html\n\n<html><head><style>p{}</style></head><body><p>rich &amp; text</p></body></html>\n"
PDF = (
    "Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n"
    + base64.encodebytes(pdf("In a PDF")).decode()
)
CID = "Content-Type: image/gif\nContent-ID: <x>\nContent-Transfer-Encoding: base64\n\nR0lGODdh\n"


def part(kind: str, *parts: str, boundary: str) -> str:
    """A multipart as part of another one."""
    return mime(kind, *parts, boundary=boundary).decode().removeprefix("Subject: s\nMIME-Version: 1.0\n")


IMAGE = "attachment image.gif: unsupported format: image (.gif)"


@pytest.mark.parametrize(
    ("data", "expected", "warnings"),
    [
        (mime("alternative", PLAIN, HTML), {"": "Subject: s\n\nplain – text"}, ()),
        (
            mime("alternative", PLAIN.replace("plain – text", " "), HTML),
            {"": "Subject: s\n\nrich & text"},
            (),
        ),
        (
            mime("alternative", PLAIN, part("related", HTML, CID, boundary="c")),
            {"": "Subject: s\n\nplain – text"},
            (IMAGE,),
        ),
        (
            mime("mixed", part("alternative", HTML, boundary="c"), PDF, PLAIN.replace("plain", "more")),
            {"": "Subject: s\n\nrich & text\n\nmore – text", "attachment a.pdf, page 1": "In a PDF"},
            (),
        ),
        (
            mime("signed", PLAIN, "Content-Type: application/pgp-signature\n\n-----BEGIN PGP"),
            {"": "Subject: s\n\nplain – text"},
            (),
        ),
        (
            mime("encrypted", "Content-Type: application/octet-stream\n\nwcBMA"),
            {"": "Subject: s"},
            ("attachment multipart: encrypted",),
        ),
        (
            mime("mixed", PLAIN, "Content-Type: message/rfc822\n\nSubject: inner\n\nInside", PDF),
            {
                "": "Subject: s\n\nplain – text",
                "attachment message.eml": "Subject: inner\n\nInside",
                "attachment a.pdf, page 1": "In a PDF",
            },
            (),
        ),
        (
            mime(
                "mixed",
                "Content-Disposition: attachment; filename=a.txt\n\none",
                "Content-Disposition: attachment; filename=a.txt\n\ntwo",
                "Content-Disposition: attachment; filename*=utf-8''%C3%A9%2F..%2Fb.mbox\n\n"
                "From a@b Mon Mar 04 12:00:00 2024\nSubject: i\n\nIn a box",
                "Content-Type: application/zip; name=a.zip\n\nPK\x03\x04",
            ),
            {
                "": "Subject: s",
                "attachment a.txt": "one",
                "attachment a.txt (2)": "two",
                "attachment b.mbox, message 1": "Subject: i\n\nIn a box",
            },
            ("attachment a.zip: an archive; those in mail are not opened",),
        ),
        (
            mime(
                "report",
                PLAIN,
                "Content-Type: message/delivery-status\n\nReporting-MTA: x\n\nAction: failed\n",
            ),
            {"": "Subject: s\n\nplain – text\n\nReporting-MTA: x\n\nAction: failed"},
            (),
        ),
        (b"Content-Type: multipart/mixed\nSubject: s\n\nno boundary", {"": "Subject: s\n\nno boundary"}, ()),
        (b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\ncut off', {"": "cut off"}, ()),
        (
            b"Subject: =?utf-8?q?J=C3=B6rg?= =?utf-8?b?w6k=?= =?x?q?=FF?=\n =?utf-8?b?w?= end\n"
            b"From: \xc3\xa9 <a@b>\n"
            b"To: =?utf-8?b?5LitW4Y=?= a, =?utf-8?q?=E4=B8?=\n\t=?utf-8?q?=AD?= b\nTo: \xe9\nCc:\n"
            b"Content-Type: text/plain; charset=no-such\n\ntext caf\xe9 here\n",
            {
                "": "From: é <a@b>\nTo: =?utf-8?b?5LitW4Y=?= a, 中 b, é\n"
                "Subject: Jörg é =?x?q?=FF?= =?utf-8?b?w?= end\n\ntext café here"
            },
            (),
        ),
        (
            b"Content-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: quoted-printable\n\n"
            b"=F0=D2=C9=D7=C5=D4=\n, =D7=D3=C5=CD",
            {"": "Привет, всем"},
            (),
        ),
        (
            b'Content-Type: text/html; charset="iso-8859-2"\nContent-Transfer-Encoding: base64\n\n'
            + base64.b64encode("<p>Łódź, żółć</p>".encode("iso-8859-2")),
            {"": "Łódź, żółć"},
            (),
        ),
        (b"Content-Transfer-Encoding: base64\n\naGVsbG8gd29ybGQ$", {"": "hello world"}, ()),
        (b"Just a text, no header.\n\nMore.", {"": "Just a text, no header.\n\nMore."}, ()),
    ],
)
def test_shapes_of_mail(
    tmp_path: Path, data: bytes, expected: dict[str, str], warnings: tuple[str, ...]
) -> None:
    document = one(tmp_path, data)
    assert pieces(document) == expected
    assert document.warnings == warnings


def test_attachments_that_could_not_be_read_are_named_by_reason(tmp_path: Path) -> None:
    parts = [f"Content-Type: application/pdf; name={n}.pdf\n\n%PDF-1.4 broken" for n in range(9)]
    (warning,) = one(tmp_path, mime("mixed", PLAIN, *parts)).warnings
    assert warning.startswith("attachment 0.pdf, attachment 1.pdf") and " and 4 more: broken PDF: " in warning


def test_office_files_in_mail_are_read(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as book:
        book.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a.opf"/></rootfiles></container>',
        )
        book.writestr(
            "a.opf",
            '<package><manifest><item id="a" href="a.xhtml"/></manifest>'
            '<spine><itemref idref="a"/></spine></package>',
        )
        book.writestr("a.xhtml", "<html><body><h1>One</h1><p>Inside the book</p></body></html>")
    made = message("book", "See.")
    made.add_attachment(out.getvalue(), "application", "octet-stream", filename="b.epub")
    assert pieces(one(tmp_path, made.as_bytes()))["attachment b.epub, One"] == "One\n\nInside the book"


def test_messages_in_messages_are_opened_to_a_depth(tmp_path: Path) -> None:
    data = b"Subject: core\n\ncore text"
    for level in range(14):
        data = b"Subject: level %d\nContent-Type: message/rfc822\n\n" % level + data
    document = one(tmp_path, data)
    assert "level 13" in document.text and "core" not in document.text
    assert document.warnings[0].endswith("attached to more than 10 messages in each other")
    assert len(document.parts) == 10


def test_parts_without_end_are_refused(tmp_path: Path) -> None:
    """The parser compares each line with each boundary around it: 60 kilobytes would take minutes."""
    nest = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(400))
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.mbox").write_bytes(
        b"From a Mon Mar 04 12:00:00 2024\n"
        + nest
        + b"x\n" * 600_000
        + b"\nFrom a Mon Mar 04 12:00:00 2024\nSubject: b\n\nb"
    )
    document = load(tmp_path).documents[1]
    assert pieces(document) == {"message 2": "Subject: b\n\nb"}
    assert document.warnings == ("message 1: broken message: more parts than any has",)


@pytest.mark.parametrize("size", [5_000_000, pytest.param(200_000_000, marks=pytest.mark.slow)])
def test_a_huge_mailbox_loads(tmp_path: Path, size: int) -> None:
    text = (
        b"From a@b Mon Mar 04 12:00:00 2024\nSubject: s\n\n" + b"From time to time, words.\n\n" * 300 + b"\n"
    )
    count = size // len(text)
    assert len(one(tmp_path, text * count, "a.mbox").parts) == count


def test_a_mailbox_of_old_mail_without_charsets_does_not_take_long(tmp_path: Path) -> None:
    old = b"From a@b Mon Mar 04 12:00:00 1996\nSubject: s\n\nIl a mang\xe9 des cr\xeapes \xe0 la plage.\n\n"
    new = b"From a@b Mon Mar 04 12:00:00 2024\nContent-Type: text/plain; charset=%b\n\n%b\n\n"
    late = new % (b"utf-8", "日本".encode()) + new % (b"koi8-r", "Привет".encode("koi8-r"))
    document = one(tmp_path, old * 3000 + late, "a.mbox")
    assert document.text.count("Il a mangé des crêpes à la plage.") == 3000
    assert document.text.endswith("日本\n\nПривет")
    (warning,) = document.warnings
    assert warning.startswith("message 101, message 102") and warning.endswith(
        "and 2895 more: no valid charset, read as cp1252"
    )
