"""Files, folders and standard input become documents."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from longread.documents.contents import Contents, shown
from longread.documents.ignore import globs
from longread.documents.walk import Filters, Walk, special, why
from longread.errors import InputError
from longread.types import Corpus, Skipped

STDIN = "-"
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def load(
    *paths: str | os.PathLike[str],
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    strict: bool = False,
    pdf: str = "text",
    stdin: BinaryIO | None = None,
    on_file: Callable[[str], None] | None = None,
) -> Corpus:
    """Reads files, folders and standard input into a corpus.

    Folders are read recursively, in natural order of names. Below them, what `.gitignore` files rule out is
    not read (those of the repository around the folder count too), nor are hidden files and folders: both are
    counted in `Corpus.skipped`. Folders that tools make, such as `.git`, `.venv`, `__pycache__` and
    `node_modules`, are passed over without a word. Links that lead out of a folder are not followed. A file
    that goes by several names is read once.

    Zip and tar archives, packed or not, are read like folders, in memory: `a.zip/b/c.txt` is a member, and
    hidden ones, `include` and `exclude` mean what they mean for files. Archives within them are opened once
    more, not deeper. A file packed by gzip, bzip2 or xz is read as what it holds.

    Args:
        *paths: Files, folders, or `-` for standard input. A file that is named is read even when ignored or
            hidden.
        include: Globs as in `.gitignore`, relative to the folder given; if any, other files are left out.
        exclude: Globs as in `.gitignore` of what to leave out; they count for named files too.
        strict: Whether a file that cannot be read is an error: one that is broken, locked, of an unsupported
            format, binary, a link that leads nowhere or outside. What filters, `.gitignore` and hidden names
            leave out is not, nor are empty files and links in archives.
        pdf: `text` takes the text layer of PDF files, `docling` recognises scanned pages and tables too.
        stdin: What `-` reads; the process's own standard input by default.
        on_file: Called with the name of each file before it is read.

    Raises:
        InputError: A path does not exist, or nothing that was named could be read; with `strict`, anything.
        UsageError: docling is asked for and not installed.
    """
    given = [os.fsdecode(path) for path in paths]
    if "" in given:
        raise InputError("an empty path was given; name a file or folder, or . for this one")
    if not given:
        raise InputError("nothing to read: name a file, a folder, or - for standard input")
    # Before any work, so that a misspelt name fails at once.
    modes = [None if path == STDIN else _mode(path) for path in given]
    filters = Filters(globs(_several(include)) if include else None, globs(_several(exclude)))
    contents = Contents(filters, on_file or (lambda _: None), pdf)
    loader = _Loader(filters, contents)
    for path, mode in zip(given, modes, strict=True):
        if path == STDIN:
            loader.stream(stdin)
        elif mode is None:
            contents.fail(shown(path), "permission denied")
        elif stat.S_ISDIR(mode):
            loader.folder(path)
        else:
            loader.named(path, mode)
    if not contents.documents:
        named = ", ".join(shown(path) for path in given[:3]) + (", ..." if len(given) > 3 else "")
        raise InputError(
            f"nothing to read in {named}: " + (_reasons(contents.skipped) or "the folder holds no files")
        )
    if strict and contents.failed:
        count = len(contents.failed)
        raise InputError(
            f"{count:,} {'file' if count == 1 else 'files'} could not be read, and --strict wants every one: "
            f"{_reasons(contents.failed)}; leave out with --exclude what need not be read"
        )
    return Corpus(tuple(contents.documents), tuple(contents.skipped))


def load_bytes(name: str, data: bytes, *, pdf: str = "text") -> Corpus:
    """What `data` holds, as `load` would read a file of that name; no file is looked at.

    What cannot be read is in `Corpus.skipped`; the corpus may be empty.
    """
    contents = Contents(Filters(None, globs(())), lambda _: None, pdf)
    contents.stream(io.BytesIO(data), shown(name))
    return Corpus(tuple(contents.documents), tuple(contents.skipped))


class _Loader:
    """Walks what was named, in order."""

    def __init__(self, filters: Filters, contents: Contents) -> None:
        self._filters = filters
        self._contents = contents
        self._read: set[tuple[int, int]] = set()
        self._stdin_read = False

    def folder(self, path: str) -> None:
        """All files below `path`."""

        def below(relative: str) -> str:
            return shown(f"{path}/{relative}")

        walk = Walk(path, self._filters, lambda relative, why: self._contents.fail(below(relative), why))
        for found in walk:
            if found.file not in self._read:
                self._read.add(found.file)
                self._contents.file(f"{path}/{found.path}", below(found.path), found.path)
        self._contents.left_out(shown(path), walk.left_out)

    def named(self, path: str, mode: int) -> None:
        """A file the user named."""
        source = shown(path)
        if reason := special(mode):
            self._contents.fail(source, reason)
        elif self._filters.exclude.match_file(path.removeprefix("./")):
            self._contents.skip(source, "excluded")
        else:
            info = Path(path).stat()
            if (info.st_dev, info.st_ino) not in self._read:
                self._read.add((info.st_dev, info.st_ino))
                self._contents.file(path, source)

    def stream(self, stdin: BinaryIO | None) -> None:
        """Standard input, once."""
        if not self._stdin_read:
            self._stdin_read = True
            self._contents.stream(stdin or sys.stdin.buffer, STDIN)


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


def _reasons(skipped: Sequence[Skipped]) -> str:
    """The first few reasons, each with the first path it holds for."""
    by_reason: dict[str, list[str]] = defaultdict(list)
    for source, reason in skipped:
        by_reason[reason].append(source)
    reasons = [
        f"{sources[0]}{f' and {len(sources) - 1} more' if len(sources) > 1 else ''}: {reason}"
        for reason, sources in by_reason.items()
    ]
    more = [f"and {len(reasons) - 3} other reasons"] if len(reasons) > 3 else []
    return "; ".join(reasons[:3] + more)
