"""A report as Markdown that GitHub shows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from longread.evals.report.intervals import Estimate
from longread.evals.report.records import Cell, Failure, Report, Table, line
from longread.printable import printable

SHOWN_FAILURES = 20
SHOWN_CHARACTERS = 300
_PARTIAL = "†"


def to_markdown(report: Report) -> str:
    """What is incomplete comes first, then the tables, then what failed."""
    blocks = [escape(str(run)) for run in report.incomplete]
    blocks.append("# Evaluation report")
    if report.tables:
        blocks.append(
            "Scores in percent with 95 % intervals: Wilson for right or wrong, bootstrap over items otherwise."
        )
    if any(_partial(table) for table in report.tables):
        blocks.append(
            f"{_PARTIAL} from an incomplete run: over the items done, the others are not counted as wrong."
        )
    if report.notes:
        blocks.append("\n".join(f"- {escape(note)}" for note in report.notes))
    *tables, last = report.tables or (None,)
    for table in tables:
        if table:
            blocks += _section(table)
    blocks += _failures(report.failures)
    if last:
        blocks += _section(last)
    return "\n\n".join(blocks) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, in one line."""
    text = printable(" ".join(text.split()))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = re.sub(r"([\\`*|\[\]~$])", r"\\\1", text)
    return re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", text)


def _section(table: Table) -> Iterator[str]:
    yield f"## {escape(table.title)}"
    labels = [*map(escape, table.labels)]
    rows = [[*map(escape, row.labels), *map(_cell, row.cells)] for row in table.rows]
    yield _grid([*labels, *map(escape, table.columns)], len(labels), rows)
    if table.notes:
        yield "\n".join(f"- {escape(note)}" for note in table.notes)


def _failures(failures: tuple[Failure, ...]) -> Iterator[str]:
    if not failures:
        return
    yield f"## Failures: {len(failures)}, counted as wrong"
    shown = [
        [
            escape(failure.benchmark),
            escape(line(failure.model, failure.strategy)),
            escape(failure.id),
            str(failure.epoch),
            escape(_short(failure.reason)),
        ]
        for failure in failures[:SHOWN_FAILURES]
    ]
    yield _grid(["benchmark", "run", "id", "epoch", "reason"], 5, shown)
    if len(failures) > SHOWN_FAILURES:
        yield f"… and {len(failures) - SHOWN_FAILURES} more."


def _grid(head: list[str], labels: int, rows: Iterable[list[str]]) -> str:
    rule = ["---"] * labels + ["---:"] * (len(head) - labels)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (head, rule, *rows))


def _cell(cell: Cell) -> str:
    if cell is None or cell == "":
        return "-"
    if isinstance(cell, Estimate):
        return _estimate(cell)
    if isinstance(cell, str):
        return escape(cell)
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:,.1f}"


def _estimate(estimate: Estimate) -> str:
    sign = "+" if estimate.signed else ""
    text = f"{100 * estimate.value:{sign}.2f}" + (_PARTIAL if estimate.partial else "")
    if estimate.low is None or estimate.high is None:
        return text
    return f"{text} [{100 * estimate.low:{sign}.2f}, {100 * estimate.high:{sign}.2f}]"


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + " …"


def _partial(table: Table) -> bool:
    return any(isinstance(cell, Estimate) and cell.partial for row in table.rows for cell in row.cells)
