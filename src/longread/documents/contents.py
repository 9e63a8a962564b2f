"""What a file holds: a document, or an archive of many."""

from __future__ import annotations

import io
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import BinaryIO

from longread.documents import archives
from longread.documents.readers import HEAD, Unreadable, claims, read, refuse, worth_reading
from longread.documents.walk import Filters, natural, why
from longread.errors import LongreadError
from longread.types import Document, Skipped, document_id

_DEEPEST = 2
"""Levels of archives, one within the other, that are opened."""


class Contents:
    """Opens files and collects their documents and what was skipped, in order."""

    def __init__(self, filters: Filters, on_file: Callable[[str], None], pdf: str) -> None:
        self.documents: list[Document] = []
        self.skipped: list[Skipped] = []
        self.failed: list[Skipped] = []
        """Those of `skipped` that should have been read: no rule left them out, and they are not empty."""
        self._filters = filters
        self._on_file = on_file
        self._pdf = pdf
        self._sources: Counter[str] = Counter()
        self._budget = archives.Budget()

    def skip(self, source: str, reason: str) -> None:
        """Notes what a rule leaves out, or what holds nothing."""
        self.skipped.append(Skipped(source, reason))

    def fail(self, source: str, reason: str) -> None:
        """Notes what could not be read."""
        self.skip(source, reason)
        self.failed.append(self.skipped[-1])

    def left_out(self, source: str, counts: Mapping[str, int]) -> None:
        """Notes how many entries of a folder or archive the rules leave out, by cause."""
        for cause, count in counts.items():
            self.skip(source, f"{count} {'entry' if count == 1 else 'entries'} {cause}")

    def file(self, path: str, source: str, below: str = "") -> None:
        """Opens a file on disk.

        Args:
            path: Where it is; its ending tells the format.
            source: What the user sees.
            below: Its path below the folder given; empty when it was named itself.
        """
        if reason := refuse(path):
            self.fail(source, reason)
            return
        self._on_file(source)
        try:
            with Path(path).open("rb") as file:
                self._budget.grow(os.fstat(file.fileno()).st_size)
                self._open(file, path, source, below, 0)
        except OSError as error:
            self.fail(source, why(error))

    def stream(self, stream: BinaryIO, source: str) -> None:
        """Reads a stream to its end and opens what it held."""
        self._on_file(source)
        try:
            data = stream.read()
        except OSError as error:
            self.fail(source, why(error))
            return
        self._budget.grow(len(data))
        self._open(io.BytesIO(data), source, source, "", 0)

    def _open(self, file: BinaryIO, path: str, source: str, below: str, depth: int) -> None:
        """Opens what `depth` archives lie around."""
        try:
            head = file.read(HEAD)
            file.seek(0)
            kind = archives.packing(head, path)
            if kind == "zip":
                archives.refuse_crowded(file)
            if kind == "zip" and claims(file, path):
                self._add(file.read(), path, source)
            elif kind is None:
                path = archives.unpacked(path)
                if not worth_reading(head, path):
                    raise Unreadable("binary")
                self._add(file.read(), path, source)
            elif depth == _DEEPEST:
                raise Unreadable("archive in an archive in an archive")
            elif kind in ("zip", "tar"):
                self._members(file, kind, source, below, depth)
            else:
                self._packed(archives.inflate(file, kind, self._budget), path, source, below, depth)
        except Unreadable as error:
            self.fail(source, str(error))
        except MemoryError:
            self.fail(source, "too large for the memory of this machine")

    def _packed(self, stream: archives.Stream, path: str, source: str, below: str, depth: int) -> None:
        """One packed file, or a packed archive."""
        inner = archives.unpacked(path)
        if archives.packing(stream.peek(), inner) == "tar":
            self._members(stream, "tar", source, below, depth)
            return
        if reason := refuse(inner):
            raise Unreadable(reason)
        if not (archives.packing(stream.peek(), inner) or worth_reading(stream.peek(), inner)):
            raise Unreadable("binary")
        data = stream.read()
        if stream.exhausted:
            raise Unreadable(stream.fault)
        if data or not stream.fault:
            self._open(io.BytesIO(data), inner, source, below, depth + 1)
        if stream.fault:
            self.fail(source, stream.fault)

    def _members(self, file: BinaryIO, kind: str, source: str, below: str, depth: int) -> None:
        """The files in an archive, in the order in which a folder would give them."""
        counts: Counter[str] = Counter()
        first, before = len(self.documents), len(self.skipped)

        def wanted(path: str) -> bool:
            cause = self._filters.leaves_out(path, below)
            if cause:
                counts[cause] += 1
            elif cause is None and (reason := refuse(path)):
                self.fail(f"{source}/{shown(path)}", reason)
                return False
            return cause is None

        try:
            for path, data, fault in archives.members(file, kind, wanted, self._budget):
                name = f"{source}/{shown(path)}"
                if fault:
                    (self.skip if fault == archives.LINK else self.fail)(name, fault)
                else:
                    self._on_file(name)
                    self._open(io.BytesIO(data), path, name, f"{below}/{path}" if below else path, depth + 1)
        except Unreadable as error:
            self.fail(source, str(error))
        self.left_out(source, counts)
        if len(self.documents) == first and len(self.skipped) == before:
            self.skip(source, "empty")
        self.documents[first:] = sorted(self.documents[first:], key=lambda document: natural(document.source))

    def _add(self, data: bytes, path: str, source: str) -> None:
        """The document that `data` holds; `path` tells the format, `source` is what the user sees."""
        self._sources[source] += 1
        if self._sources[source] > 1:  # names that cannot be shown may look alike
            source = f"{source} ({self._sources[source]})"
        try:
            extract = read(data, path, self._pdf)
        except Unreadable as error:
            self.fail(source, str(error))
            return
        except (LongreadError, MemoryError):
            raise
        except Exception as error:  # a defect of a reader must not cost the other files
            self.fail(source, f"its reader failed ({type(error).__name__}); please report it")
            return
        if not extract.text or extract.text.isspace():
            self.skip(source, "empty")
            return
        self.documents.append(Document(document_id(source, extract.text), source, **extract._asdict()))


def shown(path: str) -> str:
    """A path as text that any terminal, prompt or JSON file can hold."""
    text = PurePath(path).as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "\ufffd", text)
