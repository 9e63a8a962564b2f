"""What nano models score: each task in full context, and with notes at 8 and 64 windows.

    python recipes/nano/evaluate.py RESULTS MODEL... [--smoke]

RESULTS is a file of JSON lines, one for each model, way of reading and task; what is in it is not done again. Texts
are those of `longbook-nano`'s names, with a seed of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import torch

from longread.models.local import PROMPTS, end_ids, load_checkpoint
from longread.models.turns import Turns
from longread.training.network import Network
from longread.training.reinforce import attempt
from longread.training.rollouts import Case
from longread.training.stage import Reinforcement, Sizes
from longread.worlds.nano.questions import TASKS, make

SEED = 1_000
"""Of the texts; training has seeds below it, and other names."""
HOPS = (2, 3)


class Cell(NamedTuple):
    """A way to read, at one length."""

    name: str
    mode: str
    lines: int
    samples: int
    """Of each task."""


CELLS = (
    Cell("full context", "full", 112, 400),
    Cell("memory, 8 windows", "memory", 512, 100),
    Cell("memory, 64 windows", "memory", 4_096, 20),
)


def opened(folder: Path) -> tuple[Network, Turns]:
    """A checkpoint, ready to generate."""
    tokenizer, model = load_checkpoint(folder)
    model.float().eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Network(model), Turns("nano", tokenizer, end_ids(tokenizer, model))


def measure(folder: Path, cell: Cell, samples: int) -> list[dict[str, object]]:
    """One row for each task: how many were right, and what share of the evidence the notes held in the end."""
    sizes = Sizes(mode=cell.mode, prompts=str(folder / PROMPTS), window=2_048)
    stage = Reinforcement(data="", steps=1, attempts=1, temperature=0.7, top_p=0.95, sizes=sizes, seed=SEED)
    items = [
        make(task, cell.lines, SEED, index, "evaluation", HOPS) for task in TASKS for index in range(samples)
    ]
    cases = [Case(item.sample, item.documents) for item in items]
    made = asyncio.run(attempt(stage, cases, *opened(folder), 0))
    right, kept = defaultdict(float), defaultdict(float)
    for one in made:
        right[one.task] += one.reward
        kept[one.task] += sum(gain for gain in one.gains if gain is not None)
    return [
        {
            "model": str(folder),
            "cell": cell.name,
            "task": task,
            "samples": samples,
            "right": right[task] / samples,
        }
        | ({"kept": kept[task] / samples} if cell.mode == "memory" else {})
        for task in TASKS
    ]


def main() -> None:
    """Measures what is not yet measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--smoke", action="store_true", help="Two samples of each task.")
    given = parser.parse_args()
    known = set()
    if given.results.is_file():
        rows = map(json.loads, given.results.read_text("utf-8").splitlines())
        known = {(row["model"], row["cell"]) for row in rows}
    for folder in given.models:
        for cell in CELLS:
            if (str(folder), cell.name) in known:
                continue
            rows = measure(folder, cell, 2 if given.smoke else cell.samples)
            with given.results.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
            average = sum(row["right"] for row in rows) / len(rows)
            print(f"{folder}  {cell.name}  {average:.3f}", flush=True)


if __name__ == "__main__":
    main()
