"""The tables in the paper's layout: main, beyond 128K, by stage, general (arXiv 2512.12967)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from longread.errors import UsageError
from longread.evals.report.columns import (
    BFCL,
    FURTHER,
    GAIN,
    GENERAL,
    MRCR_LONGEST,
    PAPER,
    ULTRA_LONG,
    WITHIN_WINDOW,
    Range,
    memory_of,
    within_window,
)
from longread.evals.report.entries import Entry, Scored
from longread.evals.report.intervals import Estimate, average, difference
from longread.evals.report.records import Cell, Row, Table, with_baseline
from longread.evals.report.units import Unit

LABELS = ("model", "strategy")
FULL_CONTEXT = ("full", "direct")
"""Strategies that ask once, with all of the text."""


def main_table(rows: Sequence[Entry]) -> Table | None:
    """The six benchmarks of the paper with their average, then the others; None if none was run."""
    found = {key: run.title for row in rows for key, run in row.scored.items() if not run.run.general}
    six = list(PAPER) if any(column.key in found for column in PAPER) else []
    further = [column for column in FURTHER if column.key in found]
    known = {column.key for column in (*PAPER, *FURTHER)}
    others = {key: title for key, title in found.items() if key not in known}
    keys = [column.key for column in (*six, *further)] + list(others)
    titles = [column.title for column in (*six, *further)]
    titles += _told_apart(others, titles)
    lines = []
    for row in rows:
        cells: list[Cell] = [_main_score(row, key) for key in keys]
        if any(cell is not None for cell in cells):
            lines.append(
                Row(row.labels, (average_of_six(row), *cells) if six else tuple(cells), row.baseline)
            )
    if not lines:
        return None
    notes = ["MRCR and CorpusQA: items up to 128K; LBv1-QA: average over its sets"] if six else []
    if further or others:
        notes.append("the columns after the six: all items of all lengths that were run")
    columns = ("avg", *titles) if six else tuple(titles)
    return with_baseline(Table("main", "Main results", LABELS, columns, tuple(lines), tuple(notes)))


def _told_apart(others: Mapping[str, str], taken: Sequence[str]) -> list[str]:
    """Titles by key; where two are alike, with the key."""
    titles = [*taken, *others.values()]
    return [title if titles.count(title) == 1 else f"{title} ({key})" for key, title in others.items()]


def average_of_six(row: Entry) -> Estimate | None:
    """The plain average over the paper's six benchmarks; None unless all are there."""
    scores = [_main_score(row, column.key) for column in PAPER]
    there = [score for score in scores if score is not None]
    return average(there) if len(there) == len(PAPER) else None


def _main_score(row: Entry, key: str) -> Estimate | None:
    if key in row.runs and row.runs[key].general:
        return None
    return row.score(key, within_window if key in WITHIN_WINDOW else None)


def ultra_long_table(rows: Sequence[Entry], base: str | None = None) -> Table | None:
    """Beyond 128K, with the mean gain over a base; None if there are no such items."""
    bases = _bases(rows, base)
    columns = [part for part in ULTRA_LONG if any(_in_range(row, part) for row in rows)]
    lines = []
    for row in rows:
        cells: list[Cell] = [_in_range(row, part) for part in columns]
        if any(cell is not None for cell in cells):
            gain = [_gain(row, bases)] if base else []
            lines.append(Row(row.labels, (*cells, *gain), row.baseline))
    if not lines:
        return None
    titles = [part.title for part in columns] + ([f"gain over {base}"] if base else [])
    note = f"gain over {base}, same strategy: the mean over {', '.join(part.title for part in GAIN)}"
    notes = (note,) if base else ()
    return with_baseline(Table("ultra_long", "Beyond 128K", LABELS, tuple(titles), tuple(lines), notes))


def _in_range(row: Entry, part: Range) -> Estimate | None:
    return row.score(part.benchmark, part.holds)


def _bases(rows: Sequence[Entry], base: str | None) -> list[Entry]:
    if base is None:
        return []
    found = [row for row in rows if is_called(row, base)]
    if not found:
        names = ", ".join(dict.fromkeys(row.name for row in rows)) or "(there are no runs)"
        raise UsageError(f"no run is of the base '{base}'; choose among {names}")
    return found


def is_called(row: Entry, name: str) -> bool:
    """Whether a row is of the model or variant of that name."""
    return row.name == name or any(run.model == name for run in row.runs.values())


def _gain(row: Entry, bases: Sequence[Entry]) -> Estimate | None:
    """The mean gain over the base with the same strategy; with an interval where the items are the same."""
    base = next((base for base in bases if base.strategy == row.strategy), None)
    if base is None or base is row:
        return None
    parts = [part for column in GAIN if (part := _difference(row, base, column))]
    return average(parts) if len(parts) == len(GAIN) else None


def _difference(row: Entry, base: Entry, part: Range) -> Estimate | None:
    ours, theirs = _in_range(row, part), _in_range(base, part)
    if ours is None or theirs is None:
        return None
    first, second = (_values(entry, part) for entry in (row, base))
    paired = (
        difference(list(first.values()), [second[key] for key in first])
        if set(first) == set(second)
        else None
    )
    low, high = (paired.low, paired.high) if paired else (None, None)
    return Estimate(
        ours.value - theirs.value, low, high, ours.n, signed=True, partial=ours.partial or theirs.partial
    )


def _values(row: Entry, part: Range) -> dict[object, float]:
    return {unit.key: unit.value for unit in row.scored[part.benchmark].units.done if part.holds(unit)}


def stage_table(rows: Sequence[Entry]) -> Table | None:
    """What became of the model from stage to stage; None where the user named no variants."""
    names = dict.fromkeys(row.name for row in rows if row.variant)
    lines = []
    for name in names:
        own = [row for row in rows if row.name == name and row.variant]
        averages = [average_of_six(row) for row in own if row.strategy in FULL_CONTEXT]
        full = next((average for average in averages if average), None)
        agent = _agent(own)
        cells: tuple[Cell, ...] = (full, _in_range(agent, MRCR_LONGEST) if agent else None)
        strategy = agent.strategy if agent else ""
        lines.append(Row((name, strategy), cells))
    for row in rows:
        if row.variant and row.baseline:
            cells = (average_of_six(row), _in_range(row, MRCR_LONGEST))
            if any(cell is not None for cell in cells):
                lines.append(Row(row.labels, cells, True))
    if not any(cell is not None for line in lines for cell in line.cells):
        return None
    columns = ("full-context avg of 6", "memory agent, MRCR 512K-1M")
    return with_baseline(Table("stages", "By stage", ("after", "memory agent"), columns, tuple(lines)))


def _agent(rows: Sequence[Entry]) -> Entry | None:
    """The row of the memory agent: sequential reading, or else another strategy that keeps notes."""
    agents = [row for row in rows if row.strategy not in (*FULL_CONTEXT, "search", "-", "")]
    agents.sort(key=lambda row: (_in_range(row, MRCR_LONGEST) is None, row.strategy != "sequential"))
    return agents[0] if agents else None


def general_table(rows: Sequence[Entry]) -> Table | None:
    """The general benchmarks, and LongMemEval; None if no general one was run."""
    known = {column.key for column in GENERAL}
    others = {
        key: run.title
        for row in rows
        for key, run in row.scored.items()
        if run.run.general and key not in known and not _has_memory(run)
    }
    columns = (
        *(column.title for column in GENERAL),
        "BFCL memory mean",
        *(f"BFCL {name}" for name, _ in BFCL),
        "LongMemEval",
    )
    columns = (*columns, *_told_apart(others, columns))
    lines = []
    for row in rows:
        memories = [_bfcl(row, name) for name, _ in BFCL]
        there = [score for score in memories if score is not None]
        cells: tuple[Cell, ...] = (
            *(row.score(column.key) for column in GENERAL),
            average(there) if len(there) == len(BFCL) else None,
            *memories,
            row.score("longmemeval"),
            *(row.score(key) for key in others),
        )
        if any(cell is not None for cell in cells):
            lines.append(Row(row.labels, cells, row.baseline))
    if not any(run.general for row in rows for run in row.runs.values()) or not lines:
        return None
    return with_baseline(Table("general", "General", LABELS, columns, tuple(lines)))


def _bfcl(row: Entry, name: str) -> Estimate | None:
    """The score on one of BFCL's memories, whether it was a run or a group of one."""
    for key, run in row.runs.items():
        if found := row.score(key, partial(_is_memory, run.benchmark, name)):
            return found
    return None


def _has_memory(run: Scored) -> bool:
    return any(memory_of(run.run.benchmark, unit.groups) for unit in run.units.done)


def _is_memory(benchmark: str, name: str, unit: Unit) -> bool:
    return memory_of(benchmark, unit.groups) == name
