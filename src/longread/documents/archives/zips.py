"""Zip archives; those cut short are read from the front, without the list of members at their end."""

from __future__ import annotations

import bz2
import contextlib
import lzma
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from longread.documents.archives.base import (
    LARGEST,
    LINK,
    MOST_MEMBERS,
    TOO_LARGE,
    TOO_MANY,
    Budget,
    Member,
    cleaned,
    credible,
)
from longread.documents.archives.streams import FAULTS, PIECE, Unpacker, pieces
from longread.documents.readers.base import Unreadable
from longread.documents.readers.encoding import decode

_ENCRYPTED = 1
_SIZES_FOLLOW = 8
_UTF8 = 0x800
_LOCAL = struct.Struct("<4s5H3I2H")
_LONGEST_DESCRIPTOR = 24
_ZIP64 = 0xFFFFFFFF
_LAST = 22 + (1 << 16)
"""Bytes at the end of a file in which the record lies that tells where its members are listed."""
_LINES = bytes.maketrans(b"\r\n\0", b"   ")
_CUT = "the zip archive is broken or breaks off; what comes before was read"
_LOCKED = "encrypted: a password is needed"
_BROKEN = "broken in its archive"
_UNKNOWN = "compressed in a way that is not supported"


def members(file: BinaryIO, wanted: Callable[[str], bool], budget: Budget) -> Iterator[Member]:
    """The members in stored order; see `archives.members`."""
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, struct.error, EOFError, OSError, ValueError, NotImplementedError):
        yield from _from_the_front(file, wanted, budget)
        return
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    if any(a.header_offset + _LOCAL.size + a.compress_size > b.header_offset for a, b in pairwise(infos)):
        raise Unreadable("broken zip archive: its members overlap, perhaps made to fill the memory")
    files, all_counted = [], True
    for info, path in zip(infos, _paths(infos), strict=True):
        if not (all_counted := budget.count()):
            break
        if not info.is_dir() and wanted(path):
            files.append((info, path))
    if not budget.allows(sum(info.file_size for info, _ in files if info.file_size <= LARGEST)):
        raise Unreadable(TOO_LARGE)
    for info, path in files:
        yield _member(file, info, path, budget)
    if not all_counted:
        raise Unreadable(TOO_MANY)


def refuse_crowded(file: BinaryIO) -> None:
    """Unreadable if a zip file lists more members than are ever read: the list may not fit the memory.

    To be asked before `zipfile` sees the file. Leaves it at its beginning.
    """
    if _crowded(file):
        raise Unreadable(f"more than {MOST_MEMBERS:,} members; unpack it to have it read")
    file.seek(0)


def _crowded(file: BinaryIO) -> bool:
    size = file.seek(0, os.SEEK_END)
    begin = max(0, size - _LAST)
    file.seek(begin)
    last = file.read()
    found = last.rfind(b"PK\x05\x06")
    end = begin + found
    if found < 0 or len(last) - found < 22:
        return False
    (listed,) = struct.unpack_from("<I", last, found + 12)
    if listed == _ZIP64 and found >= 76 and last.startswith(b"PK\x06\x06", found - 76):
        (listed,) = struct.unpack_from("<Q", last, found - 36)
    file.seek(max(0, end - 76 - listed))
    count = 0
    while count <= MOST_MEMBERS and (piece := file.read(min(1 << 20, end - file.tell()))):
        count += piece.count(b"PK\x01\x02")
    return count > MOST_MEMBERS


def _member(file: BinaryIO, info: zipfile.ZipInfo, path: str, budget: Budget) -> Member:
    fault = ""
    if info.flag_bits & _ENCRYPTED:
        fault = _LOCKED
    elif stat.S_ISLNK(info.external_attr >> 16):
        fault = LINK
    elif info.file_size > LARGEST:
        fault = TOO_LARGE
    elif (local := _local(file, info.header_offset)) is None:
        fault = _BROKEN
    if fault or local is None:
        return Member(path, b"", fault)
    known = local._replace(method=info.compress_type, packed=info.compress_size)
    found = _unpack(file, known, budget, info.file_size)
    if found.fault in ("", _BROKEN):
        # Their end need not be marked, and what they should hold is known.
        whole = len(found.data) == info.file_size and zlib.crc32(found.data) == info.CRC
        return Member(path, found.data) if whole else Member(path, b"", _BROKEN)
    return Member(path, b"", found.fault)


def _paths(infos: list[zipfile.ZipInfo]) -> list[str]:
    """The members' paths. Names that do not say that they are UTF-8 may be in any encoding, the same for all."""
    names = [info.orig_filename for info in infos]
    unsaid = [at for at, info in enumerate(infos) if not info.flag_bits & _UTF8 and not names[at].isascii()]
    if unsaid:
        raw = b"\n".join(names[at].encode("cp437").translate(_LINES) for at in unsaid)
        for at, name in zip(unsaid, _decoded(raw).split("\n"), strict=True):
            names[at] = name
    return [cleaned(name) for name in names]


def _decoded(names: bytes) -> str:
    """Names in an encoding that is not told: UTF-8, what statistics say, or what DOS or Windows used."""
    try:
        return names.decode("utf-8")
    except UnicodeDecodeError:
        dos, windows = names.decode("cp437"), names.decode("cp1252", "replace")
    readings = [dos, windows]
    if sum(byte > 127 for byte in names) > 2:  # fewer tell the statistics nothing
        with contextlib.suppress(Unreadable):
            readings.insert(0, decode(names).text)
    return next((reading for reading in readings if _plausible(reading, names)), dos)


def _plausible(reading: str, names: bytes) -> bool:
    """Whether what is beyond ASCII are mostly letters, and folders and endings are still there."""
    odd = [character for character in reading if character > "\x7f"]
    letters = sum(unicodedata.category(character)[0] in "LM" for character in odd)
    return 4 * letters >= 3 * len(odd) and all(
        reading.count(mark) == names.count(mark.encode()) for mark in "\n./"
    )


class _Local(NamedTuple):
    """What stands before a member's data."""

    flags: int
    method: int
    packed: int | None
    """Bytes of data; None when that is only said behind them."""
    name: str
    start: int
    """Where the data begins."""


class _Unpacked(NamedTuple):
    """As much of a member as could be unpacked."""

    data: bytes
    fault: str = ""
    end: int | None = None
    """Behind its data; None when that cannot be told."""


def _from_the_front(file: BinaryIO, wanted: Callable[[str], bool], budget: Budget) -> Iterator[Member]:
    """Members of an archive without a list of them, as far as each one's end can be told."""
    at: int | None = 0
    while at is not None and (local := _local(file, at)):
        if not budget.count():
            raise Unreadable(TOO_MANY)
        path = cleaned(local.name)
        asked = not local.name.endswith("/") and wanted(path)
        at = None if local.packed is None else local.start + local.packed
        found = _Unpacked(b"", _LOCKED)
        if not local.flags & _ENCRYPTED and (asked or at is None):
            found = _unpack(file, local, budget)
            if at is None and found.end is not None:
                at = _behind_sizes(file, found.end)
        if asked:
            # Half a text is worth having: that the archive is broken is said at its end.
            yield Member(path, found.data, "" if found.data and found.fault == _BROKEN else found.fault)
    raise Unreadable(_CUT if _local(file, 0) else "not a zip archive")


def _local(file: BinaryIO, at: int) -> _Local | None:
    if at < 0:
        return None
    file.seek(at)
    head = file.read(_LOCAL.size)
    if len(head) < _LOCAL.size or not head.startswith(b"PK\x03\x04"):
        return None
    _, _, flags, method, _, _, _, packed, _, name, extra = _LOCAL.unpack(head)
    shown = file.read(name).decode("utf-8", "replace")
    sizes_follow = flags & _SIZES_FOLLOW or packed == _ZIP64
    return _Local(flags, method, None if sizes_follow else packed, shown, at + _LOCAL.size + name + extra)


class _Stretch:
    """Reads no further than to the end of a member, where that is known."""

    def __init__(self, file: BinaryIO, start: int, size: int | None) -> None:
        file.seek(start)
        self._file = file
        self._left = size

    def read(self, size: int) -> bytes:
        if self._left is None:
            return self._file.read(size)
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


def _unpack(file: BinaryIO, local: _Local, budget: Budget, most: int = LARGEST) -> _Unpacked:
    """Unpacks a member piece by piece: what an archive says of its size may be a lie."""
    stretch = _Stretch(file, local.start, local.packed)
    if local.method == zipfile.ZIP_STORED and local.packed is not None:
        unpacker, found = None, iter(lambda: stretch.read(PIECE), b"")
    else:
        try:
            unpacker = _unpacker(local.method, stretch)
        except (*FAULTS, struct.error):
            return _Unpacked(b"", _BROKEN)
        if unpacker is None:
            return _Unpacked(b"", _UNKNOWN)
        found = pieces(stretch.read, unpacker)
    data, size, fault = [], 0, ""
    try:
        for piece in found:
            size += len(piece)
            if size > most:
                fault = _BROKEN
            elif not budget.take(len(piece)) or not credible(size, file.tell() - local.start):
                fault = TOO_LARGE
            if fault:
                return _Unpacked(b"", fault)
            data.append(piece)
    except (EOFError, *FAULTS):
        fault = _BROKEN
    end = file.tell() - len(unpacker.unused_data) if unpacker and unpacker.eof else None
    return _Unpacked(b"".join(data), fault, end)


def _unpacker(method: int, stretch: _Stretch) -> Unpacker | None:
    """None for a method that is not supported."""
    if method == zipfile.ZIP_DEFLATED:
        return zlib.decompressobj(-zlib.MAX_WBITS)
    if method == zipfile.ZIP_BZIP2:
        return bz2.BZ2Decompressor()
    if method == zipfile.ZIP_LZMA:
        # Two bytes of version, the length of what follows, then as in the header of an .lzma file.
        (length,) = struct.unpack("<2xH", stretch.read(4))
        settings, window = struct.unpack_from("<BI", stretch.read(length))
        rest, literal = divmod(settings, 9)
        position, literals = divmod(rest, 5)
        lzma1 = {"id": lzma.FILTER_LZMA1, "dict_size": window, "lc": literal, "lp": literals, "pb": position}
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[lzma1])
    return None


def _behind_sizes(file: BinaryIO, end: int) -> int | None:
    """Where the record begins that follows a member whose sizes stand behind its data."""
    file.seek(end)
    following = file.read(_LONGEST_DESCRIPTOR + 4)
    found = following.find(b"PK\x03\x04")
    return end + found if found >= 0 else None
