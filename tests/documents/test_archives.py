"""Archives that other programs write are read like folders: GNU tar, Info-ZIP and the JDK's jar made these."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import zipfile
from pathlib import Path
from random import Random

import docx
import pytest
from reportlab.pdfgen import canvas

from longread.documents.load import load
from longread.errors import InputError
from longread.types import Corpus
from tests.support.cli import Cli
from tests.support.office import package

FILES = {
    "b.txt": "first\nsecond\nthird\n",
    "chapter10.txt": "ten",
    "chapter2.txt": "two",
    "sub/deep/a.md": "# Title\n\ntext",
    "sub/é 日本.txt": "accents",
    ".hidden": "x",
    ".git/config": "x",
    "node_modules/a.js": "x",
    "empty.txt": "",
}
READ = ["b.txt", "chapter2.txt", "chapter10.txt", "sub/deep/a.md", "sub/é 日本.txt"]
CUT = "breaks off"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def pack(folder: Path, *command: str) -> Path:
    """What a program makes of a folder: the last argument is the archive's name, beside it."""
    *words, name = command
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not installed")
    archive = folder.parent / name
    subprocess.run([*words, str(archive), "."], cwd=folder, check=True, capture_output=True)
    return archive


def names(corpus: Corpus, archive: Path) -> list[str]:
    return [document.source.removeprefix(f"{archive.as_posix()}/") for document in corpus]


def reasons(corpus: Corpus, archive: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for source, reason in corpus.skipped:
        name = source.removeprefix(f"{archive.as_posix()}/")
        found[name] = f"{found[name]}; {reason}" if name in found else reason
    return found


def reason(path: Path) -> str:
    with pytest.raises(InputError) as error:
        load(path)
    return str(error.value)


@pytest.mark.parametrize(
    "command",
    [
        "zip -qr a.zip",
        "zip -qr0 a.zip",
        "zip -qrZbzip2 a.zip",
        "zip -qrfz a.zip",
        "jar cMf a.jar.zip",
        "tar --format=v7 -cf a.tar",
        "tar --format=ustar -cf a.tar",
        "tar --format=gnu -cf a.tar",
        "tar --format=gnu -Gcf a.tar",
        "tar --format=pax -cf a.tar",
        "tar -cf a",
        "tar -czf a.tar.gz",
        "tar -czf a.tgz",
        "tar -cjf a.tar.bz2",
        "tar -cJf a.tar.xz",
        "tar -cJf a.txz",
    ],
)
def test_an_archive_is_read_as_its_folder_would_be(tree: Path, command: str) -> None:
    archive = pack(tree, *command.split())
    corpus = load(archive)
    assert names(corpus, archive) == READ == names(load(tree), tree)
    assert [document.text for document in corpus] == [document.text for document in load(tree)]
    assert reasons(corpus, archive) == {str(archive): "1 entry hidden", "empty.txt": "empty"}
    found = corpus.documents[0]
    assert str(found.locate(found.text.index("third"))) == str(
        load(tree).documents[0].locate(found.text.index("third"))
    )
    assert found.locate(found.text.index("third")).line == 3


def test_filters_hold_within_archives(tree: Path) -> None:
    outer = tree.parent / "outer"
    outer.mkdir()
    (outer / "loose.md").write_text("loose")
    pack(tree, "zip", "-qr", "outer/a.zip")
    assert names(load(outer, include=["*.md"]), outer) == ["a.zip/sub/deep/a.md", "loose.md"]
    assert names(load(outer, exclude=["sub", "chapter*"]), outer) == ["a.zip/b.txt", "loose.md"]
    assert names(load(outer, exclude=["/a.zip/sub/deep/"]), outer) == [
        *[f"a.zip/{name}" for name in READ if "deep" not in name],
        "loose.md",
    ]
    assert names(load(outer, exclude=["*.zip"]), outer) == ["loose.md"]
    corpus = load(outer, include=["*.md"], exclude=["chapter*"])
    said = "1 entry hidden; 2 entries excluded; 3 entries not matched by --include"
    assert sorted(reasons(corpus, outer)["a.zip"].split("; ")) == said.split("; ")


@pytest.mark.parametrize(
    ("suffix", "compress"), [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress)]
)
def test_a_packed_file_is_read_as_what_it_holds(tmp_path: Path, suffix: str, compress: object) -> None:
    data = package({"word/document.xml": b"<x/>"})
    assert callable(compress)
    for name, content in {
        "log.txt": b"one\r\ntwo",
        "page.html": b"<html><p>text",
        "twice.csv": b"a,b\n1,2\n",
    }.items():
        half = len(content) // 2
        # Programs that append to such files leave several streams, and tapes are filled up with zeros.
        (tmp_path / f"{name}.{suffix}").write_bytes(
            compress(content[:half]) + compress(content[half:]) + b"\0" * 64
        )
    (tmp_path / f"a.docx.{suffix}").write_bytes(compress(data))
    corpus = load(tmp_path)
    kinds = {Path(document.source).name: (document.kind, document.text) for document in corpus}
    assert kinds[f"log.txt.{suffix}"] == ("text", "one\ntwo")
    assert kinds[f"page.html.{suffix}"] == ("html", "text")
    assert f"twice.csv.{suffix}" in kinds
    assert list(reasons(corpus, tmp_path)) == [f"a.docx.{suffix}"]
    assert names(load(tmp_path, include=["*.txt"]), tmp_path) == [f"log.txt.{suffix}"]


def test_documents_of_any_format_are_read_in_an_archive(tmp_path: Path, tree: Path) -> None:
    made = docx.Document()
    made.add_paragraph("from Word")
    made.save(str(tree / "letter.docx"))
    sheet = canvas.Canvas(str(tree / "paper.pdf"))
    sheet.drawString(72, 720, "from a page")
    sheet.save()
    (tree / "picture.png").write_bytes(b"\x89PNG" + bytes(100))
    (tree / "noise.txt").write_bytes(bytes(1000))
    archive = pack(tree, "zip", "-qr", "a.zip")
    corpus = load(archive)
    texts = {document.source.rpartition("/")[2]: (document.kind, document.text) for document in corpus}
    assert texts["letter.docx"] == ("markdown", "from Word")
    assert texts["paper.pdf"][0] == "pdf" and "from a page" in texts["paper.pdf"][1]
    said = reasons(corpus, archive)
    assert said["picture.png"] == "unsupported format: image (.png)"
    assert said["noise.txt"] == "binary"
    # What is an office file is never opened as an archive, whatever its name.
    for name in ("letter.docx", "letter.zip", "letter"):
        (tmp_path / name).write_bytes((tree / "letter.docx").read_bytes())
        assert [document.text for document in load(tmp_path / name)] == ["from Word"]


def test_archives_in_an_archive_are_opened_and_those_within_are_named(tree: Path) -> None:
    innermost = pack(tree, "tar", "-czf", "inner.tar.gz")
    for outer in ("middle", "outer"):
        folder = tree.parent / outer
        folder.mkdir()
        (folder / f"{outer}.txt").write_text(outer)
        innermost = innermost.rename(folder / innermost.name)
        innermost = pack(folder, "zip", "-qr", f"{outer}.zip")
    corpus = load(innermost)
    assert names(corpus, innermost) == ["middle.zip/middle.txt", "outer.txt"]
    assert reasons(corpus, innermost) == {
        "middle.zip/inner.tar.gz": "archive in an archive in an archive",
    }
    (tree.parent / "m").mkdir()
    middle = tree.parent / "middle" / "inner.tar.gz"
    archive = pack(middle.parent, "zip", "-qr", "m/m.zip")
    assert names(load(archive), archive) == [*[f"inner.tar.gz/{name}" for name in READ], "middle.txt"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp437", "Übersicht Größe.txt"),
        ("cp437", "é.txt"),
        ("cp850", "résumé/café.txt"),
        ("cp866", "Договор аренды.txt"),
        ("shift_jis", "議事録/第1章 契約書.txt"),
        ("cp949", "계약서와 보고서.txt"),
        ("utf-8", "日本/é.txt"),
    ],
)
@pytest.mark.parametrize("command", ["zip -qr a.zip", "tar -cf a.tar"])
def test_member_names_in_any_encoding(tmp_path: Path, encoding: str, name: str, command: str) -> None:
    folder = tmp_path / "tree"
    path = os.path.join(os.fsencode(folder), name.encode(encoding))  # noqa: PTH118 -- the bytes are the point
    os.makedirs(os.path.dirname(path))  # noqa: PTH103, PTH120
    with open(path, "wb") as file:  # noqa: PTH123
        file.write(b"text")
    archive = pack(folder, *command.split())
    (document,) = load(archive)
    assert document.text == "text"
    if command.startswith("zip") or encoding == "utf-8":
        assert document.source == f"{archive.as_posix()}/{name}"
    else:  # no program that writes tar files has ever meant anything but the bytes of its own system
        assert document.source.endswith(".txt") and "\ufffd" in document.source


def test_an_undecodable_name_keeps_its_ending(tmp_path: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("AA.html", "<p>text</p>")
    path = tmp_path / "a.zip"
    path.write_bytes(made.getvalue().replace(b"AA.html", "ア.html".encode("shift_jis")))
    (document,) = load(path)
    assert document.kind == "html"


def test_empty_and_foreign_files_say_so(tmp_path: Path, tree: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    (tmp_path / "empty.zip").write_bytes(b"PK\5\6" + bytes(18))
    assert "empty.zip: empty" in reason(tmp_path / "empty.zip")
    assert "empty.tar: empty" in reason(pack(nothing, "tar", "-cf", "empty.tar"))
    assert "empty.tgz: empty" in reason(pack(nothing, "tar", "-czf", "empty.tgz"))
    for suffix, said in (("zip", "not a zip archive"), ("tar", "not a tar archive")):
        (tmp_path / f"page.{suffix}").write_text("<html><p>404: not found</p></html>" * 30)
        assert said in reason(tmp_path / f"page.{suffix}")
    (tmp_path / "unpacked.txt.gz").write_text("someone has unpacked this already")
    assert load(tmp_path / "unpacked.txt.gz").documents[0].text.startswith("someone")


def test_encrypted_members_are_named(tree: Path) -> None:
    archive = pack(tree, "zip", "-qr", "-P", "secret", "a.zip")
    assert "encrypted: a password is needed" in reason(archive)
    subprocess.run(["zip", "-q", archive, "b.txt"], cwd=tree, check=True, capture_output=True)
    corpus = load(archive)
    assert names(corpus, archive) == ["b.txt"]
    assert reasons(corpus, archive)["chapter2.txt"] == "encrypted: a password is needed"


@pytest.mark.parametrize(
    "command",
    [
        *("zip -qr a.zip", "zip -qr0 a.zip", "zip -qrfd a.zip", "zip -qrZbzip2 a.zip", "jar cMf a.zip"),
        *("tar -cf a.tar", "tar --format=v7 -cf a.tar", "tar --format=pax -cf a.tar"),
        *("tar -czf a.tar.gz", "tar -cjf a.tar.bz2", "tar -cJf a.tar.xz"),
    ],
)
def test_what_is_cut_short_is_read_as_far_as_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("BZIP2", "-1")  # blocks of 100 kB, each of which is lost as a whole
    folder = tmp_path / "tree"
    folder.mkdir()
    for at in range(8):
        (folder / f"{at}.txt").write_text("\n".join(Random(at).randbytes(30).hex() for _ in range(1500)))
    whole = pack(folder, *command.split())
    data = whole.read_bytes()
    texts = {document.source: document.text for document in load(whole)}
    assert len(texts) == 8
    most = half = 0
    for tenth in range(2, 10):
        whole.write_bytes(data[: len(data) * tenth // 10])
        try:
            corpus = load(whole)
        except InputError as error:
            assert CUT in str(error) and whole.suffix in (".bz2", ".xz"), tenth
            continue
        assert any(CUT in reason for reason in reasons(corpus, whole).values())
        cut = [document for document in corpus if document.text != texts[document.source]]
        assert len(cut) <= 1 and all(texts[document.source].startswith(document.text) for document in cut)
        half += len(cut)
        assert len(corpus.documents) >= most
        most = len(corpus.documents)
    assert most >= 6 and (half or "bzip2" in command)
    with pytest.raises(InputError, match=CUT):
        load(whole, strict=True)


def test_a_tar_archive_cut_between_two_members_does_not_pass_for_a_whole_one(tree: Path) -> None:
    archive = pack(tree, "tar", "--format=ustar", "--sort=name", "-cf", "a.tar")
    data = archive.read_bytes()
    archive.write_bytes(data[: data.index(b"./chapter2.txt")])
    corpus = load(archive)
    assert names(corpus, archive) == ["b.txt", "chapter10.txt"]
    assert CUT in reasons(corpus, archive)[str(archive)]


def test_a_damaged_member_is_named_and_the_others_are_read(tree: Path) -> None:
    archive = pack(tree, "zip", "-qr0", "a.zip")
    data = archive.read_bytes()
    archive.write_bytes(data.replace(b"first\nsecond", b"first\nsocond"))
    corpus = load(archive)
    assert names(corpus, archive) == READ[1:]
    assert reasons(corpus, archive)["b.txt"] == "broken in its archive"


def test_ways_of_compressing(tmp_path: Path) -> None:
    made = io.BytesIO()
    text = "".join(f"{n * 7919 % 10007}\n" for n in range(50_000))
    with zipfile.ZipFile(made, "w") as archive:
        for name, method in (("lzma", zipfile.ZIP_LZMA), ("bzip2", zipfile.ZIP_BZIP2), ("none", 0)):
            archive.writestr(f"{name}.txt", text, compress_type=method)
        archive.writestr("other.txt", "x")
    data = made.getvalue()
    # Method 93 is Zstandard, which Python before 3.14 does not have.
    at = data.rindex(b"PK\1\2")
    path = tmp_path / "a.zip"
    path.write_bytes(data[: at + 10] + struct.pack("<H", 93) + data[at + 12 :])
    corpus = load(path)
    assert {Path(document.source).name: document.text for document in corpus} == {
        "lzma.txt": text,
        "bzip2.txt": text,
        "none.txt": text,
    }
    assert reasons(corpus, path) == {"other.txt": "compressed in a way that is not supported"}


def test_an_archive_from_standard_input(tree: Path) -> None:
    archive = pack(tree, "tar", "-czf", "a.tgz")
    corpus = load("-", stdin=io.BytesIO(archive.read_bytes()))
    assert [document.source for document in corpus] == [f"-/{name}" for name in READ]


def test_escape_sequences_in_the_name_of_a_cited_file_never_reach_the_terminal(cli: Cli) -> None:
    evil = "\x1b]0;owned\x07\x1b[2J\x9b31m"
    text = f"Jane Roe founded Acme.{evil} And left.\n"
    with zipfile.ZipFile(cli.folder / "a.zip", "w") as archive:
        archive.writestr(f"{evil}.txt", text)
        archive.writestr(f"{evil}.png", text)
    done = cli("ask", "Who founded Acme?", ".")
    assert "Jane Roe" in done.stdout and "0;owned" in done.stdout and "0;owned" in done.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(done.stdout + done.stderr)
