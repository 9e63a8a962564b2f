"""A file or folder that takes long to make is there as a whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from longread.errors import LongreadError, RunBusyError


@contextmanager
def made_whole(out: Path, size: int, option: str) -> Iterator[Path]:
    """Where to make what becomes `out` at the end, in a hidden folder of its own that may hold other things too.

    What a killed process left there is removed.

    Args:
        size: Bytes that must be free.
        option: What gives `out`, for errors.

    Raises:
        RunBusyError: Another process makes `out`.
        LongreadError: It cannot be written.
    """
    work = out.with_name(f".{out.name}.part")
    lock = FileLock(f"{work}.lock", timeout=0)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with lock:
            try:
                shutil.rmtree(work, ignore_errors=True)
                if (free := shutil.disk_usage(out.parent).free) < size:
                    raise LongreadError(
                        f"{out} takes {size:,} bytes, but {free:,} are free; give another {option}"
                    )
                work.mkdir()
                yield work / out.name
                (work / out.name).rename(out)
            finally:
                shutil.rmtree(work, ignore_errors=True)
                Path(lock.lock_file).unlink(missing_ok=True)
    except Timeout as error:
        raise RunBusyError(
            f"another process is making {out}; wait for it, or give another {option}"
        ) from error
    except OSError as error:
        raise LongreadError(f"{out} cannot be made: {error}") from error


def share(folder: Path) -> None:
    """Lets whoever may read a folder read its files: safetensors writes them for their owner alone."""
    mode = folder.stat().st_mode & 0o666
    for file in folder.rglob("*"):
        if file.is_file():
            file.chmod(mode)
