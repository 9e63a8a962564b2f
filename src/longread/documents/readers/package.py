"""Zip packages of XML parts, which Office files and EPUB books are, opened within limits."""

from __future__ import annotations

import io
import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple
from urllib.parse import unquote

from lxml import etree

from longread.documents.archives.zips import refuse_crowded
from longread.documents.readers.base import Unreadable

_LARGEST = 1 << 30
"""Bytes that may be inflated, all parts together."""
_LEAST = 1 << 24
_INFLATION = 200
"""Bytes that each byte of a file may inflate to beyond `_LEAST`: tables of like rows reach 100, a file made to
fill the memory 1000."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""What files of Office before 2007 begin with, and newer ones under a password."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")


class Relation(NamedTuple):
    """Where a part of an Office file leads."""

    kind: str
    """Last word of its type: `slide`, `sharedStrings`, ..."""
    path: str
    """The part in the same package."""


class Package:
    """The parts of one file, by their names. Nothing outside the file is ever opened.

    Args:
        data: The file.
        what: What it should be, for errors.

    Raises:
        Unreadable: It is locked, or not a zip file.
    """

    def __init__(self, data: bytes, what: str) -> None:
        self._what = what
        if data.startswith(_OLE):
            if _ENCRYPTED in data:
                raise Unreadable(f"encrypted {what}: a password is needed")
            raise Unreadable(f"unsupported format: office document of before 2007, not a {what}")
        file = io.BytesIO(data)
        refuse_crowded(file)
        self._zip = zipfile.ZipFile(file)
        members = self._zip.infolist()
        self._members = {_key(member.filename): member for member in members}
        self._left = min(_LARGEST, _LEAST + _INFLATION * len(data))

    def __contains__(self, path: str) -> bool:
        return _key(path) in self._members

    def __iter__(self) -> Iterator[str]:
        return (member.filename for member in self._members.values())

    def open(self, path: str) -> IO[bytes]:
        """A part's bytes as a stream, which never gives more than was allowed for."""
        member = self._members.get(_key(path))
        if member is None:
            raise Unreadable(f"broken {self._what}: {path[:80]} is missing")
        if member.flag_bits & 1:
            raise Unreadable(f"encrypted {self._what}: a password is needed")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f"broken {self._what}: compressed in a way that such files are not")
        self._left -= member.file_size
        if self._left < 0:
            raise Unreadable(f"broken {self._what}: it inflates to far more than its size")
        return self._zip.open(member)

    def read(self, path: str) -> bytes:
        """All bytes of a part."""
        with self.open(path) as stream:
            # Without a size, zipfile inflates all that is there, even if the file says that it is less.
            return stream.read(self._members[_key(path)].file_size)

    def xml(self, path: str, *, recover: bool = False) -> etree._Element:
        """A part as a tree, without comments and with no entity replaced.

        Args:
            path: Which part.
            recover: Whether a tree of what can be understood will do.
        """
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True, recover=recover
        )
        root = etree.fromstring(self.read(path), parser)
        if root is None:
            raise Unreadable(f"broken {self._what}: {path[:80]} holds no XML")
        return root

    def relations(self, path: str = "") -> dict[str, Relation]:
        """Where a part leads within the package, by the ids that its elements name; `""` is the package."""
        folder, name = posixpath.split(path)
        listed = posixpath.join(folder, "_rels", f"{name}.rels")
        if listed not in self:
            return {}
        return {
            element.get("Id", ""): Relation(
                element.get("Type", "").rpartition("/")[2], resolve(folder, element.get("Target", ""))
            )
            for element in self.xml(listed).iter("{*}Relationship")
            if element.get("TargetMode") != "External"
        }

    def main(self) -> str:
        """The part that an Office file begins with."""
        for relation in self.relations().values():
            if relation.kind == "officeDocument":
                return relation.path
        raise Unreadable(f"broken {self._what}: no main part")


def resolve(folder: str, target: str) -> str:
    """The part that `target` leads to from a part in `folder`."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def local(element: etree._Element) -> str:
    """An element's name without its namespace, which Office has two of; `""` for an entity left alone."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: etree._Element | None, name: str = "val") -> str:
    """An attribute from the namespace of its element; `""` when either is missing."""
    return "" if element is None else str(element.get(element.tag.partition("}")[0] + "}" + name, ""))


@contextmanager
def faults(what: str) -> Iterator[None]:
    """The one place where the failures of zip and XML parsers end: on broken input they raise nearly anything."""
    try:
        yield
    except (Unreadable, MemoryError):
        raise
    except zipfile.BadZipFile as error:
        raise Unreadable(f"broken {what}: not a whole zip file") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Unreadable(f"broken {what}: {reason}") from error


def _key(path: str) -> str:
    # Part names know no case, and some programs write them with backslashes.
    return path.replace("\\", "/").lstrip("/").lower()
