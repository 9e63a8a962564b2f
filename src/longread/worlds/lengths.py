"""Nominal lengths: one token is four bytes of UTF-8, and K means 1,024."""

from __future__ import annotations

import re

from longread.errors import UsageError

_K = 1024
_M = 1024 * 1024
_SHORTEST = 4 * _K
_LONGEST = 10 * _M
_UNITS = {"": 1, "K": _K, "M": _M}


def parse_length(text: str) -> int:
    """Tokens that a length such as `8K`, `1M` or `8192` means. UsageError when it is no length."""
    match = re.fullmatch(r"(\d{1,9})([KM]?)", text.strip().upper(), re.ASCII)
    if not match:
        raise UsageError(f"{text!r} is no length; write it like 4K, 128K or 10M")
    return int(match[1]) * _UNITS[match[2]]


def check_length(tokens: int) -> None:
    """Refuses lengths outside 4K to 10M with a UsageError."""
    if not _SHORTEST <= tokens <= _LONGEST:
        raise UsageError(f"a length of {show_length(tokens)} is out of reach; choose one from 4K to 10M")


def show_length(tokens: int) -> str:
    """The shortest way to write a length: `8K`, `1M`, or the number itself."""
    for unit, size in (("M", _M), ("K", _K)):
        if tokens and tokens % size == 0:
            return f"{tokens // size}{unit}"
    return str(tokens)


def default_count(tokens: int) -> int:
    """Samples a task that give a useful score: 50 up to 128K, 10 above, where each costs more."""
    return 50 if tokens <= 128 * _K else 10
