"""Readers turn the bytes of one file into text: one module a format, one row a module.

To add a format, write a module here with `read(data: bytes, name: str) -> Extract` that raises `Unreadable`
when there is nothing to read, and add its row to `FORMATS`. Modules are imported when first needed, so a
format may use a heavy library.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import BinaryIO, NamedTuple, cast

from longread.documents.readers.base import Extract, Unreadable
from longread.documents.readers.encoding import looks_binary

__all__ = ["FORMATS", "HEAD", "Extract", "Format", "Unreadable", "claims", "read", "refuse", "worth_reading"]

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
    package: str | None = None
    """For formats that are zip files: what the name of a part begins with that only they have."""

    @property
    def binary(self) -> bool:
        """Whether its files are more than text."""
        return self.package is not None or self.module == "pdf"

    def opens(self, head: bytes) -> bool:
        """Whether a file that starts with `head` looks like it."""
        return self.opening is not None and self.opening.match(head) is not None


_PDF = Format("pdf", frozenset({".pdf"}), re.compile(rb"[\s\S]{0,1023}?%PDF-\d"))
_HTML = Format(
    "html",
    frozenset({".html", ".htm", ".xhtml", ".xht"}),
    re.compile(rb"(?:\xef\xbb\xbf)?(?:\s|<\?xml[^>]*>|<!--[^>]*-->)*<(?:!doctype\s+html|html)\b", re.I),
)
_TEXT = Format("text", frozenset())
FORMATS = (
    _PDF,
    _HTML,
    Format(
        "json",
        frozenset({".json", ".jsonl", ".ndjson", ".geojson", ".jsonc", ".json5", ".har"}),
        re.compile(rb'(?:\xef\xbb\xbf)?\s*(?:\[\s*)?\{\s*"(?:[^"\\\n]|\\.){0,200}"\s*:'),
    ),
    Format("notebook", frozenset({".ipynb"})),
    Format(
        "mail",
        frozenset({".eml", ".mbox", ".mbx"}),
        re.compile(rb"From [^\r\n]{1,300}\d:\d\d|(?:Return-Path|Received|Delivered-To|Message-ID):[ \t]"),
    ),
    Format("rst", frozenset({".rst", ".rest"})),
    Format("table", frozenset({".csv", ".tsv", ".tab", ".psv"})),
    Format("epub", frozenset({".epub"}), package="META-INF/container.xml"),
    Format("docx", frozenset({".docx", ".docm", ".dotx", ".dotm"}), package="word/"),
    Format("pptx", frozenset({".pptx", ".pptm", ".ppsx", ".ppsm", ".potx", ".potm"}), package="ppt/"),
    Format("xlsx", frozenset({".xlsx", ".xlsm", ".xltx", ".xltm"}), package="xl/"),
)
"""Every format but plain text, which is what remains: `text` reads whatever no row claims."""

_UNSUPPORTED = {
    "image": "png jpg jpeg gif bmp tif tiff webp ico heic heif avif psd xcf raw icns jp2 jxl",
    "audio": "mp3 wav flac ogg oga opus m4a aac wma aiff mid midi",
    "video": "mp4 m4v mkv mov avi webm wmv flv mpg mpeg",
    "archive": "zst lz4 7z rar jar war whl egg deb rpm dmg iso apk cab",
    "office document": "doc xls xlsb ppt odt ods odp rtf pages numbers key",
    "electronic book": "mobi azw azw3",
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


def read(data: bytes, name: str, pdf: str = "text") -> Extract:
    """The text of `data`, by the reader that its name or, failing that, its content calls for.

    `pdf` is `text` or `docling`, the reader for PDF files.
    """
    format = _format(data[:HEAD], name, io.BytesIO(data))
    module = import_module(f"{__name__}.{pdf if format == _PDF and pdf != 'text' else format.module}")
    return cast(Callable[[bytes, str], Extract], module.read)(data, name)


def worth_reading(head: bytes, name: str) -> bool:
    """Whether a file that starts with `head` may hold text: false saves reading gigabytes of noise."""
    return not looks_binary(head) or _format(head, name).binary


def claims(file: BinaryIO, name: str) -> bool:
    """Whether a zip file is a document of its own rather than an archive of files. Leaves it at its beginning."""
    return _format(b"PK", name, file).package is not None


def _format(head: bytes, name: str, file: BinaryIO | None = None) -> Format:
    """The format of a file that starts with `head`; of a zip file without a telling name, by what `file` holds."""
    # Two openings outweigh any name: as text, a PDF or RTF file is noise that only looks readable.
    if head.startswith(b"%PDF-"):
        return _PDF
    if _RTF.match(head):
        raise Unreadable("unsupported format: office document (RTF)")
    suffix = PurePath(name).suffix.lower()
    for format in FORMATS:
        # A web server's error page is often saved under the name of the PDF it stands for.
        if suffix in format.suffixes and not (format == _PDF and _HTML.opens(head)):
            return format
    if head.startswith(b"PK") and file is not None and (packaged := _packaged(file)):
        return packaged
    if not suffix or suffix == ".pdf":
        for format in FORMATS:
            if format.opens(head):
                return format
    return _TEXT


def _packaged(file: BinaryIO) -> Format | None:
    """The format of a zip file, told by its parts; None for an archive of anything else."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.namelist()
    except Exception:  # a zip file may be broken in any way, and whoever reads it says so better
        return None
    finally:
        file.seek(0)
    if not {"[Content_Types].xml", "META-INF/container.xml"} & set(parts):
        return None
    return next((f for f in FORMATS if f.package and any(part.startswith(f.package) for part in parts)), None)
