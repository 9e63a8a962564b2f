"""500 damaged files of each office format: none gives a traceback or takes ten seconds."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import docx
import openpyxl
import pptx
import pytest
from openpyxl.comments import Comment
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

from tests.support.mutations import mutated, mutated_zip, survives

FILES = 500


def document() -> bytes:
    made = docx.Document()
    made.add_heading("Agreement", 0)
    for chapter in range(3):
        made.add_heading(f"Chapter {chapter}", 1)
        about = made.add_paragraph("Some text.")
        made.add_comment(about.runs, text="why?", author="Ann", initials="A")
        for style in ("List Number", "List Number 2", "List Bullet", "List Number"):
            made.add_paragraph("an item", style=style)
    table = made.add_table(3, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    table.cell(1, 0).merge(table.cell(2, 0)).text = "tall"
    table.cell(2, 2).add_table(2, 2).cell(0, 0).text = "inside"
    made.sections[0].header.paragraphs[0].text = "Confidential"
    return _saved(made.save)


def presentation() -> bytes:
    deck = pptx.Presentation()
    for at in range(3):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide {at}"
        slide.placeholders[1].text = "one\ntwo"
        slide.notes_slide.notes_text_frame.text = "say this"
        table = slide.shapes.add_table(2, 2, *[Inches(1)] * 4).table
        table.cell(0, 0).text = "cell"
        bars = CategoryChartData()
        bars.categories = ["North", "South"]
        bars.add_series("2023", (1.5, 2))
        slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *[Inches(1)] * 4, bars)
        slide.shapes.add_group_shape().shapes.add_textbox(*[Inches(1)] * 4).text_frame.text = "grouped"
    return _saved(deck.save)


def workbook() -> bytes:
    book = openpyxl.Workbook()
    for name in ("One", "Two"):
        sheet = book.create_sheet(name)
        sheet.append(["name", "born", "share", "sum", "yes"])
        for at in range(20):
            sheet.append([f"name {at}", datetime(2024, 1, 1 + at), at / 7, "=SUM(1,2)", at % 2 == 0])
            sheet.cell(at + 2, 3).number_format = "0.0%"
        sheet["A1"].comment = Comment("look", "Ann")
        sheet.merge_cells("A30:C31")
        sheet["XFD40"] = "far"
    return _saved(book.save)


def _saved(save: Callable[[io.BytesIO], None]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


@pytest.mark.parametrize("damage", [mutated, mutated_zip])
@pytest.mark.parametrize(("suffix", "make"), [("docx", document), ("pptx", presentation), ("xlsx", workbook)])
def test_damaged_files_give_no_traceback_and_no_hang(
    tmp_path: Path, suffix: str, make: Callable[[], bytes], damage: Callable[[bytes, Random], bytes]
) -> None:
    data = make()
    for seed in range(FILES // 2):
        survives(f"{seed}.{suffix}", damage(data, Random(seed)), tmp_path)
