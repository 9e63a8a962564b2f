"""What belongs to one key: documents, runs and a quota. Nothing of it can be reached with another key."""

from __future__ import annotations

import time
from pathlib import Path

from filelock import FileLock, Timeout

from longread.config import Settings
from longread.errors import UsageError
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
        self._db = Database(folder / "spent.db")
        self._db.rows("CREATE TABLE IF NOT EXISTS spent (hour INTEGER PRIMARY KEY, tokens INTEGER NOT NULL)")

    def run(self, id: str) -> RunRow:
        """A run of that id. Refusal when there is none."""
        try:
            return self.journal.get(id)
        except KeyError:
            raise Refusal(404, "there is no such run; it may have been deleted", "run_not_found") from None

    def spend(self, tokens: int) -> None:
        """Counts tokens; they stay counted when the run is deleted."""
        if self._limits.key_tokens is not None and tokens:
            self._db.rows(
                "INSERT INTO spent VALUES (?, ?) ON CONFLICT DO UPDATE SET tokens = tokens + excluded.tokens",
                (int(time.time()) // _HOUR, tokens),
            )

    def check_quota(self, using: int = 0) -> None:
        """Refusal when the tokens of 24 hours are used up, with those that are being used."""
        if self._limits.key_tokens is None:
            return
        since = (time.time() - _DAY) // _HOUR
        used = using + (
            self._db.row("SELECT sum(tokens) AS n FROM spent WHERE hour >= ?", (since,))["n"] or 0
        )
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
    """The owners of a server, opened when first needed. UsageError while another server has them."""

    def __init__(self, folder: Path, settings: Settings, limits: Limits) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = FileLock(folder / "lock", timeout=0)
        try:
            self._lock.acquire()
        except Timeout:
            raise UsageError(f"another server uses {folder}; end it, or set another state_dir") from None
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
        self._lock.release()
