"""PDF files by docling: it recognises the text of scanned pages, tables and reading order. Slow, and an extra.

Models are fetched from a hub at first use.
"""

from __future__ import annotations

import io
from collections import defaultdict
from functools import cache
from typing import Any

from longread.documents.readers.base import Extract, Unreadable, named
from longread.documents.readers.characters import one_line, writable
from longread.documents.readers.composition import Composition
from longread.errors import UsageError


def read(data: bytes, name: str) -> Extract:
    """The text of all pages as Markdown, with the offset of each page's start.

    Raises:
        UsageError: docling is not installed.
        Unreadable: docling could not read the file, or found no text on any page.
    """
    converter = _converter()
    from docling.datamodel.base_models import DocumentStream

    try:
        result = converter.convert(DocumentStream(name="document.pdf", stream=io.BytesIO(data)))
        pages = _pages(result.document)
    except Exception as error:  # on broken input its parsers and models raise nearly anything
        raise Unreadable(
            f"docling could not read it: {one_line(str(error)) or type(error).__name__}"
        ) from error
    if not any(pages):
        raise Unreadable(f"PDF in which docling found no text on any of its {len(pages)} pages")
    out = Composition()
    for page in pages:
        out.page()
        out.add(f"{page}\n\n" if page else "")
    empty = [number for number, page in enumerate(pages, 1) if not page]
    warnings = named(empty, len(pages), "page", f"{'has' if len(empty) == 1 else 'have'} no text")
    warnings += tuple(f"docling: {one_line(error.error_message)}" for error in result.errors)
    return out.extract("markdown", warnings=warnings)


@cache
def _converter() -> Any:
    """docling's converter, which takes seconds to make."""
    try:
        from docling.datamodel.base_models import InputFormat
        from docling.document_converter import DocumentConverter
    except ImportError as error:
        raise UsageError(
            'docling, which reads scanned PDF files, is not installed; add it with `pip install "longread[docling]"`'
        ) from error
    return DocumentConverter(allowed_formats=[InputFormat.PDF])


def _pages(document: Any) -> list[str]:
    """The Markdown of each page, from the first to the last; running heads and feet are left out."""
    blocks: dict[int, list[str]] = defaultdict(list)
    captions = {
        caption.cref for table in document.tables for caption in table.captions
    }  # part of their tables
    page = 1
    for item, _ in document.iterate_items(traverse_pictures=True):
        if item.self_ref in captions:
            continue
        # What goes on over several pages is read where it begins; what says no page stands after the last item.
        page = item.prov[0].page_no if getattr(item, "prov", None) else page
        if block := writable(_block(item, document)).strip():
            blocks[page].append(block)
    last = max([*document.pages, *blocks], default=0)
    return ["\n\n".join(blocks[number]) for number in range(1, last + 1)]


def _block(item: Any, document: Any) -> str:
    label, text = str(getattr(item.label, "value", item.label)), str(getattr(item, "text", ""))
    match label:
        case "table" | "document_index":
            return str(item.export_to_markdown(document))
        case "title":
            return f"# {text}"
        case "section_header":
            return f"{'#' * min(item.level + 1, 6)} {text}"
        case "list_item":
            return f"{item.marker or '-'} {text}"
        case _:
            return text
