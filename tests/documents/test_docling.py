"""docling's documents become Markdown with pages. Its pipeline for native PDFs stands in for those with models."""

import io
import sys
from pathlib import Path

import pytest
from reportlab.pdfgen import canvas

from longread.documents.readers import Unreadable, docling
from longread.errors import UsageError


def pdf(*pages: str) -> bytes:
    out = io.BytesIO()
    sheet = canvas.Canvas(out)
    for page in pages:
        sheet.drawString(72, 720, page)
        sheet.showPage()
    sheet.save()
    return out.getvalue()


def test_without_docling_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docling.document_converter", None)
    docling._converter.cache_clear()
    with pytest.raises(UsageError, match=r'pip install "longread\[docling\]"'):
        docling.read(pdf("text"), "a.pdf")


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> None:
    """docling's converter with the one pipeline that needs no model."""
    pytest.importorskip("docling")
    from docling.datamodel.base_models import InputFormat
    from docling.datamodel.pipeline_options import NativePdfPipelineOptions
    from docling.document_converter import DocumentConverter, PdfFormatOption
    from docling.pipeline.native_pdf_pipeline import NativePdfPipeline

    option = PdfFormatOption(pipeline_cls=NativePdfPipeline, pipeline_options=NativePdfPipelineOptions())
    converter = DocumentConverter(allowed_formats=[InputFormat.PDF], format_options={InputFormat.PDF: option})
    monkeypatch.setattr(docling, "_converter", lambda: converter)


@pytest.mark.usefixtures("native")
def test_pages_keep_their_numbers() -> None:
    extract = docling.read(pdf("Alpha", "", "Gamma"), "a.pdf")
    assert (extract.text, extract.kind, extract.lined) == ("Alpha\n\nGamma", "markdown", False)
    assert extract.pages == (0, 7, 7)
    assert extract.warnings == ("1 of 3 pages has no text: 2",)


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize("data", [b"%PDF-1.4 nothing", pdf("", "")])
def test_what_docling_cannot_read_is_named(data: bytes) -> None:
    with pytest.raises(Unreadable, match="docling"):
        docling.read(data, "a.pdf")


def test_headings_lists_tables_and_captions(tmp_path: Path) -> None:
    core = pytest.importorskip("docling_core.types.doc")
    document = core.DoclingDocument(name="a")
    for number in (1, 2, 3):
        document.add_page(number, core.Size(width=1, height=1))

    def at(page: int) -> object:
        return core.ProvenanceItem(page_no=page, bbox=core.BoundingBox(l=0, t=0, r=1, b=1), charspan=(0, 1))

    document.add_title("Lease", prov=at(1))
    document.add_heading("Rent", level=2, prov=at(1))
    items = document.add_list_group()
    document.add_list_item("first", enumerated=True, marker="1.", parent=items, prov=at(1))
    document.add_text(
        core.DocItemLabel.PAGE_FOOTER, "page 1", prov=at(1), content_layer=core.ContentLayer.FURNITURE
    )
    words = [["Month", "Rent"], ["May", "900"]]
    cells = [
        core.TableCell(
            text=words[row][column],
            start_row_offset_idx=row,
            end_row_offset_idx=row + 1,
            start_col_offset_idx=column,
            end_col_offset_idx=column + 1,
            column_header=row == 0,
        )
        for row in (0, 1)
        for column in (0, 1)
    ]
    caption = document.add_text(core.DocItemLabel.CAPTION, "Table 1: rents", prov=at(3))
    document.add_table(core.TableData(table_cells=cells, num_rows=2, num_cols=2), caption=caption, prov=at(3))
    document.add_text(core.DocItemLabel.TEXT, "No page \ud800 said.\0")
    first, second, third = docling._pages(document)
    assert (first, second) == ("# Lease\n\n### Rent\n\n1. first", "")
    assert third.split("\n\n")[0] == "Table 1: rents"
    assert third.count("Table 1: rents") == 1
    assert [row.split() for row in third.split("\n\n")[1].split("\n")][::2] == [
        ["|", "Month", "|", "Rent", "|"],
        ["|", "May", "|", "900", "|"],
    ]
