"""Excel workbooks made by openpyxl and by XlsxWriter, which store the same things in different ways."""

import datetime
import io
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.support.office import one, package, parts, place, reason, strict, swapped

SHEET = "xl/worksheets/sheet1.xml"
ROWS = [["name", "born", "paid"], ["Ann", 1980, 12.5], ["Ben", 1990, 0.1 + 0.2]]


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def by_openpyxl(sheets: dict[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    return saved(book)


def by_xlsxwriter(sheets: dict[str, list[list[object]]], **options: object) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, options) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
    return out.getvalue()


WRITERS = [
    by_openpyxl,
    by_xlsxwriter,
    lambda sheets: by_xlsxwriter(sheets, constant_memory=True),  # strings stand in the cells
    lambda sheets: strict(by_openpyxl(sheets)),
]


@pytest.mark.parametrize("write", WRITERS)
def test_rows_are_lines_and_parts(tmp_path: Path, write: Callable[..., bytes]) -> None:
    rows = [["key", "value"]] + [[f"key {at}", at * 10] for at in range(50)]
    document = one(tmp_path, "a.xlsx", write({"People": ROWS, "Empty": [], "More & more": rows}))
    assert document.kind == "table" and not document.lined and not document.warnings
    assert document.text.startswith(
        "Sheet: People\n\nname | born | paid\nAnn | 1980 | 12.5\nBen | 1990 | 0.3\n\n"
        "Sheet: More & more\n\nkey | value\n"
    )
    assert "Empty" not in document.text
    assert place(document, "Ann | 1980") == "sheet People, row 2"
    assert place(document, "Sheet: More & more") == "sheet More & more"
    for at in range(50):
        assert place(document, f"key {at} | {at * 10}\n" if at < 49 else "key 49 | 490") == (
            f"sheet More & more, row {at + 2}"
        )


@pytest.mark.parametrize("write", WRITERS)
def test_column_names_are_the_header_when_the_sheets_agree(
    tmp_path: Path, write: Callable[..., bytes]
) -> None:
    titled = [["Payments of 2024"], [], *ROWS]
    assert one(tmp_path, "a.xlsx", write({"A": titled})).header == "name | born | paid"
    assert one(tmp_path, "b.xlsx", write({"A": titled, "B": ROWS})).header == "name | born | paid"
    assert one(tmp_path, "c.xlsx", write({"A": ROWS, "B": [["other", "names"]]})).header == ""


@pytest.mark.parametrize(
    ("value", "format", "shown"),
    [
        (45_000, "yyyy-mm-dd", "2023-03-15"),
        (45_000, "d. mmmm yyyy", "2023-03-15"),
        (45_000, '[$-411]yyyy"年"m"月"d"日"', "2023-03-15"),
        (45_000.75, "m/d/yy h:mm", "2023-03-15 18:00"),
        (45_000.75, "dd/mm/yyyy hh:mm:ss AM/PM", "2023-03-15 18:00"),
        (0.5 + 1 / 86_400, "h:mm:ss", "12:00:01"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (0.0725, "0.00%", "7.25%"),
        (0.07, "0%", "7%"),
        (1234.5, '#,##0.00 "days"', "1234.5"),
        (1234.5, "[Red]0.00", "1234.5"),
        (1e21, "General", "1e+21"),
        (0.1 + 0.2, "General", "0.3"),
        (-3, "0", "-3"),
        (59, "yyyy-mm-dd", "1900-02-28"),
        (61, "yyyy-mm-dd", "1900-03-01"),
        (-5, "yyyy-mm-dd", "-5"),
        (1e300, "yyyy-mm-dd", "1e+300"),
    ],
)
def test_number_formats_say_what_a_number_is(tmp_path: Path, value: float, format: str, shown: str) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        book.add_worksheet().write_number(0, 0, value, book.add_format({"num_format": format}))
    assert one(tmp_path, "a.xlsx", out.getvalue()).text.splitlines()[-1] == shown


@pytest.mark.parametrize("since_1904", [False, True])
def test_dates_count_from_where_the_workbook_says(tmp_path: Path, since_1904: bool) -> None:
    moment = datetime.datetime(2024, 2, 29, 13, 45)
    own = openpyxl.Workbook()
    if since_1904:
        own.epoch = CALENDAR_MAC_1904
    own.active.append([moment, moment.date()])
    out = io.BytesIO()
    options = {"date_1904": since_1904, "default_date_format": "yyyy-mm-dd hh:mm"}
    with xlsxwriter.Workbook(out, options) as book:
        book.add_worksheet().write_datetime(0, 0, moment)
    assert one(tmp_path, "a.xlsx", saved(own)).text.endswith("2024-02-29 13:45 | 2024-02-29")
    assert one(tmp_path, "b.xlsx", out.getvalue()).text.endswith("2024-02-29 13:45")


@pytest.mark.parametrize("write", WRITERS[:3])
def test_truth_values_errors_and_text_that_looks_like_numbers(
    tmp_path: Path, write: Callable[..., bytes]
) -> None:
    document = one(tmp_path, "a.xlsx", write({"A": [[True, False, "007", "a\n b", "中文"]]}))
    assert document.text.endswith("TRUE | FALSE | 007 | a b | 中文")


def test_iso_dates_of_strict_files(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.iso_dates = True
    book.active.append([datetime.date(2024, 2, 29), "x"])
    assert "2024-02-29" in one(tmp_path, "a.xlsx", saved(book)).text.splitlines()[-1]


def test_formulas_give_their_stored_values_and_those_without_are_counted(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_formula(0, 0, "=6*7", None, 42)
        sheet.write_formula(0, 1, '="a"&"b"', None, "ab")
        sheet.write_formula(0, 2, "=1/0", None, "#DIV/0!")
        sheet.write_formula(0, 3, "=1=1", None, True)
    stored = one(tmp_path, "a.xlsx", out.getvalue())
    assert stored.text.endswith("42 | ab | #DIV/0! | TRUE") and not stored.warnings
    own = by_openpyxl({"A": [["total", "=SUM(1,2)"], ["more", "=1+1"]]})
    missing = one(tmp_path, "b.xlsx", own)
    assert missing.text.endswith("total\nmore")
    assert missing.warnings == ("2 formulas have no stored value; a spreadsheet program stores them",)


def test_hidden_sheets_merged_cells_and_gaps(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Shown"
    sheet["B2"] = "wide"
    sheet.merge_cells("B2:D3")
    sheet["E2"] = "beside"
    sheet["XFD9"] = "far"
    hidden = book.create_sheet("Hidden")
    hidden.sheet_state = "veryHidden"
    hidden["A1"] = "secret"
    document = one(tmp_path, "a.xlsx", saved(book))
    assert " | wide |  |  | beside\n\n… | far\n" in document.text
    assert place(document, "beside") == "sheet Shown, row 2"
    assert place(document, "far") == "sheet Shown, row 9"
    assert place(document, "secret") == "sheet Hidden, row 1"


def test_text_in_runs_and_with_escapes(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True})
        sheet.write_rich_string(0, 0, "one ", bold, "bold", " word")
        sheet.write_string(0, 1, "bell\x07 and _x0041_")
    assert one(tmp_path, "a.xlsx", out.getvalue()).text.endswith("one bold word | bell and _x0041_")


def test_comments_are_reported(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "x"
    book.active["A1"].comment = Comment("look", "Ann")
    assert one(tmp_path, "a.xlsx", saved(book)).warnings == ("comments are not read",)


def test_chart_sheets_have_no_rows(tmp_path: Path) -> None:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("Data")
        sheet.write_row(0, 0, [1, 2])
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=Data!$A$1:$B$1"})
        book.add_chartsheet("Picture").set_chart(chart)
    assert one(tmp_path, "a.xlsx", out.getvalue()).text == "Sheet: Data\n\n1 | 2"


def test_cells_and_rows_without_references_stand_side_by_side(tmp_path: Path) -> None:
    data = by_openpyxl({"A": [[1, 2], [3, 4]]})
    for reference in ("A1", "B1", "A2", "B2"):
        data = swapped(data, SHEET, f' r="{reference}"', "")
    for row in (1, 2):
        data = swapped(data, SHEET, f'<row r="{row}"', "<row")
    document = one(tmp_path, "a.xlsx", data)
    assert document.text.endswith("1 | 2\n3 | 4")
    assert place(document, "3 | 4") == "sheet A, row 2"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('<row r="2"', '<row r="999999999"'),
        ('<row r="2"', '<row r="-1"'),
        ('r="A2"', 'r="ZZZZ2"'),
        ('t="s"><v>0<', 't="s"><v>-1<'),
        ('t="s"><v>0<', 't="s"><v>99<'),
    ],
)
def test_what_no_sheet_has_is_an_error(tmp_path: Path, old: str, new: str) -> None:
    data = swapped(by_xlsxwriter({"A": ROWS}), SHEET, old, new)
    assert reason(tmp_path, "a.xlsx", data).startswith("broken Excel workbook: ")


def test_the_last_cell_that_a_sheet_may_have_costs_nothing(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "first"
    book.active["XFD1048576"] = "last"
    document = one(tmp_path, "a.xlsx", saved(book))
    assert document.text == "Sheet: Sheet\n\nfirst\n\n… | last"
    assert place(document, "last") == "sheet Sheet, row 1048576"


def test_workbooks_without_values_are_skipped(tmp_path: Path) -> None:
    assert reason(tmp_path, "a.xlsx", by_openpyxl({"A": []})) == "Excel workbook without values"


def test_parts_are_found_whatever_case_and_slashes_their_names_have(tmp_path: Path) -> None:
    all_parts = parts(by_openpyxl({"A": ROWS}))
    odd = {
        ("xl\\Worksheets\\SHEET1.xml" if name == SHEET else name): part for name, part in all_parts.items()
    }
    assert one(tmp_path, "a.xlsx", package(odd)).text.endswith("0.3")


def test_long_texts_are_refused_rather_than_repeated_without_end(tmp_path: Path) -> None:
    """A text of 32,000 characters that 20,000 cells share: 100 kB on disk, 640 MB as text."""
    rows: list[list[object]] = [["x" * 32_000] * 200 for _ in range(100)]
    assert "characters of text" in reason(tmp_path, "a.xlsx", by_xlsxwriter({"A": rows}))
