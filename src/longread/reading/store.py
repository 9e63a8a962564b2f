"""Outcomes and judgements that are kept, so that a run that is repeated repeats no finished work."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from longread.errors import LongreadError
from longread.reading.database import Database


class Store:
    """A table from key to text in one SQLite file; only its owner can read it."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise LongreadError(
                f"the folder {folder} cannot be used: {error.strerror}; name another"
            ) from error
        self._db = Database(folder / "outcomes.db")
        self._db.rows("CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL)")

    def get(self, key: str) -> str | None:
        """What is kept under `key`."""
        row = self._db.row("SELECT value FROM kept WHERE key = ?", (key,))
        return None if row is None else str(row["value"])

    def put(self, key: str, value: str) -> None:
        """Keeps `value` for good."""
        self._db.rows("INSERT OR REPLACE INTO kept VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def key(*parts: object) -> str:
    """A key of whatever decides an outcome."""
    return hashlib.sha256(json.dumps(parts, default=repr, sort_keys=True).encode()).hexdigest()
