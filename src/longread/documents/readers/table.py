"""Comma- or tab-separated tables."""

from __future__ import annotations

import re

from longread.documents.readers.base import Extract
from longread.documents.readers.encoding import decode

_LONGEST_HEADER = 2000
"""Characters. It is repeated above every chunk; a longer first row costs more than it explains."""

_FIRST_ROW = re.compile(
    r"""(?: "(?:[^"]|"")*+"      # a quoted cell, which may hold newlines
          | [^"\n]
          | (?<=[^,;|\t\n])"     # a quote inside a cell is a plain character
        )*+""",
    re.VERBOSE,
)


def read(data: bytes, name: str) -> Extract:
    """The table as it is; its first row becomes the header."""
    text, warnings = decode(data)
    return Extract(text, kind="table", header=_header(text), warnings=warnings)


def _header(text: str) -> str:
    start = next((at for at, character in enumerate(text) if character != "\n"), 0)
    window = text[start : start + _LONGEST_HEADER + 1]
    row = _FIRST_ROW.match(window)
    end = row.end() if row else 0
    if window[end : end + 1] == '"' and len(text) - start <= _LONGEST_HEADER:
        end = (window + "\n").index("\n")  # no cell ends with this quote, so it is a plain character
    elif window[end : end + 1] == '"':
        return ""
    return window[:end] if end <= _LONGEST_HEADER else ""
