"""Archives and packed files, read in memory: one module a format, nothing is ever written to disk.

A member's name is only text to show and to tell the format by. Whatever it says (`../`, `C:\\`, `/etc`), no file
is opened by it; links and devices are named, never followed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import PurePath
from typing import BinaryIO

from longread.documents.archives import tars, zips
from longread.documents.archives.base import LINK, Budget, Member
from longread.documents.archives.streams import Stream, inflate
from longread.documents.archives.zips import refuse_crowded

__all__ = [
    "LINK",
    "Budget",
    "Member",
    "Stream",
    "holds_members",
    "inflate",
    "members",
    "packing",
    "refuse_crowded",
    "unpacked",
]

_OPENINGS = {
    "zip": re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08|00PK)"),
    "tar": re.compile(rb"[\s\S]{257}ustar"),
    "gzip": re.compile(rb"\x1f\x8b\x08"),
    "bzip2": re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\0"),
}
_PACKED = frozenset({".gz", ".bz2", ".xz"})
_PACKED_TARS = frozenset({".tgz", ".taz", ".tbz", ".tbz2", ".txz"})
_ARCHIVES = frozenset({".zip", ".tar"})


def packing(head: bytes, name: str) -> str | None:
    """How a file that begins with `head` is packed: zip, tar, gzip, bzip2, xz, or None when it is not.

    The content decides. Of the names, only `.zip` and `.tar` count by themselves: old tar files have no mark, and
    what is called `.gz` but is not was often unpacked by the program that fetched it.
    """
    for kind, opening in _OPENINGS.items():
        if opening.match(head):
            return kind
    suffix = PurePath(name).suffix.lower()
    return suffix[1:] if suffix in _ARCHIVES else None


def unpacked(name: str) -> str:
    """The name of what a packed file holds: `log.txt` for `log.txt.gz`, `a.tar` for `a.tgz`."""
    path = PurePath(name)
    suffix = path.suffix.lower()
    if suffix in _PACKED_TARS:
        return f"{name[: -len(suffix)]}.tar"
    return name[: -len(suffix)] if suffix in _PACKED else name


def holds_members(name: str) -> bool:
    """Whether a file of that name is an archive, as far as names tell."""
    return PurePath(unpacked(name)).suffix.lower() in _ARCHIVES


def members(file: BinaryIO, kind: str, wanted: Callable[[str], bool], budget: Budget) -> Iterator[Member]:
    """The members of a zip or tar archive, in the order in which they are stored.

    Args:
        file: At its beginning; of a packed tar, what `inflate` makes of it.
        kind: `zip` or `tar`.
        wanted: Asked with each member's path; only what it wants is read.
        budget: What may still be inflated.

    Raises:
        Unreadable: The archive is broken from here on, or made to fill the memory.
    """
    read = zips.members if kind == "zip" else tars.members
    return read(file, wanted, budget)
