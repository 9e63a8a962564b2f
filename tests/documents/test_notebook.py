"""Notebooks, written by nbformat, are read cell by cell."""

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import v3, v4

from longread.documents.boundaries import boundary
from longread.documents.load import load
from longread.types import Document

IMAGE = "iVBORw0KGgo" * 400


def one(folder: Path, notebook: Any, version: int = 4) -> Document:
    path = folder / "a.ipynb"
    nbformat.write(notebook, str(path), version)
    (document,) = load(path)
    return document


def check(document: Document, expected: dict[str, str]) -> None:
    """The parts are these, in this order, and blank lines are all that lies between their texts."""
    assert [part.label for part in document.parts] == list(expected)
    starts = [part.start for part in document.parts]
    for start, end, text in zip(starts, [*starts[1:], len(document.text)], expected.values(), strict=True):
        assert document.text[start:end].rstrip() == text
        assert document.text.startswith(text, start)
    assert not document.lined and document.kind == "markdown"


def test_cells_of_format_4_in_order(tmp_path: Path) -> None:
    cells = [
        v4.new_markdown_cell(f"# Rents\n\nSee ![plot](data:image/png;base64,{IMAGE}=) here."),
        v4.new_code_cell(""),
        v4.new_code_cell(
            "fit()\nprint('```')",
            outputs=[
                v4.new_output("stream", name="stderr", text="\x1b[31m 10%\x1b[0m\r 99%\r\ndone\n"),
                v4.new_output(
                    "display_data", {"image/png": IMAGE, "text/plain": "<Figure size 640x480 with 1 Axes>"}
                ),
                v4.new_output("execute_result", {"text/plain": "rent  41\narea  7", "text/html": "<b>x</b>"}),
                v4.new_output(
                    "display_data",
                    {"text/plain": "<IPython.display.HTML>", "text/html": "<p>Ann &amp; Bob</p>"},
                ),
                v4.new_output("display_data", {"text/plain": "<M>", "text/markdown": "**bold**"}),
                v4.new_output(
                    "error", ename="ValueError", evalue="no", traceback=["\x1b[0;31mValueError\x1b[0m", "no"]
                ),
            ],
        ),
        v4.new_raw_cell("raw text"),
        v4.new_code_cell("x = '```'"),
    ]
    notebook = v4.new_notebook(cells=cells, metadata={"language_info": {"name": "julia"}})
    document = one(tmp_path, notebook)
    outputs = [
        "````julia\nfit()\nprint('```')\n````",
        "```output\n 99%\ndone\n```",
        "```output\nrent  41\narea  7\n```",
        "Ann & Bob",
        "**bold**",
        "```error\nValueError\nno\n```",
    ]
    check(
        document,
        {
            "cell 1": "# Rents\n\nSee ![plot](data:image/png) here.",
            "cell 3": "\n\n".join(outputs),
            "cell 4": "raw text",
            "cell 5": "````julia\nx = '```'\n````",
        },
    )
    assert document.warnings == ("2 figures left out",)
    assert document.locate(document.text.index("Ann & Bob")) == (None, None, "cell 3")


def test_cells_of_format_3_in_order(tmp_path: Path) -> None:
    cells = [
        v3.new_heading_cell("Costs", level=2),
        v3.new_text_cell("markdown", "Some *text*."),
        v3.new_code_cell(
            "1 + 1",
            outputs=[
                v3.new_output("pyout", output_text="2"),
                v3.new_output("stream", output_text="hello"),
                v3.new_output("display_data", output_png="AAAA"),
                v3.new_output("pyerr", traceback=["Oops"]),
            ],
        ),
    ]
    document = one(tmp_path, v3.new_notebook(worksheets=[v3.new_worksheet(cells=cells)]), 3)
    code = "```python\n1 + 1\n```\n\n```output\n2\n```\n\n```output\nhello\n```\n\n```error\nOops\n```"
    check(document, {"cell 1": "## Costs", "cell 2": "Some *text*.", "cell 3": code})
    assert document.warnings == ("1 figure left out",)


def test_a_cut_goes_between_cells_rather_than_within_one(tmp_path: Path) -> None:
    cells = [v4.new_markdown_cell("one\n\n" * 10), v4.new_markdown_cell("two\n\n# Head\n\n" * 3)]
    document = one(tmp_path, v4.new_notebook(cells=cells))
    assert boundary(document, 20, len(document.text) - 5) == document.parts[1].start


def test_what_is_no_notebook_is_read_as_json(tmp_path: Path) -> None:
    for data in ('{"cells": 1, "a": "b"}', '{"cells": [{"source": "cut of', '{"other": "json"}'):
        (tmp_path / "a.ipynb").write_text(data)
        (document,) = load(tmp_path / "a.ipynb")
        assert (document.text, document.kind) == (data, "json")


def test_nothing_but_empty_cells_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.ipynb").write_text(json.dumps({"cells": [{"cell_type": "code", "source": []}, 5]}))
    assert load(tmp_path).skipped[0].reason == "notebook without text"


@pytest.mark.parametrize(
    "outputs", [[None], [4], [True], [["x"]], 7, "x", [{"data": [1]}], [{"output_type": 3}]]
)
def test_odd_outputs_cost_nothing_else(tmp_path: Path, outputs: Any) -> None:
    cell = {"cell_type": "code", "source": "fit()", "outputs": outputs}
    (tmp_path / "a.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": [cell]}))
    (document,) = load(tmp_path / "a.ipynb")
    assert "fit()" in document.text


def test_a_reader_with_a_defect_costs_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(data: bytes, name: str) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr("longread.documents.readers.notebook.read", broken)
    (tmp_path / "a.ipynb").write_text("{}")
    (tmp_path / "b.txt").write_text("text")
    corpus = load(tmp_path)
    assert [document.text for document in corpus] == ["text"]
    assert [reason for _, reason in corpus.skipped] == ["its reader failed (TypeError); please report it"]
