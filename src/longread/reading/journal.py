"""Every step on disk."""

from __future__ import annotations

from typing import Protocol

from longread.models.base import Reply


class Run(Protocol):
    """Where one run's calls are kept, so that repeating the run repeats no finished call."""

    @property
    def id(self) -> str:
        """Random id."""
        ...

    @property
    def nonce(self) -> str:
        """Random word that fences document text in prompts."""
        ...

    def recall(self, key: str) -> Reply | None:
        """The reply recorded under `key`, or None."""
        ...

    def record(self, key: str, reply: Reply) -> None:
        """Keeps a reply for good."""
        ...
