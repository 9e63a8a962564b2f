"""One SQLite file, usable from several threads and processes; every fault is one clear error."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longread.errors import LongreadError


class Database:
    """A connection in WAL mode. The file is its owner's alone."""

    def __init__(self, path: Path) -> None:
        """Raises LongreadError when the file cannot be used."""
        self.path = path
        self._lock = threading.RLock()
        with self._faults():
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            for pragma in (
                "journal_mode = WAL",
                "synchronous = NORMAL",
                "foreign_keys = ON",
                "secure_delete = ON",
            ):
                self._db.execute(f"PRAGMA {pragma}")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[sqlite3.Row]:
        """All rows of one statement."""
        with self._lock, self._faults():
            return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first row, or None."""
        return next(iter(self.rows(sql, values)), None)

    def each(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """One statement for each set of values."""
        with self._lock, self._faults():
            self._db.executemany(sql, values)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written within the block, or nothing of it."""
        with self._lock:
            self.rows("BEGIN IMMEDIATE")
            try:
                yield
                self.rows("COMMIT")
            except BaseException:
                with self._faults():
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LongreadError(
                f"the file {self.path} cannot be used: {error}; free, mend or remove it, or keep it in another folder"
            ) from error
