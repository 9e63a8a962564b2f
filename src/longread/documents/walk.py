"""Which files below a folder are read, and in which order."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from pathspec import GitIgnoreSpec

from longread.documents.ignore import Layer, above, ignored, layer, verdict

_TOOLING_NAMES = """
.git .hg .svn .bzr .jj CVS _darcs .gitignore .gitattributes .gitmodules .gitkeep .venv .tox .nox .eggs
__pycache__ .mypy_cache .ruff_cache .pytest_cache .hypothesis .ipynb_checkpoints .gradle .terraform .idea
.vscode .DS_Store node_modules bower_components
"""
_TOOLING = frozenset(_TOOLING_NAMES.split())
"""What tools put there; nobody means it when asking about a folder."""


class Filters(NamedTuple):
    """What the user asked to keep to and to leave out."""

    include: GitIgnoreSpec | None
    exclude: GitIgnoreSpec


class Found(NamedTuple):
    """A regular file to read."""

    path: str
    """Below the folder, with `/`."""
    file: tuple[int, int]
    """Device and inode: one file may go by several names."""
    linked: bool


class _Entry(NamedTuple):
    """A name in a folder, with the rules that hold there."""

    path: str
    """Below the root, with `/`."""
    listed: os.DirEntry[str]
    layers: tuple[Layer, ...]


class Walk:
    """One folder's files. After iterating, `left_out` counts what was passed over, by cause.

    Names are in natural order, so that chapter 2 comes before chapter 10. A link gives a file within the
    folder one more name; a link that leads out of the folder is refused, and a linked folder is not
    entered: its files are met under their own names.
    """

    def __init__(self, folder: str, filters: Filters, skip: Callable[[str, str], None]) -> None:
        self.left_out: Counter[str] = Counter()
        self._root = str(Path(folder).resolve())
        self._filters = filters
        self._skip = skip

    def __iter__(self) -> Iterator[Found]:
        found = list(self._files())
        own = {file.file for file in found if not file.linked}
        for file in found:
            if not file.linked or file.file not in own:
                own.add(file.file)
                yield file

    def _files(self) -> Iterator[Found]:
        folders = [self._list("", above(self._root))]
        while folders:
            entry = next(folders[-1], None)
            if entry is None:
                folders.pop()
                continue
            try:
                info = entry.listed.stat()
            except OSError as error:
                if entry.listed.name not in _TOOLING:
                    self._skip(entry.path, why(error, linked=entry.listed.is_symlink()))
                continue
            if not self._wanted(entry, is_folder=stat.S_ISDIR(info.st_mode)):
                continue
            linked = entry.listed.is_symlink()
            if linked and not Path(entry.listed.path).resolve().is_relative_to(self._root):
                self._skip(entry.path, "link that leads outside the folder")
            elif stat.S_ISDIR(info.st_mode):
                if not linked and not Path(entry.listed.path, "pyvenv.cfg").exists():
                    folders.append(self._list(entry.path, entry.layers))
            elif reason := special(info.st_mode):
                self._skip(entry.path, reason)
            elif self._filters.include and not self._filters.include.match_file(entry.path):
                self.left_out["not matched by --include"] += 1
            else:
                yield Found(entry.path, (info.st_dev, info.st_ino), linked)

    def _list(self, path: str, layers: tuple[Layer, ...]) -> Iterator[_Entry]:
        folder = str(Path(self._root, path))
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: _natural(entry.name))
        except OSError as error:
            self._skip(path, why(error))
            return
        layers += layer(folder)
        for entry in entries:
            yield _Entry(f"{path}/{entry.name}" if path else entry.name, entry, layers)

    def _wanted(self, entry: _Entry, *, is_folder: bool) -> bool:
        name = entry.listed.name
        if name in _TOOLING:
            return False
        # To git a link is a file, whatever it leads to.
        if ignored(entry.layers, entry.listed.path, is_folder=entry.listed.is_dir(follow_symlinks=False)):
            self.left_out["ignored by .gitignore"] += 1
        elif name.startswith("."):
            self.left_out["hidden"] += 1
        elif verdict(self._filters.exclude, entry.path, is_folder=is_folder):
            self.left_out["excluded"] += 1
        else:
            return True
        return False


def special(mode: int) -> str | None:
    """Why a thing that is neither file nor folder is never opened; None for a regular file."""
    if stat.S_ISREG(mode):
        return None
    if stat.S_ISFIFO(mode):
        return "named pipe (use - to read standard input)"
    return "socket" if stat.S_ISSOCK(mode) else "device"


def why(error: OSError, *, linked: bool = False) -> str:
    """A file system error in a few words."""
    if error.errno == errno.ELOOP:
        return "link that leads to itself"
    if isinstance(error, FileNotFoundError):
        return "broken link" if linked else "gone"
    if isinstance(error, PermissionError):
        return "permission denied"
    return error.strerror or type(error).__name__


def _natural(name: str) -> tuple[list[str | int], str]:
    # Splitting at digits puts text at even and numbers at odd places, so that like meets like.
    parts = re.split(r"([0-9]+)", name)
    return [int(part[:100]) if at % 2 else part for at, part in enumerate(parts)], name
