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

from longread.documents.archives import holds_members, unpacked
from longread.documents.ignore import Layer, above, ignored, layer, verdict

_TOOLING_NAMES = """
.git .hg .svn .bzr .jj CVS _darcs .gitignore .gitattributes .gitmodules .gitkeep .venv .tox .nox .eggs
__pycache__ .mypy_cache .ruff_cache .pytest_cache .hypothesis .ipynb_checkpoints .gradle .terraform .idea
.vscode .DS_Store __MACOSX node_modules bower_components
"""
_TOOLING = frozenset(_TOOLING_NAMES.split())
"""What tools put there; nobody means it when asking about a folder."""

NOT_INCLUDED = "not matched by --include"


class Filters(NamedTuple):
    """What the user asked to keep to and to leave out."""

    include: GitIgnoreSpec | None
    exclude: GitIgnoreSpec

    def includes(self, path: str) -> bool:
        """Whether a file is to be read. An archive is a folder: it is its members that count."""
        if self.include is None or holds_members(path):
            return True
        return self.include.match_file(path) or self.include.match_file(unpacked(path))

    def passes_over(self, path: str, *, is_folder: bool) -> str | None:
        """Why an entry is passed over, or None; empty for what tools put there, which goes without saying."""
        name = path.rpartition("/")[2]
        if name in _TOOLING:
            return ""
        if name.startswith("."):
            return "hidden"
        return "excluded" if verdict(self.exclude, path, is_folder=is_folder) else None

    def leaves_out(self, path: str, above: str) -> str | None:
        """Why a member of an archive is passed over, as a file below a folder would be.

        Args:
            path: Within the archive.
            above: The archive's own path below the folder given; empty when the archive itself was given.
        """
        whole = f"{above}/{path}" if above else path
        ends = [at for at in range(len(whole) - len(path), len(whole)) if whole[at] == "/"]
        for end in [*ends, len(whole)]:
            cause = self.passes_over(whole[:end], is_folder=end < len(whole))
            if cause is not None:
                return cause
        return None if self.includes(whole) else NOT_INCLUDED


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
                # Path.exists raises where a name is too long.
                if not linked and not os.path.exists(f"{entry.listed.path}/pyvenv.cfg"):  # noqa: PTH110
                    folders.append(self._list(entry.path, entry.layers))
            elif reason := special(info.st_mode):
                self._skip(entry.path, reason)
            elif not self._filters.includes(entry.path):
                self.left_out[NOT_INCLUDED] += 1
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
        cause = self._filters.passes_over(entry.path, is_folder=is_folder)
        # To git a link is a file, whatever it leads to.
        is_folder = entry.listed.is_dir(follow_symlinks=False)
        if cause != "" and ignored(entry.layers, entry.listed.path, is_folder=is_folder):
            cause = "ignored by .gitignore"
        if cause:
            self.left_out[cause] += 1
        return cause is None


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


def natural(path: str) -> list[tuple[list[str | int], str]]:
    """A key that sorts paths as a walk meets them."""
    return [_natural(name) for name in path.split("/")]


def _natural(name: str) -> tuple[list[str | int], str]:
    # Splitting at digits puts text at even and numbers at odd places, so that like meets like.
    parts = re.split(r"([0-9]+)", name)
    return [int(part[:100]) if at % 2 else part for at, part in enumerate(parts)], name
