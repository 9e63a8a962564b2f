"""A hostile archive or member name does nothing: no file is written or followed, no memory or time runs out."""

import bz2
import gzip
import io
import lzma
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest

from longread.documents.archives.zips import refuse_crowded
from longread.documents.load import load
from longread.documents.readers import Unreadable
from longread.errors import InputError
from longread.types import Corpus

NAMES = {
    "../../etc/passwd": "etc/passwd",
    "/etc/shadow": "etc/shadow",
    "C:\\Windows\\system.ini": "Windows/system.ini",
    "c:/a/../b.txt": "a/b.txt",
    "..\\..\\up.txt": "up.txt",
    "a//b/./c.txt": "a/b/c.txt",
    "two\nlines.txt": "two\ufffdlines.txt",
    "\x1b[2J\x9b31m.txt": "\ufffd[2J\ufffd31m.txt",
    "x" * 2000 + ".txt": "x" * 996 + ".txt",
    "../..": "unnamed",
}
TOO_LARGE = "too large when unpacked"


def tar(*members: tuple[str, bytes, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar archive of names, types and contents; of a link, the content is where it leads."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, kind, data in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = data.decode()
            else:
                info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def header(name: bytes, kind: bytes, size: bytes, data: bytes = b"", fill: bytes = b"") -> bytes:
    """A tar header of these very bytes, with a right checksum, and padded data."""
    block = bytearray(512)
    block[: len(name)] = name
    block[124 : 124 + len(size)] = size
    block[156:157] = kind
    block[257:265] = b"ustar\x0000"
    block[386 : 386 + len(fill)] = fill
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data + bytes(-len(data) % 512)


def packed(*members: tuple[str, int, bytes, int, int], comment: bytes = b"") -> bytes:
    """A zip archive of names, methods, packed data, claimed sizes and checksums."""
    out, listed = io.BytesIO(), io.BytesIO()
    for name, method, data, size, crc in members:
        fields = (20, 0, method, 0, 33, crc, len(data), size, len(name), 0)
        at = out.tell()
        out.write(struct.pack("<4s5H3I2H", b"PK\3\4", *fields) + name.encode() + data)
        listed.write(struct.pack("<4sH5H3I2H3H2I", b"PK\1\2", 20, *fields, 0, 0, 0, 0, at) + name.encode())
    directory = listed.getvalue()
    end = struct.pack(
        "<4s4H2IH",
        b"PK\5\6",
        0,
        0,
        len(members) & 0xFFFF,
        len(members) & 0xFFFF,
        len(directory),
        out.tell(),
        0,
    )
    return out.getvalue() + directory + end


def bomb(size: int) -> bytes:
    """Deflated zeros, as many as one likes: after a full flush the same bytes may come again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"a" * 10_000_000) + packer.flush(zlib.Z_FULL_FLUSH)
    return block * (size // 10_000_000) + b"\3\0"


def tried(path: Path, data: bytes) -> tuple[list[str], str]:
    """Texts and reasons."""
    path.write_bytes(data)
    try:
        corpus = load(path)
    except InputError as error:
        return [], str(error)
    return [document.text for document in corpus], "; ".join(reason for _, reason in corpus.skipped)


def shown(corpus: Corpus, path: Path) -> set[str]:
    return {document.source.removeprefix(f"{path.as_posix()}/") for document in corpus}


@pytest.mark.parametrize("kind", ["zip", "pax", "gnu"])
def test_names_are_only_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in" / "a.archive"
    path.parent.mkdir()
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in [*NAMES, "nul.txt"]:
                archive.writestr(name, "text")
        path.write_bytes(path.read_bytes().replace(b"nul.txt", b"n\0l.txt"))
    else:
        format = tarfile.PAX_FORMAT if kind == "pax" else tarfile.GNU_FORMAT
        path.write_bytes(tar(*[(name, tarfile.REGTYPE, b"text") for name in NAMES], format=format))
    corpus = load(path)
    expected = set(NAMES.values()) | ({"n\ufffdl.txt"} if kind == "zip" else set())
    assert shown(corpus, path) == expected
    assert {document.text for document in corpus} == {"text"}
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_links_and_devices_are_named_and_never_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    kinds = {
        "soft": (tarfile.SYMTYPE, "link in an archive"),
        "hard": (tarfile.LNKTYPE, "link in an archive"),
        "chr": (tarfile.CHRTYPE, "device"),
        "blk": (tarfile.BLKTYPE, "device"),
        "fifo": (tarfile.FIFOTYPE, "named pipe"),
    }
    members = [(name, kind, b"") for name, (kind, _) in kinds.items() if name not in ("soft", "hard")]
    members += [(name, kinds[name][0], str(secret).encode()) for name in ("soft", "hard")]
    path = tmp_path / "a.tar"
    path.write_bytes(tar(*members, ("soft/b.txt", tarfile.REGTYPE, b"text")))
    corpus = load(path)
    assert shown(corpus, path) == {"soft/b.txt"}
    assert {Path(source).name: reason for source, reason in corpus.skipped} == {
        name: reason for name, (_, reason) in kinds.items()
    }
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "soft").symlink_to(secret)
    (folder / "b.txt").write_text("text")
    if not shutil.which("zip"):
        pytest.skip("zip is not installed")
    subprocess.run(["zip", "-qry", "../a.zip", "."], cwd=folder, check=True)
    corpus = load(tmp_path / "a.zip")
    assert shown(corpus, tmp_path / "a.zip") == {"b.txt"}
    assert [reason for _, reason in corpus.skipped] == ["link in an archive"]
    assert len(load(path, tmp_path / "a.zip").documents) == 2


MEASURED = """
import resource, sys, time
from longread.documents.load import load
from longread.errors import InputError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (30, 30))
try:
    for source, reason in load(sys.argv[1]).skipped:
        print(reason)
except InputError as error:
    print(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) >> 10)
"""


def measured(path: Path, data: bytes) -> tuple[str, int]:
    """What is said, and the most memory taken, in MiB, under a limit of 3 GiB and 30 seconds of processor time."""
    path.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", MEASURED, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    said, _, most = done.stdout.strip().rpartition("\n")
    return said, int(most)


TEN = 10_000_000_000


@pytest.mark.parametrize(
    "name",
    ["a.txt.gz", "a.txt.bz2", "a.txt.xz", "a.tar.gz", "a.tar.xz", "honest.zip", "lying.zip", "cut.zip"],
)
def test_ten_gigabytes_in_a_few_megabytes_fill_nothing(tmp_path: Path, name: str) -> None:
    tape = header(b"a.txt", b"0", b"\x80" + (TEN).to_bytes(11, "big"))
    some = b"a" * 10_000_000
    if name.endswith(".txt.gz"):
        data = b"\x1f\x8b\x08" + bytes(7) + bomb(TEN)
    elif name == "a.tar.gz":
        data = gzip.compress(tape) + gzip.compress(some) * 1000
    elif name.endswith(".bz2"):
        data = bz2.compress(some) * 1000
    elif name.endswith(".xz"):
        data = (lzma.compress(tape) if "tar" in name else b"") + lzma.compress(some) * 1000
    elif name == "honest.zip":
        data = packed(
            ("a.txt", 8, bomb(1_000_000_000), 1_000_000_000, 0), ("b.txt", 0, b"text", 4, zlib.crc32(b"text"))
        )
    else:
        data = packed(("a.txt", 8, bomb(1_000_000_000), 9, 0), ("b.txt", 0, b"text", 4, zlib.crc32(b"text")))
    if name == "cut.zip":
        data = data[: data.index(b"b.txt") - 30]
    said, most = measured(tmp_path / name, data)
    assert ("broken in its archive" if name == "lying.zip" else TOO_LARGE) in said
    assert most < 450


def test_many_lying_members_take_no_time(tmp_path: Path) -> None:
    data = bz2.compress(b"a" * 40_000_000)
    said, most = measured(tmp_path / "a.zip", packed(*[(f"{at}.txt", 12, data, 1, 0) for at in range(300)]))
    assert "and 299 more: broken in its archive" in said and most < 100


def test_archives_nested_without_end_and_members_that_overlap(tmp_path: Path) -> None:
    data = packed(("0.txt", 8, bomb(1_000_000_000), 1_000_000_000, 0))
    for level in range(5):
        inner = zlib.compress(data, 9)[2:-4]
        crc = zlib.crc32(data)
        data = packed(*[(f"{level}{at}.zip", 8, inner, len(data), crc) for at in range(16)])
    said, most = measured(tmp_path / "42.zip", data)
    assert "archive in an archive in an archive" in said and most < 200
    # Fifield's bomb: many names for the same kernel of data.
    data = packed(("a.txt", 8, bomb(100_000_000), 100_000_000, 0))
    at = data.index(b"PK\1\2")
    listed = data[at : data.index(b"PK\5\6")]
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 5000, 5000, 5000 * len(listed), at, 0)
    said, most = measured(tmp_path / "kernel.zip", data[:at] + listed * 5000 + end)
    assert "overlap" in said and most < 100


def test_a_list_of_millions_of_members_is_not_begun(tmp_path: Path) -> None:
    record = struct.pack("<4sH5H3I2H3H2I", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    count = 2_000_000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, count * len(record), 0, 0)
    data = b"PK\3\4" + bytes(60) + record * count + end
    with pytest.raises(Unreadable, match="more than 100,000 members"):
        refuse_crowded(io.BytesIO(data))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 0, 0, 46 * 99_000, 0, 0)
    refuse_crowded(io.BytesIO(data[: 64 + 46 * 99_000] + end))


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_too_many_members_are_read_as_far_as_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    members = [(f"{at}.txt", b"text") for at in range(12)]
    monkeypatch.setattr("longread.documents.archives.base.MOST_MEMBERS", 10)
    data = (
        packed(*[(name, 0, text, 4, zlib.crc32(text)) for name, text in members])
        if kind == "zip"
        else tar(*[(name, tarfile.REGTYPE, text) for name, text in members])
    )
    texts, said = tried(tmp_path / f"a.{kind}", data)
    assert len(texts) == 10 and "the rest was not read" in said


@pytest.mark.parametrize("kind", ["zip", pytest.param("tar", marks=pytest.mark.slow)])
def test_two_hundred_thousand_members(tmp_path: Path, kind: str) -> None:
    count = 200_000
    data = (
        packed(*[(f"{at}.png", 0, b"", 0, 0) for at in range(count)])
        if kind == "zip"
        else header(b"a.png", b"0", b"0\0") * count
    )
    said, most = measured(tmp_path / f"a.{kind}", data)
    assert "100,000 members" in said and most < 300


BOMB = {
    "negative": header(b"a", b"0", b"\xff" * 12),
    "huge": header(b"a", b"0", b"\x80" + b"\xff" * 11),
    "huge extended header": header(b"a", b"x", b"\x80" + b"\x7f" * 11),
    "endless name": header(b"a", b"L", b"77777777777"),
    "negative offset": header(b"a", b"x", b"\xff" * 12),
    "sparse": header(b"a", b"S", b"10\0", bytes(512)),
    "endless map": header(b"a", b"S", b"0\0", (bytes(504) + b"\1" * 8) * 2000, fill=b"\1" * 110),
    "length 0": header(b"a", b"x", b"17\0", b"0 path=b\n"),
    "length -1": header(b"a", b"x", b"17\0", b"-1 path=b\n"),
    "no length": header(b"a", b"x", b"17\0", b"path=b\n"),
    "long length": header(b"a", b"x", b"1000\0", b"9" * 512),
    "huge length": header(b"a", b"x", b"24\0", b"99999999 path=b\n"),
    "no size": header(b"a", b"x", b"20\0", b"14 size=-1000\n"),
    "size beyond": header(b"a", b"x", b"36\0", b"30 size=9999999999999999999999\n"),
    "digits": header(b"a", b"x", b"36\0", "30 size=\u0663\n".encode()),
    "loop": header(b"a", b"x", b"11\0", b"9 path=b\n") * 2000,
}


@pytest.mark.parametrize("fault", BOMB)
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.timeout(20)
def test_crafted_tar_headers_end_in_what_came_before(tmp_path: Path, name: str, fault: str) -> None:
    data = header(b"first.txt", b"0", b"4\0", b"text") + BOMB[fault]
    data += header(b"last.txt", b"0", b"4\0", b"last") + bytes(1024)
    texts, said = tried(tmp_path / name, data if name == "a.tar" else gzip.compress(data))
    assert "text" in texts
    if fault in ("negative", "huge", "huge extended header", "endless name", "negative offset"):
        assert len(texts) == 1 and ("breaks off" in said or TOO_LARGE in said)
    if fault.startswith(("length", "no ", "huge length", "digits")):
        assert texts == ["text", "last"]
    assert fault != "sparse" or "sparse file" in said


def test_extended_headers_without_end_fill_no_memory(tmp_path: Path) -> None:
    records = b"".join(b"18 k%07d=abcde\n" % at for at in range(50_000))
    one = header(b"a", b"x", b"%o\0" % len(records), records)
    unlike = [one.replace(b"k0", b"k%c" % letter) for letter in range(65, 91)]
    said, most = measured(tmp_path / "a.tgz", gzip.compress(b"".join(unlike), 1))
    assert "empty" in said or "breaks off" in said
    assert most < 60


def test_a_gzip_header_without_end_takes_no_time(tmp_path: Path) -> None:
    said, _ = measured(tmp_path / "a.gz", b"\x1f\x8b\x08\x08" + bytes(6) + b"x" * 100_000_000)
    assert "breaks off" in said
    said, _ = measured(tmp_path / "b.gz", gzip.compress(b"") * 500_000)
    assert "empty" in said
