"""What tests of the office formats share: loading one file, and looking into and changing zip packages."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from longread.documents.load import load
from longread.types import Document


def one(folder: Path, name: str, data: bytes) -> Document:
    """The document that a file holds."""
    path = folder / name
    path.write_bytes(data)
    corpus = load(path)
    assert not corpus.skipped
    return corpus.documents[0]


def reason(folder: Path, name: str, data: bytes) -> str:
    """Why a file is skipped."""
    (folder / "readable.txt").write_text("text")
    (folder / name).write_bytes(data)
    return load(folder / "readable.txt", folder / name).skipped[0].reason


def place(document: Document, words: str) -> str | None:
    """The part in which words stand that the text has once."""
    assert document.text.count(words) == 1
    start = document.text.index(words)
    first, last = document.locate(start), document.locate(start + len(words) - 1)
    assert first == last
    return first.part


def parts(data: bytes) -> dict[str, bytes]:
    """The parts of a package by their names."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def package(parts: dict[str, bytes]) -> bytes:
    """A package of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


def swapped(data: bytes, part: str, old: str, new: str) -> bytes:
    """A package with words of one part exchanged, which must be there."""
    all_parts = parts(data)
    assert old.encode() in all_parts[part]
    all_parts[part] = all_parts[part].replace(old.encode(), new.encode())
    return package(all_parts)


def strict(data: bytes) -> bytes:
    """A package in the other namespace of the standard, which Office saves as Strict Open XML."""
    transitional, namespace = b"http://schemas.openxmlformats.org/", b"http://purl.oclc.org/ooxml/"
    changed = {}
    for name, part in parts(data).items():
        for word in (b"wordprocessingml", b"spreadsheetml", b"presentationml", b"drawingml"):
            part = part.replace(transitional + word + b"/2006/", namespace + word + b"/")
        changed[name] = part.replace(transitional + b"officeDocument/2006/", namespace + b"officeDocument/")
    return package(changed)
