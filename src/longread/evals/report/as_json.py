"""A report as JSON: everything that its tables show, unrounded."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from longread.evals.report.intervals import Estimate
from longread.evals.report.records import Cell, Report, Table


def to_json(report: Report) -> dict[str, Any]:
    """Shares as fractions from 0 to 1, each with its 95 % interval and the number of items."""
    return {
        "complete": not report.incomplete,
        "incomplete": [run._asdict() for run in report.incomplete],
        "notes": list(report.notes),
        "tables": {table.name: _table(table) for table in report.tables},
        "failures": [failure._asdict() for failure in report.failures],
        "curves": [
            {
                "benchmark": curve.benchmark,
                "task": curve.task or None,
                "line": curve.line,
                "baseline": curve.baseline,
                "points": [{"length": point.length, **asdict(point.accuracy)} for point in curve.points],
            }
            for curve in report.curves
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "notes": list(table.notes),
        "columns": list(table.columns),
        "rows": [
            {
                "labels": dict(zip(table.labels, row.labels, strict=True)),
                "baseline": row.baseline,
                "cells": {column: _cell(cell) for column, cell in zip(table.columns, row.cells, strict=True)},
            }
            for row in table.rows
        ],
    }


def _cell(cell: Cell) -> Any:
    return asdict(cell) if isinstance(cell, Estimate) else cell
