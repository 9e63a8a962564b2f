"""What reading an archive yields, and how much of it is read at most."""

from __future__ import annotations

import re
from typing import NamedTuple

_FREE = 256 << 20
_RATIO = 200
"""Bytes that each byte of an archive may inflate to beyond `_FREE`. Logs of like lines reach 100; a file made to
fill the memory reaches 1,000 as zip and gzip, and many times that as xz and bzip2."""
_MOST = 8 << 30
LARGEST = 1 << 30
"""Bytes of one member."""
MOST_MEMBERS = 100_000
"""Of all archives of one load together."""
_LONGEST_PATH = 1000
_DEEPEST_PATH = 50
_DRIVE = re.compile(r"^[A-Za-z]:(?=[/\\])")


class Member(NamedTuple):
    """A file in an archive."""

    path: str
    """Within the archive, with `/`; never absolute, never upwards."""
    data: bytes
    fault: str = ""
    """Why there is no data."""


class Budget:
    """What the archives of one load may inflate to, all together and those within others included."""

    def __init__(self) -> None:
        self._left = _FREE
        self._most = _MOST
        self._members = MOST_MEMBERS

    def grow(self, size: int) -> None:
        """Allows for one more archive of `size` bytes on disk."""
        self._left += _RATIO * size

    def allows(self, size: int) -> bool:
        """Whether `size` more bytes may be inflated."""
        return size <= min(self._left, self._most)

    def take(self, size: int) -> bool:
        """Counts `size` bytes if they are allowed."""
        if not self.allows(size):
            return False
        self._left -= size
        self._most -= size
        return True

    def count(self) -> bool:
        """Counts a member; false when there have been too many."""
        self._members -= 1
        return self._members >= 0


def credible(size: int, packed: int) -> bool:
    """Whether `packed` bytes may inflate to `size` bytes, rather than being made to fill the memory."""
    return size <= _FREE + _RATIO * packed


TOO_LARGE = "too large when unpacked, perhaps made to fill the memory; unpack it to have it read"
LINK = "link in an archive"
TOO_MANY = f"more than {MOST_MEMBERS:,} members in archives; the rest was not read"


def cleaned(name: str) -> str:
    """A member's name as a path below the archive."""
    parts = re.split(r"[/\\]", _DRIVE.sub("", name)[-_LONGEST_PATH:])
    return "/".join([part for part in parts if part not in ("", ".", "..")][-_DEEPEST_PATH:]) or "unnamed"
