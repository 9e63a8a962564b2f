"""Bytes become text: which encoding a file is in, and what to do when it keeps to none."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from longread.documents.readers.base import Unreadable

_BOMS = (  # the UTF-32 mark starts with the UTF-16 one, so it comes first
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_CONTROL = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
_KANA = re.compile(r"[\u3040-\u30ff]")
_BREAK = re.compile(rb"[\t-/]")
_WINDOW = 1 << 17
"""Bytes around the first odd one that are looked at: detection is slow, and more does not make it better."""

_SUPERSETS = {  # what browsers read under these labels
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
}
_JAPANESE = ("cp932", "shift_ji", "euc_j")
_NOT_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf-7"})


class Decoded(NamedTuple):
    """Text with newlines as `\\n`, and what could not be decoded."""

    text: str
    warnings: tuple[str, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decodes a text file in any encoding.

    A byte order mark decides first, then valid UTF-8, then the encoding the file itself declares, then
    statistics. Bytes that the encoding does not have become U+FFFD, with a warning that names the encoding.

    Raises:
        Unreadable: The bytes are not text.
    """
    view = memoryview(data)
    encoding = None
    for bom, name in _BOMS:
        if data.startswith(bom):
            view, encoding = view[len(bom) :], name
            break
    else:
        encoding = _wide(_sample(data))
        if encoding is None and looks_binary(_sample(data)):
            raise Unreadable("binary")
    if encoding in _WIDE:
        return _with_replacements(view, encoding)
    try:
        # ISO-2022-JP is ASCII with escapes, hence valid UTF-8 too.
        encoding = "iso2022_jp" if b"\x1b$B" in data[:_WINDOW] else "utf-8"
        return _finish(str(view, encoding), ())
    except UnicodeDecodeError as error:
        return _with_replacements(view, _detect(view, error, declared))


def looks_binary(sample: bytes) -> bool:
    """Whether control bytes make up more of `sample` than a text with a few stray ones would have."""
    if any(sample.startswith(bom) for bom, _ in _BOMS) or _wide(sample):
        return False
    return len(sample) - len(sample.translate(None, _CONTROL)) > max(2, len(sample) // 50)


def _with_replacements(view: memoryview, encoding: str) -> Decoded:
    text = str(view, encoding, "replace")
    bad = text.count("\ufffd")
    if not bad:
        return _finish(text, ())
    if bad > max(2, len(text) // 10):
        raise Unreadable("binary, or text in an unknown encoding")
    return _finish(text, (f"{bad} characters are not valid {encoding} and shown as \ufffd",))


def _finish(text: str, warnings: tuple[str, ...]) -> Decoded:
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if nuls := text.count("\0"):
        # Servers and databases refuse NULs; one code point for another keeps every offset.
        text = text.replace("\0", "\ufffd")
        warnings += (f"{nuls} NUL characters are shown as \ufffd",)
    return Decoded(text, warnings)


def _sample(data: bytes) -> bytes:
    """The beginning and fifteen places spread over the rest, at even offsets (UTF-32 stays aligned)."""
    if len(data) <= _WINDOW:
        return data
    step = (len(data) // 16) & ~3
    return data[: 1 << 16] + b"".join(data[at : at + 4096] for at in range(step, step * 15 + 1, step))


def _wide(sample: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by which reading gives assigned and common characters."""
    if b"\0" not in sample:
        return None
    best, encoding = 0.0, None
    for name in _WIDE:
        try:
            text = codecs.getincrementaldecoder(name)("strict").decode(sample[: 1 << 14])
        except UnicodeDecodeError:
            continue
        if not text:
            continue
        strange = sum(unicodedata.category(c) in ("Cc", "Cn", "Co") and c not in "\t\n\r\f" for c in text)
        common = sum(" " <= c <= "~" or c in "\n\r\t\u3000\u3001\u3002\uff0c" for c in text) / len(text)
        if strange <= len(text) // 50 and common > max(best, 0.01):
            best, encoding = common, name
    return encoding


def _detect(view: memoryview, error: UnicodeDecodeError, declared: str | None) -> str:
    """The encoding of bytes that are not UTF-8."""
    if error.reason == "unexpected end of data" and error.start >= len(view) - 3:
        return "utf-8"  # a file cut in the middle of a character
    start, end = max(0, error.start - 4096), error.start + _WINDOW
    window = bytes(view[start:end])
    as_utf8 = window.decode("utf-8", "replace")
    bad = as_utf8.count("\ufffd")
    if len(as_utf8) - len(as_utf8.encode("ascii", "ignore")) >= 11 * bad:
        return "utf-8"  # ten valid multi-byte characters for each broken one do not happen by chance
    if declared and (encoding := _known(declared)) and _replaced(window, encoding) <= len(window) // 100:
        return encoding
    return _guess(window, (start > 0, end < len(view)))


def _known(label: str) -> str | None:
    try:
        info = codecs.lookup(label.strip())
        if info.name in _NOT_CHARSETS:
            return None
        b"x".decode(info.name)  # refuses codecs that are not from bytes to text
    except (LookupError, UnicodeError, ValueError):
        return None
    return _SUPERSETS.get(info.name, info.name)


def _replaced(window: bytes, encoding: str) -> int:
    return window.decode(encoding, "replace").count("\ufffd")


def _guess(window: bytes, cut: tuple[bool, bool]) -> str:
    """The likeliest encoding of `window`, which was perhaps cut at its start or its end."""
    from charset_normalizer import from_bytes  # slow to import, and most files are UTF-8

    # Half a character at either end would rule the right encoding out. No bytes below "0" but its own
    # are part of a character in any encoding that is not UTF-16 or UTF-32.
    breaks = [found.end() for found in _BREAK.finditer(window)]
    start = breaks[0] if breaks and cut[0] else 0
    end = breaks[-1] if breaks and cut[1] else len(window)
    if not window[start:end].isascii():
        window = window[start:end]
    matches = from_bytes(window, cp_exclusion=["utf_7"])
    best = matches.best()
    if best is None:
        return "cp1252"
    for match in matches:
        # Japanese read as Korean looks tidy to the statistics, but only Japanese has so much kana.
        if match.encoding.startswith(_JAPANESE) and _kana(str(match)) > 0.2:
            return match.encoding
        # Central and Western European code pages share most letters; the Western one is the likelier.
        western = match.encoding in ("cp1252", "latin_1")
        if western and match.chaos <= best.chaos and match.coherence >= best.coherence:
            return "cp1252"
    return best.encoding


def _kana(text: str) -> float:
    """Share of hiragana and full-width katakana among the characters beyond ASCII."""
    return len(_KANA.findall(text)) / max(1, len(text) - len(text.encode("ascii", "ignore")))
