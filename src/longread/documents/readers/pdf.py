"""PDF files: the text layer of each page."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pypdf import PageObject, PasswordType, PdfReader
from pypdf.errors import FileNotDecryptedError

from longread.documents.readers.base import Extract, Unreadable, named

# Every flaw that pypdf works around would be a line on the user's screen.
logging.getLogger("pypdf").setLevel(logging.CRITICAL)

_LEAST_WORK = 1_000_000
_WORK_PER_BYTE = 4
"""Drawing operations allowed for a file: real files stay far below one a byte; a crafted one of a few
kilobytes can ask for hours of work."""


def read(data: bytes, name: str) -> Extract:
    """The text of all pages, each page on a new line, with the offset of each page's start.

    Raises:
        Unreadable: The file is broken or locked, or no page has text.
    """
    work = _Work(_LEAST_WORK + _WORK_PER_BYTE * len(data))
    with _faults():
        pages = list(_open(data).pages)
    texts: list[str] = []
    empty: list[int] = []
    broken: list[int] = []
    for number, page in enumerate(pages, 1):
        try:
            with _faults():
                text = _text(page, work)
        except Unreadable:
            broken.append(number)
            text = ""
        else:
            if not text:
                empty.append(number)
        texts.append(text)
    if not any(texts):
        raise Unreadable(_nothing(len(pages), broken))
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + 1
    has = "has" if len(empty) == 1 else "have"
    warnings = named(empty, len(pages), "page", f"{has} no text")
    warnings += named(broken, len(pages), "page", "could not be read")
    return Extract("\n".join(texts), kind="pdf", lined=False, pages=tuple(starts), warnings=warnings)


@contextmanager
def _faults() -> Iterator[None]:
    """The one place where pypdf's failures end: on broken input it may raise nearly anything."""
    try:
        yield
    except (Unreadable, KeyboardInterrupt):
        raise
    except FileNotDecryptedError as error:
        raise Unreadable("encrypted PDF: a password is needed") from error
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise Unreadable(f"broken PDF: {reason}") from error


def _open(data: bytes) -> PdfReader:
    reader = PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise Unreadable("encrypted PDF: a password is needed")
    return reader


class _Work:
    """Counts drawing operations; pypdf limits a stream and a page, not the file."""

    def __init__(self, limit: int) -> None:
        self.left = limit

    def __call__(self, operator: Any, operands: Any, matrix: Any, text_matrix: Any) -> None:
        self.left -= 1
        for operand in operands if isinstance(operands, list) else ():
            if isinstance(operand, (str, bytes, list)):
                self.left -= len(operand) >> 3
        self.check()

    def check(self) -> None:
        if self.left < 0:
            raise Unreadable("broken PDF: too much work for a file of its size")


def _text(page: PageObject, work: _Work) -> str:
    work.check()
    text = page.extract_text(visitor_operand_before=work)
    work.check()  # pypdf goes on after an exception within a form
    # Halves of surrogate pairs come from broken character maps and cannot be written anywhere.
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd").strip("\n")


def _nothing(pages: int, broken: list[int]) -> str:
    if not pages:
        return "broken PDF: no pages"
    if len(broken) == pages:
        return "broken PDF: no page could be read"
    return f"PDF without text on any of its {pages} pages (scanned? the setting pdf=docling reads scans)"
