"""Strings out of escapes and odd encodings, made fit for a text or a line."""

from __future__ import annotations

_LONGEST_LINE = 120


def writable(text: str) -> str:
    """`text` with newlines as `\\n`, and U+FFFD for what cannot be written: NULs and halves of surrogate pairs."""
    if not text.isascii():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")


def one_line(text: str) -> str:
    """`text` as a name: on one line, and cut when longer than any name."""
    line = " ".join(writable(text[: 10 * _LONGEST_LINE]).split())
    return line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE].rstrip() + "\u2026"
