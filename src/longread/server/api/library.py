"""The documents of one key: uploaded once, turned into text once, asked about often.

A file's id is the hash of its name and content, so the same upload is the same file. Nothing of a request becomes a
path: files lie under their ids.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from anyio import fail_after, to_process, to_thread

from longread.documents.load import load_bytes
from longread.reading.database import Database
from longread.server.api.errors import Refusal
from longread.server.api.limits import Limits
from longread.types import Corpus, Document, Part, document_id

InUse = Callable[[], Collection[str]]
"""Gives the ids of files that may not give way."""
UPLOADED = "user_data"
"""The purpose of what a client uploaded."""
SENT = "sent"
"""The purpose of text that came within a question; it is not listed."""
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, purpose TEXT NOT NULL, bytes INTEGER NOT NULL, disk INTEGER NOT NULL,
  documents INTEGER NOT NULL, characters INTEGER NOT NULL, notes TEXT NOT NULL, created REAL NOT NULL,
  used REAL NOT NULL)
"""
_LONGEST_NAME = 400
_KEPT = 64_000_000
"""Characters of text kept in memory."""


class FileRow(NamedTuple):
    """An uploaded file."""

    id: str
    name: str
    purpose: str
    bytes: int
    """As it came."""
    disk: int
    """What it takes on disk, text included."""
    documents: int
    characters: int
    notes: dict[str, Any]
    """`warnings` and `skipped`: what of it could not be read."""
    created: float
    used: float


class Library:
    """The files in a folder of their own. Usable from several threads."""

    def __init__(self, folder: Path, limits: Limits, pdf: str) -> None:
        self._texts, self._blobs = folder / "texts", folder / "files"
        for part in (self._texts, self._blobs):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._db = Database(folder / "library.db")
        self._db.rows(_TABLES)
        self._limits = limits
        self._pdf = pdf
        self._lock = threading.RLock()
        self._held: dict[str, tuple[Document, ...]] = {}
        known = {row["id"] for row in self._db.rows("SELECT id FROM files")}
        for file in (*self._texts.iterdir(), *self._blobs.iterdir()):  # of an upload that was cut off
            if file.name not in known:
                file.unlink()

    async def add(self, name: str, data: bytes, in_use: InUse) -> FileRow:
        """Keeps a file and its text.

        Args:
            name: What the client calls it; its ending tells the format.
            data: Its content.
            in_use: Asked when room is made: reading the file may take long.

        Raises:
            Refusal: Nothing of it can be read, it takes too long, or there is no room for it.
        """
        name = _named(name)
        id = _file_id(name, data)
        if row := self._again(id, UPLOADED):
            return row
        # In a process of its own: the loop stays free, and a format that ends the process ends nothing else.
        try:
            with fail_after(self._limits.parse):
                corpus = await to_process.run_sync(
                    partial(load_bytes, name, data, pdf=self._pdf), cancellable=True
                )
        except TimeoutError:
            raise Refusal(400, f"{name}: it takes too long to read; send it as text", "unreadable") from None
        if not corpus.documents:
            reasons = "; ".join(f"{s.source}: {s.reason}" for s in corpus.skipped[:3]) or f"{name}: empty"
            raise Refusal(
                400,
                f"{reasons}; send text, or a format that is read (PDF, DOCX, HTML, ZIP and others)",
                "unreadable",
            )
        return await to_thread.run_sync(self._keep, id, name, UPLOADED, data, corpus, in_use)

    async def add_text(
        self, name: str, text: str, in_use: InUse, kind: str = "text", parts: tuple[Part, ...] = ()
    ) -> FileRow:
        """Keeps text that came with a question, so that its run can go on, and its passages can be opened."""
        name, text = _named(name), text.encode("utf-8", "replace").decode()
        document = Document(document_id(name, text), name, text, kind, parts=parts)
        id = _file_id(name, f"{kind}\0{text}".encode())
        if row := self._again(id, SENT):
            return row
        return await to_thread.run_sync(self._keep, id, name, SENT, None, Corpus((document,)), in_use)

    def rows(self) -> list[FileRow]:
        """What was uploaded, newest first."""
        return [
            _row(row)
            for row in self._db.rows(
                "SELECT * FROM files WHERE purpose = ? ORDER BY created DESC", (UPLOADED,)
            )
        ]

    def row(self, id: str) -> FileRow:
        """The file of that id. Refusal when there is none."""
        row = self._db.row("SELECT * FROM files WHERE id = ?", (id,))
        if row is None:
            raise _gone()
        return _row(row)

    def content(self, id: str) -> bytes:
        """A file as it came."""
        row = self.row(id)
        if row.purpose == SENT:
            return "\n".join(document.text for document in self._documents(id)).encode("utf-8", "replace")
        return (self._blobs / row.id).read_bytes()

    def corpus(self, ids: Sequence[str]) -> Corpus:
        """The documents of some files, in their order. Refusal where one is gone."""
        documents: dict[str, Document] = {}
        for id in ids:
            for document in self._documents(self.row(id).id):
                if document.id not in documents:
                    unique = _renamed(document, {other.source for other in documents.values()})
                    documents[unique.id] = unique
            self._db.rows("UPDATE files SET used = ? WHERE id = ?", (time.time(), id))
        return Corpus(tuple(documents.values()))

    def delete(self, id: str) -> None:
        """Removes a file for good."""
        self._drop(self.row(id).id)

    @property
    def disk(self) -> int:
        """Bytes of all files, as they came and as text."""
        return int(self._db.row("SELECT coalesce(sum(disk), 0) AS disk FROM files")["disk"])

    def close(self) -> None:
        """Closes the database."""
        self._db.close()

    def _again(self, id: str, purpose: str) -> FileRow | None:
        """The file that is there already."""
        self._db.rows("UPDATE files SET used = ? WHERE id = ? AND purpose = ?", (time.time(), id, purpose))
        row = self._db.row("SELECT * FROM files WHERE id = ? AND purpose = ?", (id, purpose))
        return _row(row) if row else None

    def _keep(
        self, id: str, name: str, purpose: str, data: bytes | None, corpus: Corpus, in_use: InUse
    ) -> FileRow:
        text = zlib.compress(json.dumps([asdict(document) for document in corpus]).encode(), 1)
        size = len(text) + len(data or b"")
        notes = {
            "warnings": [f"{d.source}: {w}" for d in corpus for w in d.warnings][:100],
            "skipped": [s._asdict() for s in corpus.skipped[:100]],
        }
        now, characters = time.time(), _characters(corpus)
        size_as_sent = characters if data is None else len(data)
        row = (
            id, name, purpose, size_as_sent, size, len(corpus.documents), characters, json.dumps(notes), now, now,
        )  # fmt: skip
        with self._lock:
            self._make_room(size, in_use)
            _write(self._texts / id, text)
            if data is not None:
                _write(self._blobs / id, data)
            self._db.rows(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._hold(id, corpus.documents)
        return self.row(id)

    def _make_room(self, size: int, in_use: InUse) -> None:
        """Drops what was not used for longest, until `size` bytes more are within the quota."""
        free = self._limits.disk - self.disk
        oldest = self._db.rows("SELECT id, disk FROM files ORDER BY used")
        used = in_use()
        leaving = [row for row in oldest if row["id"] not in used]
        if free + sum(row["disk"] for row in leaving) < size:
            raise Refusal(
                507,
                f"it would take {size:,} bytes, more than the quota has left beside what is being read; delete files",
                "disk_quota",
            )
        for row in leaving:
            if free >= size:
                break
            self._drop(row["id"])
            free += row["disk"]

    def _drop(self, id: str) -> None:
        with self._lock:
            self._held.pop(id, None)
        self._db.rows("DELETE FROM files WHERE id = ?", (id,))
        for folder in (self._texts, self._blobs):
            with suppress(FileNotFoundError):
                (folder / id).unlink()

    def _documents(self, id: str) -> tuple[Document, ...]:
        with self._lock:
            held = self._held.pop(id, None) or self._stored(id)
            self._hold(id, held)
        return held

    def _stored(self, id: str) -> tuple[Document, ...]:
        try:
            stored = json.loads(zlib.decompress((self._texts / id).read_bytes()))
        except FileNotFoundError:  # dropped a moment ago
            raise _gone() from None
        return tuple(_document(fields) for fields in stored)

    def _hold(self, id: str, documents: tuple[Document, ...]) -> None:
        """Keeps the latest texts in memory, within a bound."""
        self._held[id] = documents
        total = sum(_characters(held) for held in self._held.values())
        for other in list(self._held)[:-1]:
            if total <= _KEPT:
                break
            total -= _characters(self._held.pop(other, ()))


def _renamed(document: Document, taken: Collection[str]) -> Document:
    """The document under a name that no other has: a citation names its source alone."""
    name, number = document.source, 1
    while name in taken:
        number += 1
        name = f"{document.source} ({number})"
    if number == 1:
        return document
    return replace(document, source=name, id=document_id(name, document.text))


def _gone() -> Refusal:
    what = "there is no such file; it was deleted, or gave way to newer ones: upload it again"
    return Refusal(404, what, "file_not_found")


def _characters(documents: Iterable[Document]) -> int:
    return sum(len(document.text) for document in documents)


def _row(row: Any) -> FileRow:
    return FileRow(*row)._replace(notes=json.loads(row["notes"]))


def _document(fields: dict[str, Any]) -> Document:
    tuples = {"pages": tuple(fields["pages"]), "warnings": tuple(fields["warnings"])}
    return Document(**fields | tuples | {"parts": tuple(Part(*part) for part in fields["parts"])})


def _file_id(name: str, data: bytes) -> str:
    digest = hashlib.sha256(name.encode() + b"\0" + data).hexdigest()
    return f"file-{digest[:32]}"


def _named(name: str) -> str:
    """A name for people: a path below some folder at most, without what could lead elsewhere."""
    name = name.encode("utf-8", "replace").decode()
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    clean = "".join(c if c.isprintable() else "\ufffd" for c in "/".join(parts))
    return clean[-_LONGEST_NAME:] or "unnamed"


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, also when the process is killed."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)
