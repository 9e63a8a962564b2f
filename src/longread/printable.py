"""Text that is safe to print: documents, models and servers may send characters that command a terminal."""

import re

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Text without control characters, marks that change its direction, and lone surrogates."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def escaped(json: str) -> str:
    """JSON with those characters as `\\uXXXX`: only strings hold them, and their value stays the same."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json)
