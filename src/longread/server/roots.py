"""What a client may have read: folders the user named, and what lies below them once links are followed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from longread.config import one_line
from longread.errors import InputError

_STDIN = "-"


class Roots:
    """The folders that may be read. Relative paths count from the first."""

    def __init__(self, folders: Sequence[str] = (".",)) -> None:
        """Raises InputError when one is no folder."""
        for folder in folders:
            if not Path(folder).is_dir():
                raise InputError(f"--root {folder}: no such folder; check the name")
        self.folders = tuple(Path(folder).resolve() for folder in folders)

    def allow(self, path: str) -> str:
        """A client's path without links, below the first root relative to it; InputError where it leads outside.

        One file has one name so, however it was asked for, and a run goes on under any of them.
        """
        first = self.folders[0]
        try:
            real = (first / path).resolve()
        except (OSError, ValueError, RuntimeError):  # a null byte, or links that lead to themselves
            raise InputError(f"'{one_line(path)}' cannot be a path; check the name") from None
        if not path.strip():
            raise InputError("an empty path was given; name a file or folder, or . for all")
        if path == _STDIN or not any(real.is_relative_to(root) for root in self.folders):
            shown = ", ".join(str(root) for root in self.folders)
            raise InputError(
                f"'{one_line(path)}' is outside of what this server may read ({shown}); name a path below that, "
                "or have it started with another --root"
            )
        inner = str(real.relative_to(first)) if real.is_relative_to(first) else str(real)
        return f"./{inner}" if inner == _STDIN else inner

    def covers(self, command: Mapping[str, Any]) -> bool:
        """Whether all that a run in the journal read may be read here, so that its notes may be shown."""
        try:
            return bool([self.allow(path) for path in named(command)])
        except InputError:
            return False


def named(command: Mapping[str, Any]) -> list[str]:
    """The paths of a run in the journal; standard input stays `-`. None for a run that a program made."""
    folder = Path(command.get("folder", ""))
    return [path if path == _STDIN else str(folder / path) for path in command.get("paths", [])]
