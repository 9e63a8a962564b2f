"""What belongs to one key: documents, runs and a quota. Nothing of it can be reached with another key."""

from __future__ import annotations

import time
from pathlib import Path

from longread.config import Settings
from longread.reading.database import Database
from longread.reading.journal import Journal, RunRow
from longread.server.api.errors import Refusal
from longread.server.api.library import Library
from longread.server.api.limits import Limits

_DAY, _HOUR = 86_400.0, 3_600
_PATIENCE = 600
"""Seconds after which a key whose quota is used up may ask again."""


class Owner:
    """All that one name has.

    Args:
        name: As the file of keys has it, so it is safe as the name of a folder.
        folder: Where all of it lies.
        settings: For formats, and how long runs are kept.
        limits: What a key may use.
    """

    def __init__(self, name: str, folder: Path, settings: Settings, limits: Limits) -> None:
        self.name = name
        self.journal = Journal(folder)
        self.library = Library(folder, limits, settings.pdf)
        self._limits = limits
        self._db = Database(folder / "relayed.db")
        self._db.rows(
            "CREATE TABLE IF NOT EXISTS relayed (hour INTEGER PRIMARY KEY, tokens INTEGER NOT NULL)"
        )

    def run(self, id: str) -> RunRow:
        """A run of that id. Refusal when there is none."""
        try:
            return self.journal.get(id)
        except KeyError:
            raise Refusal(404, "there is no such run; it may have been deleted", "run_not_found") from None

    def status(self, row: RunRow) -> str:
        """The status of a run; `killed` when it says running and nobody works on it."""
        return "killed" if row.status == "running" and not self.journal.busy(row.id) else row.status

    def relayed(self, tokens: int) -> None:
        """Counts the tokens of a short request."""
        if self._limits.key_tokens is not None:
            self._db.rows(
                "INSERT INTO relayed VALUES (?, ?) ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens",
                (int(time.time()) // _HOUR, tokens),
            )

    def check_quota(self) -> None:
        """Refusal when the tokens of 24 hours are used up."""
        if self._limits.key_tokens is None:
            return
        since = time.time() - _DAY
        row = self._db.row(
            "SELECT sum(tokens) AS tokens FROM relayed WHERE hour >= ?", (int(since) // _HOUR,)
        )
        used = self.journal.used(since) + (row["tokens"] or 0)
        if used >= self._limits.key_tokens:
            raise Refusal(
                429,
                f"this key has used {used:,} of {self._limits.key_tokens:,} tokens in 24 hours; ask again later",
                "quota_used",
                _PATIENCE,
            )

    def close(self) -> None:
        """Closes its files."""
        self.library.close()
        self.journal.close()
        self._db.close()


class Owners:
    """The owners of a server, opened when first needed."""

    def __init__(self, folder: Path, settings: Settings, limits: Limits) -> None:
        self._folder = folder
        self._settings = settings
        self._limits = limits
        self._open: dict[str, Owner] = {}

    def get(self, name: str) -> Owner:
        """The owner of that name."""
        if name not in self._open:
            self._open[name] = Owner(name, self._folder / name, self._settings, self._limits)
        return self._open[name]

    def close(self) -> None:
        """Closes all files."""
        for owner in self._open.values():
            owner.close()
