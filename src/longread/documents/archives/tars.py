"""Tar archives: old, ustar, GNU and pax, read once from front to back.

The standard library's `tarfile` decodes the headers. Its own reading is not used: in versions of Python that are
still around, a crafted header makes it hang (CVE-2024-6232, CVE-2025-8194).
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from longread.documents.archives.base import LARGEST, LINK, TOO_LARGE, TOO_MANY, Budget, Member, cleaned
from longread.documents.archives.streams import Stream
from longread.documents.readers.base import Unreadable

_BLOCK = tarfile.BLOCKSIZE
_LONGEST_HEADER = 1 << 20
_NO_FILES = (tarfile.DIRTYPE, b"V", b"D", b"M", b"N")
"""Folders, and what GNU tar notes for itself."""
_FAULTS = {
    tarfile.SYMTYPE: LINK,
    tarfile.LNKTYPE: LINK,
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "named pipe",
    tarfile.GNUTYPE_SPARSE: "sparse file in an archive",
}
_WITHOUT_DATA = frozenset({*_FAULTS, tarfile.DIRTYPE} - {tarfile.GNUTYPE_SPARSE})
"""Types whose size says nothing about what follows."""
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_KEYS = frozenset({"path", "size", "GNU.sparse.name", "GNU.sparse.size", "GNU.sparse.major"})
"""What a pax header may say that matters here; a crafted one says millions of things that do not."""
_EXTENDED = (*_PAX, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
"""Headers that say more of the entry that follows."""


class _Entry(NamedTuple):
    name: str
    kind: bytes
    size: int
    """Bytes that follow, before padding."""


def members(file: BinaryIO, wanted: Callable[[str], bool], budget: Budget) -> Iterator[Member]:
    """The members in stored order; see `archives.members`."""
    for entry in _entries(file):
        if not budget.count():
            raise Unreadable(TOO_MANY)
        path, data = cleaned(entry.name), b""
        if entry.kind not in _NO_FILES and wanted(path):
            fault = _FAULTS.get(entry.kind, "")
            if not fault and entry.size > LARGEST:
                fault = TOO_LARGE
            if not fault:
                data = file.read(entry.size)
                if isinstance(file, Stream) and file.exhausted:
                    raise Unreadable(TOO_LARGE)
            if fault or data or not entry.size:
                yield Member(path, data, fault)
        _skip(file, entry.size + -entry.size % _BLOCK - len(data))


def _entries(file: BinaryIO) -> Iterator[_Entry]:
    """All entries; whoever gets one moves `file` behind its data."""
    said: dict[str, str] = {}
    begun = False
    while len(block := file.read(_BLOCK)) == _BLOCK:
        if block.count(0) == _BLOCK:
            return
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise _broken(file) if begun else Unreadable("not a tar archive") from error
        begun = True
        if header.size < 0 or (header.type in _EXTENDED and header.size > _LONGEST_HEADER):
            raise _broken(file)
        if header.type in _EXTENDED:
            data = file.read(header.size)
            _skip(file, header.size + -header.size % _BLOCK - len(data))
            if header.type == tarfile.GNUTYPE_LONGNAME:
                said["path"] = _text(data)
            elif header.type in _PAX:
                said |= _records(data)
            continue
        kind = header.type
        if kind == tarfile.GNUTYPE_SPARSE:
            _skip_map(file, block)
        elif any(key.startswith("GNU.sparse.") for key in said):
            kind = tarfile.GNUTYPE_SPARSE
        size = 0 if kind in _WITHOUT_DATA else _number(said.get("size", ""), header.size)
        # Where other formats keep the folder, GNU tar keeps times, which `tarfile` takes for one.
        name = _text(block[:100]) if block[257:263] == b"ustar " else header.name
        yield _Entry(said.get("GNU.sparse.name") or said.get("path") or name, kind, size)
        said = {}
    if begun or block or _fault(file):
        raise _broken(file)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header, each `length key=value\\n`; those after a broken one are left out."""
    found = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        end = at + _number(data[at:space].decode("latin-1") if space > at else "", 0)
        if not at < space < end <= len(data):
            break
        name, _, value = data[space + 1 : end - 1].partition(b"=")
        key = name.decode("latin-1")
        if key in _KEYS:
            found[key] = value.decode("utf-8", "surrogateescape")
        at = end
    return found


def _number(digits: str, otherwise: int) -> int:
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else otherwise


def _skip_map(file: BinaryIO, block: bytes) -> None:
    """Old GNU headers of sparse files may go on in further blocks."""
    extended = block[482]
    while extended and len(block := file.read(_BLOCK)) == _BLOCK:
        extended = block[504]


def _skip(file: BinaryIO, size: int) -> None:
    if not size:
        return
    if not isinstance(file, Stream):
        at = file.tell()
        if at + size > file.seek(0, os.SEEK_END):
            raise _broken(file)
        file.seek(at + size)
        return
    while size:
        passed = len(file.read(min(size, 1 << 20)))
        if not passed:
            raise _broken(file)
        size -= passed


def _fault(file: BinaryIO) -> str:
    return file.fault if isinstance(file, Stream) else ""


def _broken(file: BinaryIO) -> Unreadable:
    return Unreadable(_fault(file) or "the tar archive is broken or breaks off; what comes before was read")
