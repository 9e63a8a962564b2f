"""Tables of all formats as pages, columns of one meaning as one relation, and questions over them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.documents.load import load
from longread.synth import dataset
from longread.synth.base import Base, Page
from longread.synth.facts import tables
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.schema import Heading, align, heading
from longread.synth.values import Quantity
from longread.types import Document
from tests.support.office import one
from tests.synth.pages import document
from tests.synth.table_files import FORMATS, encoded, write

HEADER = ("Company", "Revenue (USD million)", "Founded", "Head office")
ROWS = (
    ("Alpha, Sons & Co", "1,200", "17 August 1960", "Paris"),
    ("Beta", "35.5", "1999-05-03", "New York"),
    ("Gamma Holdings", None, "12 May 2001", "n/a"),
)
TYPES = ("comparison", "numerical", "aggregation", "temporal", "ordering", "hypothetical", "multiple_choice")


def table(*rows: Sequence[object], source: str = "a.csv") -> Document:
    """A CSV document of these rows."""
    return document(encoded(rows, "csv").decode().replace("\r\n", "\n"), source, "table")


def by_name(*documents: Document) -> dict[str, Page]:
    return {page.name: page for page in tables.pages(documents)}


def names(*headings: Sequence[str]) -> list[list[str | None]]:
    """What the columns of tables with these headings are asked about as."""
    return [[relation and relation.name for relation in columns] for columns in align(headings)]


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_pages_with_exact_places(tmp_path: Path, kind: str) -> None:
    made = one(tmp_path, f"a.{kind}", encoded((HEADER, *ROWS), kind))
    pages = by_name(made)
    assert list(pages) == [str(row[0]) for row in ROWS]
    alpha, gamma = pages["Alpha, Sons & Co"], pages["Gamma Holdings"]
    assert {r: f.value for r, f in alpha.facts.items()} == dict(zip(HEADER, ROWS[0], strict=True))
    assert alpha.quantities == {"Revenue (USD million)": Quantity(Decimal(1200), "USD")}
    assert pages["Beta"].dates["Founded"].isoformat() == "1999-05-03"
    assert gamma.facts.keys() == {"Company", "Founded"}
    for page in pages.values():
        assert page.kind == "record"
        assert all(made.text[f.start : f.end] == f.value for f in page.facts.values())


def test_the_stored_document_alone_gives_the_same_pages(tmp_path: Path) -> None:
    made = one(tmp_path, "a.xlsx", encoded((HEADER, *ROWS), "xlsx"))
    assert by_name(Document(made.id, made.source, made.text, made.kind)) == by_name(made)


def test_csv_cells_are_found_behind_quotes_and_blank_lines() -> None:
    text = 'Name;Says;Size\n\n"Alpha";"he said ""no""; twice";5\nBeta; yes ;6\n'
    made = document(text, "a.csv", "table")
    pages = by_name(made)
    fact = pages["Alpha"].facts["Says"]
    assert (fact.value, text[fact.start : fact.end]) == ('he said "no"; twice', 'he said ""no""; twice')
    assert pages["Beta"].facts["Says"].value == "yes"


def test_sheets_are_tables_below_their_titles(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.active
    for row in (["All our companies"], ["Company", "Staff"], ["Alpha", 5], ["Beta", 6]):
        first.append(row)
    second = book.create_sheet("Sites")
    for row in (["Site", "Built", "Area"], ["Ghent", None, 20], ["Lyon", 1960]):
        second.append(row)
    data = io.BytesIO()
    book.save(data)
    pages = by_name(one(tmp_path, "a.xlsx", data.getvalue()))
    assert {name: {r: f.value for r, f in page.facts.items()} for name, page in pages.items()} == {
        "Alpha": {"Company": "Alpha", "Staff": "5"},
        "Beta": {"Company": "Beta", "Staff": "6"},
        "Ghent": {"Site": "Ghent", "Area": "20"},
        "Lyon": {"Site": "Lyon", "Built": "1960"},
    }
    first.append([])
    first.append(["Gamma", 7])
    data = io.BytesIO()
    book.save(data)
    assert not by_name(one(tmp_path, "b.xlsx", data.getvalue()))  # is the last row of the table?


def test_columns_of_web_pages_may_stand_on_the_right(tmp_path: Path) -> None:
    html = """<p>Some words. They are long enough to cover columns.</p><table><caption>All of our companies</caption>
    <tr><th>Company</th><th align=right>Staff</th><th>Town</th></tr>
    <tr><td>Al Corp</td><td align=right>12,500</td><td>Ys</td></tr>
    <tr><td>Be</td><td align=right>3</td><td></td></tr>
    <tr><td>Ce</td><td></td><td>Ely</td></tr></table><p>End."""
    pages = by_name(one(tmp_path, "a.html", html.encode()))
    found = {name: [f.value for f in page.facts.values()] for name, page in pages.items()}
    assert found == {"Al Corp": ["Al Corp", "12,500", "Ys"], "Be": ["Be", "3"], "Ce": ["Ce", "Ely"]}
    broken = html.replace("<td>Be</td>", "<td>Be<br>Holdings</td>")
    assert not by_name(one(tmp_path, "b.html", broken.encode()))


def test_markdown_cells_may_be_emphasised_and_hold_bars() -> None:
    text = "Words\n\nName | Size | Note\n:--|--:|---\n**Alpha** | 5 | a \\| b\n`Beta` | 6\n\nEnd | here"
    pages = by_name(document(text, "a.md", "markdown"))
    assert pages["Alpha"].facts["Note"].value == "a | b"
    assert list(pages["Beta"].facts) == ["Name", "Size"]


def test_rows_on_other_rows_are_no_entries() -> None:
    pages = by_name(table(("Company", "Staff"), ("Alpha", 5), ("Total Energies", 6), ("Total", 11)))
    assert list(pages) == ["Alpha", "Total Energies"]


@pytest.mark.parametrize(
    "rows",
    [
        (("Alpha", 5), ("Beta", 6)),  # no header
        (("Company", ""), ("Alpha", 5), ("Beta", 6)),
        (("Company", "Staff"), ("Alpha", 5), ("Beta", 6, 7)),
        (("Company", "Staff"), ("Alpha", 5), ("ALPHA", 6)),
    ],
)
def test_what_could_be_read_in_two_ways_is_not_read(rows: tuple[tuple[object, ...], ...]) -> None:
    assert not by_name(table(*rows))


def test_a_document_that_lists_an_entity_again_is_left_out() -> None:
    first = table(("Company", "Staff"), ("Alpha", 5), ("Beta", 6))
    again = table(("Name", "Sales"), ("Gamma", 5), ("alpha", 6), source="b.csv")
    other = table(("Name", "Sales"), ("Gamma", 5), ("Delta", 6), source="c.csv")
    assert list(by_name(first, again, other)) == ["Alpha", "Beta", "Gamma", "Delta"]
    assert [page.name for page in tables.pages([first, other], ["Delta"])] == ["Alpha", "Beta"]


def test_ranks_years_and_dates_are_not_measured() -> None:
    made = table(("Rank", "Company", "Built", "Staff"), (1, "Alpha", 1960, 1960), (2, "Beta", 1999, 12))
    assert all(page.quantities.keys() == {"Staff"} for page in by_name(made).values())


@pytest.mark.parametrize(
    ("column", "strange"),
    [
        ("Staff", "about 7"),
        ("Size (km)", "6 miles"),
        ("Sales (USD million)", "7 million"),
        ("Area", "3 May 1999"),
    ],
)
def test_columns_with_strange_figures_are_not_measured(column: str, strange: str) -> None:
    made = (("Company", column), ("Alpha", 5), ("Beta", 6))
    assert all(page.quantities.keys() == {column} for page in by_name(table(*made)).values())
    assert not any(page.quantities for page in by_name(table(*made, ("Gamma", strange))).values())


def test_headings() -> None:
    assert heading("Revenues (in USD million, 2023)") == Heading("revenue", "USD", 6, "2023")
    assert (
        heading("revenue, usd million")
        != heading("Revenue in USD million")
        == Heading("revenue", "USD", 6, "")
    )
    assert heading("Area [km²]") == Heading("area", "km²", 0, "")
    assert heading("POPULATION_2020") == Heading("population", "", 0, "2020")


def test_columns_that_say_the_same_are_one_relation() -> None:
    assert (
        names(["Name", "Employees"], ["name", "employees"], ["Name", "EMPLOYEE"], ["Name", "employees"])
        == [["Name", "employees"]] * 4
    )
    assert names(["Population (2020)"], ["Population (2020)"], ["Population, 2010"]) == [["Population"]] * 3
    assert names(["Population (2020)"], ["Population [2020]"]) == [["Population (2020)"]] * 2
    assert names(["County"], ["Country"]) == [["County"], ["Country"]]


def test_columns_of_one_table_stay_apart() -> None:
    found = names(["Income (2019)", "Income (2020)"], ["Income (2020)"], ["Income"])
    assert found == [["Income (2019)", "Income (2020)"], ["Income (2020)"], [None]]
    assert names(["Income", "INCOME"]) == [[None, None]]
    assert names(["Price (USD)"], ["Price (EUR)"], ["Price"]) == [["Price (USD)"], ["Price (EUR)"], [None]]


def test_numbers_of_one_relation_are_of_one_scale() -> None:
    pages = by_name(
        table(("Company", "Sales (USD billion)"), ("Alpha", "1.2"), ("Beta", "0.35")),
        table(("Company", "Sales (USD million)"), ("Gamma", 300), ("Delta", 40), source="b.csv"),
    )
    numbers = {name: page.quantities["Sales (USD)"].number for name, page in pages.items()}
    assert numbers == {"Alpha": 1_200_000_000, "Beta": 350_000_000, "Gamma": 300_000_000, "Delta": 40_000_000}


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(["table", "html", "markdown"]), st.text('ab1 |,;"\n\t-:…\\', max_size=60), st.booleans()
)
def test_no_text_stops_it_and_places_hold(kind: str, text: str, sheet: bool) -> None:
    made = document(f"Sheet: a\n\n{text}" if sheet else text, "a", kind)
    for page in tables.pages([made]):
        for fact in page.facts.values():
            stated = made.text[fact.start : fact.end]
            assert stated.replace('""', '"').replace("\\|", "|") == fact.value.replace('""', '"').replace(
                "\\|", "|"
            )


def test_questions_over_tables_alone_are_proved(tmp_path: Path) -> None:
    write(tmp_path / "tables", 20)
    documents = load(tmp_path / "tables").documents
    out = run(documents, Recipe(21, (2048,), 1, TYPES), tmp_path / "out")
    samples = [made.sample for shard in dataset.shards(out) for made in dataset.read_samples(shard)]
    assert {sample.type for sample in samples} == set(TYPES)
    assert not [faults for _, faults in prove(out) if faults]
    kinds = {document.id: document.source.rpartition(".")[2] for document in documents}
    assert {kinds[evidence.doc] for sample in samples for evidence in sample.evidence} == set(FORMATS)


def test_other_pages_are_as_they_were() -> None:
    made = document('{"name": "Alpha", "staff": "5"}')
    assert Base(tuple(tables.pages([made]))).pages == ()
