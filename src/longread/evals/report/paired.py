"""Runs compared item by item: what two of them differ by on the items both did."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from longread.evals.report.entries import Entry
from longread.evals.report.intervals import Estimate, difference
from longread.evals.report.paper import is_called
from longread.evals.report.records import Row, Table, with_baseline


def paired_table(rows: Sequence[Entry], base: str | None = None) -> Table | None:
    """Each run against the search baseline and against the base; two runs alone against each other."""
    lines = []
    for key in dict.fromkeys(key for row in rows for key in row.runs):
        own = [row for row in rows if key in row.runs]
        for row, other in _pairs(own, base):
            found = _difference(row, other, key)
            if found is not None:
                ours, theirs, gain = found
                title = row.scored[key].title
                lines.append(Row((title, row.line, other.line), (gain.n, ours, theirs, gain), other.baseline))
    if not lines:
        return None
    notes = (
        "plain means over the items both did; differences by the paired bootstrap, no interval if all are alike",
    )
    labels, columns = ("benchmark", "run", "against"), ("n", "score", "score against", "difference")
    return with_baseline(Table("paired", "Item by item", labels, columns, tuple(lines), notes))


def _pairs(own: Sequence[Entry], base: str | None) -> Iterator[tuple[Entry, Entry]]:
    searches = [row for row in own if row.baseline]
    bases = [row for row in own if base and is_called(row, base)]
    pairs = []
    for row in own:
        if not row.baseline and searches:
            pairs.append((row, next((other for other in searches if other.name == row.name), searches[0])))
        if row not in bases:
            pairs += [(row, other) for other in bases if other.strategy == row.strategy]
    if not pairs and len(own) == 2:
        pairs.append((own[1], own[0]))
    yield from pairs


def _difference(row: Entry, other: Entry, key: str) -> tuple[Estimate, Estimate, Estimate] | None:
    first = {unit.key: unit for unit in row.scored[key].units.done}
    second = {unit.key: unit for unit in other.scored[key].units.done}
    shared = [name for name in first if name in second]
    gain = difference([first[name].value for name in shared], [second[name].value for name in shared])
    ours = row.scored[key].mean([first[name] for name in shared])
    theirs = other.scored[key].mean([second[name] for name in shared])
    if gain is None or ours is None or theirs is None:
        return None
    return ours, theirs, replace(gain, partial=ours.partial or theirs.partial)
