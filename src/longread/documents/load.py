"""Files, folders and standard input become documents."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

from longread.documents.ignore import globs
from longread.documents.readers import HEAD, Unreadable, read, refuse, worth_reading
from longread.documents.walk import Filters, Walk, special, why
from longread.errors import InputError
from longread.types import Corpus, Document, Skipped

STDIN = "-"
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def load(
    *paths: str | os.PathLike[str],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    stdin: BinaryIO | None = None,
    on_file: Callable[[str], None] | None = None,
) -> Corpus:
    """Reads files, folders and standard input into a corpus.

    Folders are read recursively, in natural order of names. Below them, what `.gitignore` files rule out is
    not read (those of the repository around the folder count too), nor are hidden files and folders: both are
    counted in `Corpus.skipped`. Folders that tools make, such as `.git`, `.venv`, `__pycache__` and
    `node_modules`, are passed over without a word. Links that lead out of a folder are not followed. A file
    that goes by several names is read once.

    Args:
        *paths: Files, folders, or `-` for standard input. A file that is named is read even when ignored or
            hidden.
        include: Globs as in `.gitignore`, relative to the folder given; if any, other files are left out.
        exclude: Globs as in `.gitignore` of what to leave out; they count for named files too.
        stdin: What `-` reads; the process's own standard input by default.
        on_file: Called with the name of each file before it is read.

    Raises:
        InputError: A path does not exist, or nothing that was named could be read.
    """
    filters = Filters(globs(_several(include)) if include else None, globs(_several(exclude)))
    loader = _Loader(filters, on_file or (lambda _: None))
    given = [os.fsdecode(path) for path in paths]
    if "" in given:
        raise InputError("an empty path was given; name a file or folder, or . for this one")
    if not given:
        raise InputError("nothing to read: name a file, a folder, or - for standard input")
    # Before any work, so that a misspelt name fails at once.
    modes = [None if path == STDIN else _mode(path) for path in given]
    for path, mode in zip(given, modes, strict=True):
        if path == STDIN:
            loader.stream(stdin)
        elif mode is None:
            loader.skip(shown(path), "permission denied")
        elif stat.S_ISDIR(mode):
            loader.folder(path)
        else:
            loader.named(path, mode)
    if not loader.documents:
        raise InputError(_nothing(given, loader.skipped))
    return Corpus(tuple(loader.documents), tuple(loader.skipped))


def shown(path: str) -> str:
    """A path as text that any terminal, prompt or JSON file can hold."""
    text = os.fsencode(PurePath(path).as_posix()).decode("utf-8", "replace")
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", "\ufffd", text)


class _Loader:
    """Collects documents and what was skipped, in order."""

    def __init__(self, filters: Filters, on_file: Callable[[str], None]) -> None:
        self.documents: list[Document] = []
        self.skipped: list[Skipped] = []
        self._filters = filters
        self._on_file = on_file
        self._read: set[tuple[int, int]] = set()
        self._sources: Counter[str] = Counter()

    def skip(self, source: str, reason: str) -> None:
        self.skipped.append(Skipped(source, reason))

    def folder(self, path: str) -> None:
        """All files below `path`."""

        def below(relative: str) -> str:
            return shown(f"{path}/{relative}")

        walk = Walk(path, self._filters, lambda relative, reason: self.skip(below(relative), reason))
        for found in walk:
            if found.file not in self._read:
                self._read.add(found.file)
                self._file(f"{path}/{found.path}", below(found.path))
        for cause, count in walk.left_out.items():
            self.skip(shown(path), f"{count} {'entry' if count == 1 else 'entries'} {cause}")

    def named(self, path: str, mode: int) -> None:
        """A file the user named."""
        source = shown(path)
        if reason := special(mode):
            self.skip(source, reason)
        elif self._filters.exclude.match_file(path.removeprefix("./")):
            self.skip(source, "excluded")
        else:
            info = Path(path).stat()
            if (info.st_dev, info.st_ino) not in self._read:
                self._read.add((info.st_dev, info.st_ino))
                self._file(path, source)

    def stream(self, stdin: BinaryIO | None) -> None:
        """Standard input, once."""
        if STDIN in self._sources:
            return
        self._on_file(STDIN)
        try:
            data = (stdin or sys.stdin.buffer).read()
        except OSError as error:
            self.skip(STDIN, why(error))
        else:
            self._add(data, STDIN, STDIN)

    def _file(self, path: str, source: str) -> None:
        if reason := refuse(path):
            self.skip(source, reason)
            return
        self._on_file(source)
        try:
            with Path(path).open("rb") as file:
                if not worth_reading(file.read(HEAD), path):
                    self.skip(source, "binary")
                    return
                file.seek(0)
                self._add(file.read(), path, source)
        except OSError as error:
            self.skip(source, why(error))
        except Unreadable as error:
            self.skip(source, str(error))
        except MemoryError:
            self.skip(source, "too large for the memory of this machine")

    def _add(self, data: bytes, path: str, source: str) -> None:
        """The document that `data` holds; `path` tells the format, `source` is what the user sees."""
        self._sources[source] += 1
        if self._sources[source] > 1:  # names that cannot be shown may look alike
            source = f"{source} ({self._sources[source]})"
        try:
            extract = read(data, path)
        except Unreadable as error:
            self.skip(source, str(error))
            return
        if not extract.text or extract.text.isspace():
            self.skip(source, "empty")
            return
        self.documents.append(Document(_id(source, extract.text), source, **extract._asdict()))


def _several(globs: Sequence[str]) -> Sequence[str]:
    return (globs,) if isinstance(globs, str) else globs


def _mode(path: str) -> int | None:
    """Kind of a path's target; None when it may not be looked at."""
    try:
        return Path(path).stat().st_mode
    except PermissionError:
        return None
    except (OSError, ValueError) as error:
        reason = "no such file or folder"
        if isinstance(error, OSError) and error.errno not in _MISSING:
            reason = why(error)
        raise InputError(f"{shown(path) or repr(path)}: {reason}; check the name") from error


def _id(source: str, text: str) -> str:
    digest = hashlib.sha256(f"{source}\0".encode())
    for start in range(0, len(text), 1 << 20):  # encoding it whole would hold it twice
        digest.update(text[start : start + (1 << 20)].encode())
    return digest.hexdigest()[:16]


def _nothing(paths: Sequence[str], skipped: Sequence[Skipped]) -> str:
    named = ", ".join(shown(path) for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
    by_reason: dict[str, list[str]] = defaultdict(list)
    for source, reason in skipped:
        by_reason[reason].append(source)
    reasons = [
        f"{sources[0]}{f' and {len(sources) - 1} more' if len(sources) > 1 else ''}: {reason}"
        for reason, sources in by_reason.items()
    ]
    more = [f"and {len(reasons) - 3} other reasons"] if len(reasons) > 3 else []
    return f"nothing to read in {named}: " + ("; ".join(reasons[:3] + more) or "the folder holds no files")
