"""Where the files of a benchmark come from: a local copy, or the Hugging Face hub at a pinned revision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from longread.errors import UsageError

if TYPE_CHECKING:  # the benchmarks import this module
    from longread.evals.benchmarks.base import Hub

_SNAPSHOT = re.compile(r"[0-9a-f]{40}")
_SHARD = re.compile(r"-[0-9]{5}-of-[0-9]{5}$")
_FORMATS = (".parquet", ".jsonl", ".json", ".zip")


def fetch(hub: Hub, data: Path | None, others: Sequence[Sequence[str]] = ()) -> list[Path]:
    """The files of a benchmark, in its order.

    Args:
        hub: Where the official ones lie.
        data: A local copy: one file, or a folder with files of the official names, at the official places or side
            by side, in any format that is read (`data/x-00000-of-00001.parquet` may be `x.json`). None downloads.
        others: Names of the same content that other copies go by, tried in order when the official ones are not
            there.

    Raises:
        UsageError: There is no such copy, it lacks a file, or the hub does not give one.
    """
    if data is None:
        return [_download(hub, file) for file in hub.files]
    if data.is_file():
        return [data]
    if not data.is_dir():
        raise UsageError(f"--data {data} does not exist; name a file, or a folder with {_listed(hub.files)}")
    missing: list[str] = []
    for names in (hub.files, *others):
        found = [_local(data, name) for name in names]
        if paths := [path for path in found if path is not None]:
            if len(paths) == len(names):
                return paths
            missing = missing or [name for name, path in zip(names, found, strict=True) if path is None]
    raise UsageError(
        f"the folder {data} lacks {_listed(missing or hub.files)}; "
        f"get the files of {hub.repo} on the Hugging Face hub, or name one file with --data"
    )


def present(data: Path, names: Sequence[str]) -> list[str]:
    """Which of these official files a folder has."""
    return [name for name in names if _local(data, name) is not None]


def revision(hub: Hub | None, data: Path | None) -> str:
    """What to record of a run: the pinned commit, or the one that the hub resolved at download.

    Empty for local copies, for what is generated, and before anything was downloaded.
    """
    if hub is None or data is not None:
        return ""
    if hub.revision or not hub.files:
        return hub.revision
    from huggingface_hub import try_to_load_from_cache

    path = try_to_load_from_cache(hub.repo, hub.files[0], repo_type="dataset")
    parts = Path(path).parts if isinstance(path, str) else ()
    return next((part for part in parts if _SNAPSHOT.fullmatch(part)), "")


def _local(folder: Path, name: str) -> Path | None:
    return next((path for path in _candidates(folder, name) if path.is_file()), None)


def _candidates(folder: Path, name: str) -> Iterator[Path]:
    official = Path(name)
    stem = _SHARD.sub("", official.stem)
    for parent in dict.fromkeys((folder / official.parent, folder)):
        yield parent / official.name
        for suffix in _FORMATS:
            yield parent / f"{stem}{suffix}"


def _download(hub: Hub, file: str) -> Path:
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError as error:
        raise UsageError(
            "downloading benchmarks needs huggingface-hub; install longread[eval], or give --data"
        ) from error
    at = f"{file} of {hub.repo}"
    try:
        path = hf_hub_download(hub.repo, file, repo_type="dataset", revision=hub.revision or None)
    except errors.GatedRepoError as error:
        page = f"https://huggingface.co/datasets/{hub.repo}"
        raise UsageError(
            f"{at} is open only to accounts that accepted its terms; accept them at {page} and log in "
            "with `hf auth login`, or give a local copy with --data"
        ) from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        raise UsageError(
            f"{at} is not on this machine and the Hugging Face hub cannot be reached; go online, or give a local "
            "copy with --data"
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.EntryNotFoundError) as error:
        at_revision = f" at revision {hub.revision}" if hub.revision else ""
        raise UsageError(
            f"the Hugging Face hub has no {at}{at_revision}; give a local copy with --data"
        ) from error
    except (errors.HfHubHTTPError, OSError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UsageError(
            f"{at} could not be downloaded ({reason}); try again, or give a local copy with --data"
        ) from error
    return Path(path)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
