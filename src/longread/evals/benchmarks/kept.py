"""Texts of items, kept apart from the data files: one JSON file each, named by its content.

A table is read once. Its texts go to the cache folder, and beside them an index of what else its items are, so
that later runs neither parse a large file again nor hold its texts. The index counts for the very content of the
table and the code that read it; texts are found by their own content, so that what was answered about a text is
known again wherever the cache lies. Nothing removes texts; the folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import platformdirs

from longread.errors import LongreadError, UsageError
from longread.evals.benchmarks import entries, rows
from longread.evals.benchmarks.base import Item, Material, Text
from longread.evals.benchmarks.entries import Entry, Pack, Source, Turn
from longread.evals.benchmarks.rows import Table, broken
from longread.grading import Gold

_BYTES = 20


@dataclass(frozen=True)
class Stored:
    """A text in the cache folder."""

    digest: str
    folder: Path = field(repr=False, compare=False)
    """Where texts lie; no part of what it is."""

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder / self.digest[:2] / f"{self.digest}.json"

    def pack(self) -> Pack:
        """What was kept."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise LongreadError(
                f"{self.path} cannot be read: {error.strerror}; run again to make it"
            ) from error
        if _digest(data) != self.digest:
            raise LongreadError(f"{self.path} is damaged; delete it and run again")
        value = json.loads(data)
        documents = (
            Source(name, text, kind, tuple(map(_pair, parts)), tuple(map(_pair, evidence)))
            for name, text, kind, parts, evidence in value["documents"]
        )
        return Pack(tuple(documents), tuple(Turn(role, text) for role, text in value["messages"]))

    def open(self) -> Text:
        """The documents and messages."""
        return self.pack().text()


Read = Callable[[Table], Iterable[tuple[int, Entry]]]
"""The rows of a table as entries, with their numbers."""


def _plain(stored: Stored, extra: tuple[str, ...]) -> Material:
    return stored


def cache_folder() -> Path:
    """Where texts are kept."""
    return platformdirs.user_cache_path("longread") / "benchmarks"


def items(
    name: str,
    tables: Iterable[Table],
    read: Read,
    *,
    material: Callable[[Stored, tuple[str, ...]], Material] = _plain,
    variant: str = "",
) -> Iterator[Item]:
    """The items of a benchmark's tables, one after another as they are read.

    Args:
        name: The benchmark.
        tables: Its files.
        read: What its rows become; a plain function of the benchmark's module.
        material: What opens an item's text.
        variant: What else than the table's content and the code decides the entries.

    Raises:
        UsageError: A file is broken, or two rows have the same id.
    """
    folder = cache_folder() / name
    seen: set[str] = set()
    contents: dict[Path, str] = {}
    for table in tables:
        if table.path not in contents:
            contents[table.path] = _content(table.path)
        decides = (contents[table.path], table.member, table.path.name, variant, _code(read))
        index = folder / f"index-{_digest(json.dumps(decides).encode())}.jsonl"
        for item in _of_table(folder, index, table, read, material):
            if item.id in seen:
                raise UsageError(f"{table} repeats the id '{item.id}' of another file; name each file once")
            seen.add(item.id)
            yield item


def _code(read: Read) -> list[str]:
    modules = (inspect.getmodule(read), sys.modules[__name__], entries, rows)
    return [inspect.getsource(module) for module in modules if module]


def _of_table(
    folder: Path,
    index: Path,
    table: Table,
    read: Read,
    material: Callable[[Stored, tuple[str, ...]], Material],
) -> Iterator[Item]:
    if (known := _indexed(index, folder)) is not None:
        for line in known:
            yield _item(line, folder, material)
        return
    with _whole(index) as file:
        numbers: dict[str, int] = {}
        for number, entry in read(table):
            if (other := numbers.setdefault(entry.id, number)) != number:
                raise broken(table, number, f"has the id '{entry.id}' of row {other}")
            line = {
                "id": entry.id,
                "question": entry.question,
                "ending": entry.ending,
                "gold": [list(entry.gold.answers), entry.gold.prefix],
                "groups": dict(entry.groups),
                "extra": list(entry.extra),
                "digest": _keep(entry.pack, folder),
            }
            file.write(json.dumps(line).encode() + b"\n")
            del entry  # a row may be large, and the next one is made while this name stands
            yield _item(line, folder, material)


def _item(
    line: dict[str, Any], folder: Path, material: Callable[[Stored, tuple[str, ...]], Material]
) -> Item:
    answers, prefix = line["gold"]
    stored = Stored(line["digest"], folder)
    return Item(
        line["id"],
        line["question"],
        line["ending"],
        Gold(tuple(answers), prefix),
        line["groups"],
        material(stored, tuple(line["extra"])),
    )


def _indexed(index: Path, folder: Path) -> list[dict[str, Any]] | None:
    """The lines of a finished index; None when there is none, or texts of it are gone."""
    try:
        lines = [json.loads(line) for line in index.read_bytes().splitlines()]
    except (OSError, ValueError):
        return None
    return lines if all(Stored(line["digest"], folder).path.exists() for line in lines) else None


def _keep(pack: Pack, folder: Path) -> str:
    data = json.dumps(pack._asdict(), ensure_ascii=False).encode()
    stored = Stored(_digest(data), folder)
    if not stored.path.exists():
        with _whole(stored.path) as file:
            file.write(data)
    return stored.digest


class _whole:  # noqa: N801 -- used like a function
    """A file that appears under its name once it is complete, or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> IO[bytes]:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".part-")
        except OSError as error:
            raise self._failed(error) from error
        self._part = Path(name)
        self._file = os.fdopen(handle, "wb")
        return self._file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        try:
            self._file.close()
            if kind is None:
                self._part.replace(self._path)
        except OSError as fault:
            raise self._failed(fault) from fault
        finally:
            self._part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> LongreadError:
        return LongreadError(f"the cache folder {self._path.parent} cannot be written: {error.strerror}")


def _content(path: Path) -> str:
    """Digest of what a file holds."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=_BYTES)).hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=_BYTES).hexdigest()


def _pair(value: Any) -> Any:
    return tuple(value)
