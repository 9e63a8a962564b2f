"""Keys that clients show, kept as hashes.

A key is 32 random bytes, so its SHA-256 needs no salt: nobody finds it by trying. The file holds a line for each,
`NAME HASH`; all that a name uploads and asks is its own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

from longread.config import one_line
from longread.errors import UsageError

LOCAL = "local"
"""Who asks where no keys are needed."""
_PREFIX = "lr-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_MOST = 1_000_000
"""Bytes of a file of keys."""


class Keys:
    """Which names there are, by the hashes of their keys; without any, everybody is `LOCAL`."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)

    def __bool__(self) -> bool:
        return bool(self._names)

    def owner(self, key: str | None) -> str | None:
        """Whose key it is, or None. It takes the same time for every wrong one."""
        if not self._names:
            return LOCAL
        given = _hashed(key or "")
        found = None
        for hashed, name in self._names.items():
            if hmac.compare_digest(given, hashed):
                found = name
        return found


def read_keys(path: Path) -> Keys:
    """The keys of a file. UsageError names the line that is wrong; its text is not repeated: it may be a key."""
    try:
        with path.open("rb") as file:
            text = file.read(_MOST + 1).decode("utf-8")
    except OSError as error:
        raise UsageError(f"--api-key-file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--api-key-file {path}: it is not UTF-8 text") from error
    if len(text) > _MOST:
        raise UsageError(f"--api-key-file {path}: it is larger than {_MOST:,} bytes")
    names: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, hashed = line.partition(" ")
        if not (_NAME.fullmatch(name) and _HASH.fullmatch(hashed.strip())):
            raise UsageError(
                f"--api-key-file {path}, line {number}: it is no name with the hash of a key; "
                "`longread serve --api-key-file FILE --new-key NAME` adds one"
            )
        names[hashed.strip()] = name
    if not names:
        raise UsageError(f"--api-key-file {path}: it holds no key; add one with --new-key NAME")
    return Keys(names)


def add_key(path: Path, name: str) -> str:
    """Makes a key for a name and adds its hash to the file, which only its owner can read; the key itself."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"--new-key '{one_line(name, 70)}': a name has 1 to 64 of a-z, 0-9, dot, hyphen and underscore"
        )
    key = _PREFIX + secrets.token_urlsafe(32)
    try:
        path.touch(mode=0o600)
        path.chmod(0o600)
        before = path.read_text("utf-8")
        with path.open("a", encoding="utf-8") as file:
            file.write("\n" * bool(before and not before.endswith("\n")) + f"{name} {_hashed(key)}\n")
    except OSError as error:
        raise UsageError(f"--api-key-file {path}: {error.strerror}") from error
    return key


def _hashed(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
