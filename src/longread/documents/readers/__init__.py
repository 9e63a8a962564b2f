"""Readers turn the bytes of one file into text: one module a format, one row a module.

To add a format, write a module here with `read(data: bytes, name: str) -> Extract` that raises `Unreadable`
when there is nothing to read, and add its row to `FORMATS`. Modules are imported when first needed, so a
format may use a heavy library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import NamedTuple, cast

from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.encoding import looks_binary

__all__ = ["FORMATS", "HEAD", "Extract", "Format", "Unreadable", "read", "refuse", "worth_reading"]

HEAD = 1 << 16
"""How many of a file's first bytes decide whether the rest is worth reading."""


class Format(NamedTuple):
    """A row of the registry."""

    module: str
    """Module of this package that reads it."""
    suffixes: frozenset[str]
    """Lower-case file name endings; they decide before the content does."""
    opening: re.Pattern[bytes] | None = None
    """How the content starts when the name tells nothing."""


FORMATS = (
    Format("pdf", frozenset({".pdf"}), re.compile(rb"[\s\S]{0,1023}?%PDF-\d")),
    Format(
        "html",
        frozenset({".html", ".htm", ".xhtml"}),
        re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?xml[^>]*>|<!--[^>]*-->)*<(?:!doctype\s+html|html)\b", re.I),
    ),
    Format(
        "json",
        frozenset({".json", ".jsonl", ".ndjson", ".geojson", ".jsonc", ".json5", ".ipynb", ".har"}),
        re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"(?:[^"\\\n]|\\.){0,200}"\s*:'),
    ),
    Format("table", frozenset({".csv", ".tsv", ".tab", ".psv"})),
)
"""Every format but plain text, which is what remains: `text` reads whatever no row claims."""

_UNSUPPORTED = {
    "image": "png jpg jpeg gif bmp tif tiff webp ico heic heif avif psd xcf raw icns jp2 jxl",
    "audio": "mp3 wav flac ogg oga opus m4a aac wma aiff mid midi",
    "video": "mp4 m4v mkv mov avi webm wmv flv mpg mpeg",
    "archive": "zip tar gz tgz bz2 tbz2 xz txz zst lz4 7z rar jar war whl egg deb rpm dmg iso apk cab",
    "office document": "doc docx docm xls xlsx xlsm xlsb ppt pptx pptm odt ods odp rtf pages key",
    "electronic book": "epub mobi azw azw3",
    "database": "sqlite sqlite3 db mdb accdb parquet feather arrow orc dbf",
    "program": "exe dll so dylib a o obj lib pyc pyo pyd class wasm bin elf com msi",
    "font": "ttf otf woff woff2 eot",
    "data for programs": "npy npz pkl pickle pt pth safetensors gguf onnx h5 hdf5 mat joblib",
}
_REASONS = {f".{suffix}": reason for reason, names in _UNSUPPORTED.items() for suffix in names.split()}
_RTF = re.compile(rb"\{\\rtf\d")


def refuse(name: str) -> str | None:
    """Why a file of that name is not worth opening, or None when it is."""
    suffix = PurePath(name).suffix.lower()
    what = _REASONS.get(suffix)
    return f"unsupported format: {what} ({suffix})" if what else None


def read(data: bytes, name: str) -> Extract:
    """The text of `data`, by the reader that its name or, failing that, its content calls for."""
    return _reader(data, name)(data, name)


def worth_reading(head: bytes, name: str) -> bool:
    """Whether a file that starts with `head` may hold text: false saves reading gigabytes of noise."""
    return _format(head, name) == "pdf" or not looks_binary(head)


def _reader(data: bytes, name: str) -> Callable[[bytes, str], Extract]:
    module = import_module(f"{__name__}.{_format(data[:HEAD], name)}")
    return cast(Callable[[bytes, str], Extract], module.read)


def _format(head: bytes, name: str) -> str:
    # Two openings outweigh any name: as text, a PDF or RTF file is noise that only looks readable.
    if head.startswith(b"%PDF-"):
        return "pdf"
    if _RTF.match(head):
        raise Unreadable("unsupported format: office document (RTF)")
    suffix = PurePath(name).suffix.lower()
    for format in FORMATS:
        # A web server's error page is often saved under the name of the PDF it stands for.
        if suffix in format.suffixes and not (suffix == ".pdf" and _is_html(head)):
            return format.module
    if not suffix or suffix == ".pdf":
        for format in FORMATS:
            if format.opening and format.opening.match(head):
                return format.module
    return "text"


def _is_html(head: bytes) -> bool:
    html = next(format for format in FORMATS if format.module == "html")
    return html.opening is not None and html.opening.match(head) is not None
