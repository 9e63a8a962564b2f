"""What was measured, as tables of plain text. Cells that Longread loses stand in them like all others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import mean

from benchmarks.reading.paired import Difference
from benchmarks.reading.records import Record
from benchmarks.reading.world import KINDS


def tables(records: Sequence[Record], compared: Sequence[Difference]) -> Iterator[str]:
    """All tables, one line at a time."""
    names = list(dict.fromkeys(one.contender for one in records))
    width = max(map(len, names)) + 2
    sweep = [one for one in records if one.part == "sweep"]
    if sweep:
        yield from _cost(sweep, names, width)
        yield from _evidence(sweep, names, width)
        yield from _cells(sweep, names, width, "right answers", lambda one: one.right)
        yield from _cells(sweep, names, width, "evidence retained", lambda one: one.retained)
        yield from _kinds(sweep, names, width)
    yield from _path([one for one in records if one.part == "path"], width)
    yield from _rest(records, names, width)
    yield from _compared(compared)


def _cost(sweep: Sequence[Record], names: Sequence[str], width: int) -> Iterator[str]:
    yield "\nA question, on average over the sweep (tokens of four characters)"
    yield f"{'':{width}}   calls      input   uncached   output  largest  unread  failed"
    for name in names:
        own = _of(sweep, name)
        if own:
            yield (
                f"{name:{width}}{mean(r.summary.calls for r in own):8.1f}{mean(r.summary.input for r in own):11,.0f}"
                f"{mean(r.summary.uncached for r in own):11,.0f}{mean(r.summary.output for r in own):9,.0f}"
                f"{max(r.summary.largest for r in own):9,}{mean(r.unread for r in own):8.1%}"
                f"{sum(r.error is not None for r in own):8}"
            )


def _evidence(sweep: Sequence[Record], names: Sequence[str], width: int) -> Iterator[str]:
    yield "\nEvidence and citations, over the sweep"
    yield f"{'':{width}}{'reached':>9}{'captured':>10}{'retained':>10}{'right':>8}{'precision':>11}{'recall':>8}"
    for name in names:
        own = _of(sweep, name)
        if own:
            yield (
                f"{name:{width}}{mean(r.reached for r in own):9.1%}{mean(r.captured for r in own):10.1%}"
                f"{mean(r.retained for r in own):10.1%}{mean(r.right for r in own):8.1%}"
                f"{_percent([r.precision for r in own]):>11}{_percent([r.recall for r in own]):>8}"
            )


def _cells(
    sweep: Sequence[Record], names: Sequence[str], width: int, title: str, value: Callable[[Record], float]
) -> Iterator[str]:
    cells = list(dict.fromkeys((r.traits.capture, r.traits.overwrite) for r in sweep))
    yield f"\nShare of {title}, by the reader's capture/overwrite"
    yield f"{'':{width}}" + "".join(f"{f'{capture:g}/{lost:g}':>10}" for capture, lost in cells)
    for name in names:
        own = _of(sweep, name)
        shares = [
            mean(value(r) for r in own if (r.traits.capture, r.traits.overwrite) == cell) if own else 0.0
            for cell in cells
        ]
        yield f"{name:{width}}" + "".join(f"{share:10.1%}" for share in shares)


def _kinds(sweep: Sequence[Record], names: Sequence[str], width: int) -> Iterator[str]:
    yield "\nShare of right answers, by kind of question: perfect reader | all readers"
    kinds = [kind for kind in KINDS if any(r.kind == kind for r in sweep)]
    yield f"{'':{width}}" + "".join(f"{kind:>17}" for kind in kinds)
    for name in names:
        shown = []
        for kind in kinds:
            own = [r for r in _of(sweep, name) if r.kind == kind]
            perfect = [r for r in own if r.traits.capture == 1 and r.traits.overwrite == 0]
            shown.append(
                f"{_percent([float(r.right) for r in perfect])} | {_percent([float(r.right) for r in own])}"
            )
        yield f"{name:{width}}" + "".join(f"{one:>17}" for one in shown)


def _path(path: Sequence[Record], width: int) -> Iterator[str]:
    if not path:
        return
    yield "\nCritical path with a perfect reader (calls, output tokens, virtual seconds), processor time and memory"
    yield (
        f"{'':{width}}{'tokens':>9}{'calls':>8}{'path':>8}{'output':>9}{'seconds':>9}{'uncached':>11}"
        f"{'ms/chunk':>10}{'peak MiB':>10}{'(idle)':>8}"
    )
    for name, tokens in dict.fromkeys((r.contender, r.tokens) for r in path):
        own = [r for r in path if (r.contender, r.tokens) == (name, tokens)]
        yield (
            f"{name:{width}}{tokens:9,}{mean(r.summary.calls for r in own):8.1f}"
            f"{mean(r.summary.rounds for r in own):8.1f}{mean(r.summary.path_output for r in own):9,.0f}"
            f"{mean(r.summary.path_seconds for r in own):9.1f}{mean(r.summary.uncached for r in own):11,.0f}"
            f"{min(r.cpu_ms_per_chunk for r in own):10.2f}{max(r.peak_mib for r in own):10.0f}{own[0].idle_mib:8.0f}"
        )


def _rest(records: Sequence[Record], names: Sequence[str], width: int) -> Iterator[str]:
    faults = list(dict.fromkeys(r.fault for r in records if r.part == "faults"))
    if not faults:
        return
    yield "\nRight answers where every n-th call fails; calls made again after a crash; calls for one more question"
    yield (
        f"{'':{width}}"
        + "".join(f"{fault:>9}" for fault in faults)
        + f"{'again':>9}{'of':>6}{'one more':>10}"
    )
    for name in names:
        own = _of(records, name)
        shares = [
            f"{sum(r.right for r in hit)}/{len(hit)}"
            for hit in ([r for r in own if r.part == "faults" and r.fault == fault] for fault in faults)
        ]
        crash = [r for r in own if r.part == "crash"]
        again = f"{crash[0].summary.repeated:9}{crash[0].summary.calls:6}" if crash else f"{'':15}"
        extra = [r for r in own if r.part == "extra"]
        more = 0
        if len(extra) == 2:
            both = extra[1].fault == "two questions"
            more = extra[1].summary.calls - (extra[0].summary.calls if both else 0)
        yield f"{name:{width}}" + "".join(f"{share:>9}" for share in shares) + again + f"{more:10}"


def _compared(compared: Iterable[Difference]) -> Iterator[str]:
    rows = list(compared)
    if rows:
        yield "\nEvidence retained, Longread less a rival: mean of the paired differences [95 % interval], items"
    for row in rows:
        verdict = "loses" if row.high < 0 else "wins" if row.low > 0 else ""
        yield (
            f"{row.ours:22}- {row.theirs:22}{f'{row.capture:g}/{row.overwrite:g}':>9}"
            f"{row.mean:+8.3f} [{row.low:+.3f}, {row.high:+.3f}] {row.items:4} {verdict}"
        )


def _of(records: Sequence[Record], name: str) -> list[Record]:
    return [one for one in records if one.contender == name]


def _percent(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{mean(known):.0%}" if known else "-"
