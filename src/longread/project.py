"""The project file, `longread.toml`: where it is looked for, and what it may say.

A cloned repository brings it along, so its writer is not trusted. It may tune how documents are read. It
may not decide where text or keys go, what is kept, or what may be spent beyond the user's own limits.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from longread.errors import UsageError

NAME = "longread.toml"
PROMPT_SETS = ("ledger", "text")
"""What `prompts` may name; anything else would be a path."""
TUNABLE = frozenset(
    "model strategy prompts window chunk_tokens notes_tokens answer_tokens thinking_tokens temperature top_p seed "
    "attempts revisits early_exit stream structured discover max_calls max_total_tokens max_cost".split()
)
"""All that a project file may set; a setting that is not named here is refused."""
_LOWERED = ("attempts", "revisits", "max_calls", "max_total_tokens", "max_cost")
_LEAST_CHUNK = 1_024
_MOST_BESIDE = 16_384
"""Tokens of notes or thinking. Small chunks beside large notes would multiply what a reading costs."""
_LARGEST = 16_384
"""Bytes. The time that tomllib takes can grow with their square."""
_LONGEST_NAME = 200
EXTRACTIVE, NANO, LOCAL_PREFIX = "extractive", "nano", "local:"
"""Models that run in this process: none at all, the tiny one that comes along, and checkpoints by their path."""
_CLOUD = re.compile(r"[:-]cloud$", re.IGNORECASE)
"""Ollama's tags for models that it does not run itself."""


class Found(NamedTuple):
    """A project file that was looked for."""

    path: Path
    shown: str
    """As the user would write it: `./longread.toml`, `../longread.toml`."""
    exists: bool


def in_process(model: str) -> bool:
    """Whether a model of that name runs in this process, so that no text leaves it."""
    return model in (EXTRACTIVE, NANO) or model.startswith(LOCAL_PREFIX)


def find() -> Found | None:
    """The nearest project file, from the current folder up to the one that holds `.git`.

    Without such a folder only the current one is looked at, and never one above the home folder. None when the
    current folder is gone.
    """
    try:
        here = Path.cwd()
    except OSError:
        return None
    folders = _folders(here)
    for depth, folder in enumerate(folders):
        if os.path.lexists(folder / NAME):
            return Found(folder / NAME, f"{'../' * depth or './'}{NAME}", True)
    return Found(here / NAME, f"./{NAME}", False)


def _folders(here: Path) -> list[Path]:
    home = Path(os.path.realpath(os.path.expanduser("~")))  # noqa: PTH111 -- where there is no home, it stays "~"
    folders = []
    for folder in (here, *here.parents):
        folders.append(folder)
        if os.path.lexists(folder / ".git"):
            return folders
        if folder == home:
            break
    return [here]


def read(found: Found) -> tuple[bytes, str | None]:
    """A project file's content, or why it is not trusted (in one line). UsageError when it cannot be read."""
    flags = (
        os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    )  # no link, no waiting pipe
    try:
        if not stat.S_ISREG(os.lstat(found.path).st_mode):
            return b"", f"{found.shown} is ignored: it is not a regular file"
        with os.fdopen(os.open(found.path, flags), "rb") as file:
            if why := _distrust(os.fstat(file.fileno())):
                return b"", f"{found.shown} is ignored: {why}"
            raw = file.read(_LARGEST + 1)
    except OSError as error:
        raise UsageError(f"the configuration {found.shown} cannot be read: {error.strerror}") from error
    if len(raw) > _LARGEST:
        raise UsageError(f"the configuration {found.shown} is larger than {_LARGEST:,} bytes")
    return raw, None


def _distrust(info: os.stat_result) -> str | None:
    if not stat.S_ISREG(info.st_mode):
        return "it is not a regular file"
    if os.name != "posix":
        return None
    if info.st_uid not in (0, os.geteuid()):
        return "it belongs to another user"
    return "others can write to it (chmod o-w)" if info.st_mode & stat.S_IWOTH else None


def screen(
    values: Mapping[str, Any], mine: Mapping[str, Any], *, endpoint: bool
) -> tuple[list[str], list[str]]:
    """What of a project file's settings holds: the names that do, and for each other one a remark.

    Args:
        values: What the file sets; of TUNABLE settings, and valid as such.
        mine: All settings as they are without the file: defaults and the user's file.
        endpoint: Whether the user's own configuration names a `base_url`.
    """
    kept, remarks = [], []
    for name, value in values.items():
        if why := _refusal(name, value, mine, endpoint):
            remarks.append(f"{name} is ignored: {why}")
        else:
            kept.append(name)
    return kept, remarks


def _refusal(name: str, value: Any, mine: Mapping[str, Any], endpoint: bool) -> str | None:
    own = mine[name]
    if isinstance(value, str) and not (value.isprintable() and 0 < len(value) <= _LONGEST_NAME):
        return "it is empty, too long, or holds control characters"
    if name == "model":
        return _model_refusal(value, own, endpoint)
    if name == "prompts" and value not in PROMPT_SETS:
        return f"a project file may name a built-in set only ({', '.join(PROMPT_SETS)})"
    if name == "discover" and value and not own:
        return "a project file may only turn it off"
    if name in _LOWERED and own is not None and value > own:
        return "a project file may only lower it"
    if name == "chunk_tokens" and value < min(_LEAST_CHUNK, own or _LEAST_CHUNK):
        return f"a project file may set {_LEAST_CHUNK:,} or more"
    if name in ("notes_tokens", "thinking_tokens") and value > max(_MOST_BESIDE, own or 0):
        return f"a project file may set {_MOST_BESIDE:,} or less"
    return None


def _model_refusal(model: str, own: str | None, endpoint: bool) -> str | None:
    if model == EXTRACTIVE:
        return None
    if model.startswith(LOCAL_PREFIX):
        return "a project file may not name a path"
    if own and in_process(own):
        return "your own configuration keeps the text in this process"
    if not endpoint:
        return "your own configuration names no base_url for it"
    return "Ollama would send the text on to its cloud" if _CLOUD.search(model) else None
