"""gzip, bzip2 and xz: one file, or a tar archive, packed as a whole."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from longread.documents.archives.base import LARGEST, TOO_LARGE, Budget, credible

FAULTS = (zlib.error, lzma.LZMAError, OSError, ValueError)
"""What unpacking broken data raises, besides `EOFError` for data that breaks off."""
PIECE = 1 << 16
"""Bytes unpacked at once at most: a few bytes may hold a hundred megabytes."""
_READ = 1 << 13
"""Packed bytes read at once. A file may consist of tiny streams, and each one's end copies what was read."""


class Unpacker(Protocol):
    """What the standard library's objects that unpack one stream have in common."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        """More of what the stream holds."""

    @property
    def eof(self) -> bool:
        """Whether it has ended."""

    @property
    def unused_data(self) -> bytes:
        """What was given that lies behind its end."""


_UNPACKERS: dict[str, Callable[[], Unpacker]] = {
    "gzip": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ),
}


def pieces(read: Callable[[int], bytes], unpacker: Unpacker, pending: bytes = b"") -> Iterator[bytes]:
    """What one stream holds, in pieces of at most `PIECE` bytes.

    Args:
        read: Gives the next packed bytes.
        unpacker: Of the stream's kind.
        pending: Packed bytes read already.

    Raises:
        EOFError: It breaks off.
    """
    while not unpacker.eof:
        # zlib hands back what it has not used, the others keep it until they ask for more.
        full = getattr(unpacker, "needs_input", True) is False
        if not pending and not full:
            pending = read(_READ)
        piece = unpacker.decompress(pending, PIECE)
        if piece:
            yield piece
        elif not pending and not full and not unpacker.eof:
            raise EOFError
        pending = getattr(unpacker, "unconsumed_tail", b"")


class Stream(io.BufferedReader):
    """What a packed file holds, to be read once from the beginning. Where it breaks off, it ends."""

    raw: _Raw

    @property
    def fault(self) -> str:
        """Why it ended early; empty while it has not."""
        return self.raw.fault

    @property
    def exhausted(self) -> bool:
        """Whether it ended because no more may be inflated."""
        return self.raw.fault == TOO_LARGE


def inflate(file: BinaryIO, kind: str, budget: Budget) -> Stream:
    """Unpacks `file` (gzip, bzip2 or xz) piece by piece, as far as `budget` allows."""
    return Stream(_Raw(file, kind, budget), PIECE)


class _Raw(io.RawIOBase):
    def __init__(self, file: BinaryIO, kind: str, budget: Budget) -> None:
        self.fault = ""
        self._file = file
        self._kind = kind
        self._budget = budget
        self._pieces = self._streams()
        self._piece = b""
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._piece or self._next()
        size = min(len(data), len(buffer))
        buffer[:size] = data[:size]
        self._piece = data[size:]
        return size

    def readall(self) -> bytes:
        """The rest, unless it is too large."""
        found = [self._piece]
        size = 0
        while piece := self._next():
            found.append(piece)
            size += len(piece)
            if size > LARGEST:
                self.fault = TOO_LARGE
        return b"" if self.fault == TOO_LARGE else b"".join(found)

    def _next(self) -> bytes:
        """The next piece; empty at the end."""
        if self.fault:
            return b""
        try:
            piece = next(self._pieces, b"")
        except EOFError:
            self.fault = f"the {self._kind} data breaks off; what comes before was read"
            return b""
        except FAULTS:
            self.fault = f"broken {self._kind} data; what comes before was read"
            return b""
        self._size += len(piece)
        if not self._budget.take(len(piece)) or not credible(self._size, self._file.tell()):
            self.fault = TOO_LARGE
            return b""
        return piece

    def _streams(self) -> Iterator[bytes]:
        """All pieces: a file may be made of several streams, and zeros may fill it up."""
        pending = self._file.read(_READ)
        while pending.strip(b"\0"):
            unpacker = _UNPACKERS[self._kind]()
            yield from pieces(self._file.read, unpacker, pending)
            pending = unpacker.unused_data or self._file.read(_READ)
