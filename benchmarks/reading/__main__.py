"""Longread's strategies beside other ways to read long text, over one stub of a model.

    python -m benchmarks.reading --quick       # a look, without crashes: two minutes on an idle machine
    python -m benchmarks.reading               # all of it
    python -m benchmarks.reading --show build/reading.json

No figure here is a model's accuracy: the stub knows what is planted and errs at set rates. What is measured is what
each way of reading does with such a reader: its calls, its critical path, and what it loses of what the reader found.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from benchmarks.reading.contenders import ROOT, Contender, contenders
from benchmarks.reading.measure import Bench
from benchmarks.reading.paired import differences
from benchmarks.reading.records import Record
from benchmarks.reading.server import Server
from benchmarks.reading.sizes import FULL, QUICK, Size
from benchmarks.reading.tables import tables

PARTS = ("sweep", "path", "crash")


def main() -> None:
    """Measures, prints the tables, writes the records and the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few questions over short texts")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="contenders by name, such as 'longread sequential'"
    )
    parser.add_argument("--parts", nargs="+", choices=PARTS, help="what to measure; all by default")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "reading.json", help="where the records go"
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="FOLDER", help="where the pictures go, if they are wanted"
    )
    parser.add_argument(
        "--show", type=Path, nargs="+", metavar="FILE", help="print the tables of earlier runs"
    )
    args = parser.parse_args()
    if args.show:
        records = [
            Record.model_validate(one)
            for file in args.show
            for one in json.loads(file.read_text())["records"]
        ]
    else:
        size = QUICK if args.quick else FULL
        parts = args.parts or (PARTS[:2] if args.quick else PARTS)
        records = measure(size, args.only, parts, args.out)
    names = dict.fromkeys(one.contender for one in records)
    ours = [name for name in names if name.startswith("longread")]
    for line in tables(records, differences(records, ours, [name for name in names if name not in ours])):
        print(line)
    if args.pictures:
        from benchmarks.reading.pictures import draw

        print("\n" + "\n".join(map(str, draw(records, args.pictures))))


def measure(size: Size, only: list[str] | None, parts: tuple[str, ...], out: Path) -> list[Record]:
    """All records; they are written after each contender, so that a long run that ends early leaves what it has."""
    found, absent = contenders(only)
    for why in absent:
        print(f"left out: {why}")
    out.parent.mkdir(parents=True, exist_ok=True)
    records: list[Record] = []
    with tempfile.TemporaryDirectory() as folder, Server(out.with_suffix(".calls.jsonl")) as server:
        bench = Bench(size, Path(folder), server, print)
        for contender in found:
            begun = time.perf_counter()
            records += _one(bench, contender, parts)
            print(f"{contender.name} ({contender.origin}): {time.perf_counter() - begun:.0f} s", flush=True)
            written = {"size": json.loads(json.dumps(size._asdict(), default=dict))}
            out.write_text(json.dumps({**written, "records": [one.model_dump() for one in records]}))
    return records


def _one(bench: Bench, contender: Contender, parts: tuple[str, ...]) -> list[Record]:
    records: list[Record] = []
    if "sweep" in parts:
        records += bench.sweep(contender)
        if "crash" in parts:
            calls = next(one.summary.calls for one in records if one.part == "sweep")
            records.append(bench.crash(contender, calls))
    if "path" in parts:
        records += bench.path(contender)
    return records


if __name__ == "__main__":
    main()
