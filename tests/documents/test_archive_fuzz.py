"""500 damaged archives of each kind: none gives a traceback or takes ten seconds."""

import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path
from random import Random

import pytest

from tests.support.mutations import mutated, mutated_zip, survives

FILES = 500
TEXTS = {
    "a.txt": b"text\n" * 50,
    "folder/b.csv": b"a,b\n1,2\n" * 20,
    "folder/deep/c.html": b"<html><p>text</p></html>",
    "x" * 150 + ".md": b"# Title\n\ntext",
    "d.txt.gz": gzip.compress(b"packed\n" * 30, mtime=0),
    "\u00e9 \u65e5\u672c.txt": b"accents",
}


def zipped() -> bytes:
    out = io.BytesIO()
    methods = (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    with zipfile.ZipFile(out, "w") as archive:
        for at, (name, data) in enumerate(TEXTS.items()):
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=methods[at % 4])
    return out.getvalue()


def tarred(format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in {**TEXTS, "inner.zip": zipped()}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return out.getvalue().rstrip(b"\0") + bytes(1024)


def checked(data: bytes, rng: Random) -> bytes:
    """A tar archive with the checksums of its headers set right, so that what they say is believed."""
    out = bytearray(data)
    for at in range(0, len(out) - 511, 512):
        if out[at + 257 : at + 262] == b"ustar":
            if rng.random() < 0.5:
                out[at + rng.randrange(345)] = rng.choice((0, 32, 48, 55, 128, 255, rng.randrange(256)))
            out[at + 148 : at + 156] = b" " * 8
            out[at + 148 : at + 156] = b"%06o\0 " % sum(out[at : at + 512])
    return bytes(out)


@pytest.mark.parametrize("kind", ["zip", "parts", "tar", "headers", "gnu", "tar.gz", "tar.xz"])
def test_damaged_archives_give_no_traceback_and_no_hang(tmp_path: Path, kind: str) -> None:
    archive = zipped() if kind in ("zip", "parts") else tarred()
    if kind == "gnu":
        archive = tarred(tarfile.GNU_FORMAT)
    files = FILES // 2 if kind in ("zip", "parts", "tar", "headers") else FILES
    for seed in range(files):
        rng = Random(seed)
        if kind == "parts":
            data = mutated_zip(archive, rng)
        elif kind in ("headers", "gnu"):
            data = checked(archive if rng.random() < 0.5 else mutated(archive, rng), rng)
        elif kind == "tar.gz":  # damaged within, and then sometimes without
            data = gzip.compress(mutated(archive, rng), 1, mtime=0)
            data = mutated(data, rng) if seed % 2 else data
        elif kind == "tar.xz":
            data = mutated(lzma.compress(archive, preset=0), rng)
        else:
            data = mutated(archive, rng)
        survives(
            f"a.{'zip' if kind == 'parts' else 'tar' if kind in ('headers', 'gnu') else kind}", data, tmp_path
        )
