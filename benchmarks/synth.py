"""What each stage of synthesis takes: documents or samples a second, and memory at one and at four times as many.

    make bench            # or: python benchmarks/synth.py --documents 400

Pages are made up from a seed. The yardstick in the same run is parsing the same pages with `json` and hashing them.
Peak memory is what Python allocated beyond what it held when the stage began (tracemalloc, in a run of its own).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from longread.synth.base import Base
from longread.synth.corpus import choose
from longread.synth.entities import build
from longread.synth.facts import facts
from longread.synth.pipeline import Recipe, prove, run
from longread.synth.sql import Tables
from longread.types import Document, document_id

TYPES = ("multi_fact", "comparison", "numerical", "aggregation", "temporal", "ordering")
SAMPLES = 60
WORDS = (
    "river treaty harbour mountain railway copper timber senate canal vineyard border union plateau".split()
)
RUNS = 3


class Stage(NamedTuple):
    """A stage, and what it is counted in."""

    name: str
    unit: str
    work: Callable[[list[Document]], int]
    """Does it and gives how many it did."""


def pages(number: int) -> Iterator[Document]:
    """Pages of some 6 KB about made-up countries that border each other."""
    rng = random.Random(0)
    names = [
        f"{a}{b}{c}" for a in ("Bal", "Cor", "Dra", "Fen", "Gol", "Hes") for b in "aeiou" for c in _ends()
    ]
    for name in names[:number]:
        others = rng.sample([other for other in names[:number] if other != name], 4)
        lengths = rng.sample(range(20, 2_000), 4)
        day = f"{rng.randint(1, 28)} March {rng.randint(1800, 1999)}"
        page = {
            "Name": name,
            "Area": {"total": f"{rng.randint(1_000, 900_000):,} sq km"},
            "Population": f"{rng.randint(40_000, 90_000_000):,} (2023 est.)",
            "Capital": f"{name[:4]}{rng.choice(('port', 'burg', 'ville'))}",
            "Independence": day,
            "Borders": "; ".join(f"{who} {length:,} km" for who, length in zip(others, lengths, strict=True)),
            "Figures": {f"figure {i}": f"{rng.randint(1, 999) / 10}%" for i in range(40)},
            "Text": [" ".join(rng.choices(WORDS, k=120)) for _ in range(5)],
        }
        text = json.dumps(page, indent=1)
        yield Document(document_id(f"{name}.json", text), f"{name}.json", text, "json")


def _ends() -> list[str]:
    return [
        f"{a}{b}"
        for a in ("via", "mark", "nia", "stan", "thia", "wick", "zan")
        for b in ("", "or", "el", "is")
    ]


def yardstick(documents: Iterable[Document]) -> int:
    """Parses and hashes: the least that anything does that reads these pages."""
    done = 0
    for document in documents:
        json.loads(document.text)
        hashlib.sha256(document.text.encode()).digest()
        done += 1
    return done


def read_facts(documents: Iterable[Document]) -> int:
    """Takes each document's facts and lets go of them."""
    return sum(1 for document in documents for _ in [sum(1 for _ in facts(document))])


def tables(documents: list[Document]) -> int:
    """Pages, links and DuckDB tables of all."""
    Tables(_base(documents))
    return len(documents)


def _base(documents: Iterable[Document]) -> Base:
    return build({document.id: list(facts(document)) for document in documents})


def made(documents: list[Document]) -> int:
    """A small data set, from nothing."""
    with tempfile.TemporaryDirectory() as folder:
        run(documents, Recipe(SAMPLES, (16_384,), 0, TYPES), Path(folder) / "set")
    return SAMPLES


STAGES = (
    Stage("json and sha256 (yardstick)", "documents", yardstick),
    Stage("filter, near duplicates, split", "documents", lambda given: len(choose(given).documents)),
    Stage("facts", "documents", read_facts),
    Stage("pages, links, tables", "documents", tables),
    Stage(f"data set of {SAMPLES} samples, all stages and solvers", "samples", made),
)


def seconds(work: Callable[[], object]) -> float:
    """Wall time."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def peak(work: Callable[[], object]) -> float:
    """MB allocated at most beyond what was held."""
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 1e6


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=200)
    asked = parser.parse_args()
    few, many = list(pages(asked.documents)), list(pages(4 * asked.documents))
    print(
        f"{len(few)} and {len(many)} pages of {statistics.mean(len(d.text) for d in few):,.0f} characters\n"
    )
    print(f"{'stage':52} {'a second':>12} {'':10} {'at 4 x':>10} {'MB':>7} {'MB at 4 x':>10}")
    for stage in STAGES:
        times = [seconds(lambda s=stage: s.work(few)) for _ in range(RUNS)]
        rate = (SAMPLES if stage.unit == "samples" else len(few)) / statistics.median(times)
        count = SAMPLES if stage.unit == "samples" else len(many)
        larger = count / seconds(lambda s=stage: s.work(many))
        memory = [peak(lambda s=stage, g=given: s.work(g)) for given in (few, many)]
        print(
            f"{stage.name:52} {rate:12,.1f} {stage.unit:10} {larger:10,.1f} {memory[0]:7.1f} {memory[1]:10.1f}"
        )
    with tempfile.TemporaryDirectory() as folder:
        out = run(few, Recipe(SAMPLES, (16_384,), 0, TYPES), Path(folder) / "set")
        taken = seconds(lambda: sum(1 for _ in prove(out)))
        print(f"{'verify':52} {SAMPLES / taken:12,.1f} samples")


if __name__ == "__main__":
    main()
