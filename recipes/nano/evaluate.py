"""What nano models score, in the cells of one of four tables.

    python recipes/nano/evaluate.py RESULTS MODEL... [--table stages|ablations|lengths|text] [--smoke | --share S]

RESULTS is a file of JSON lines, one for each model, way of reading and task; what is in it is not done again. Texts
are those of `longbook-nano`'s names, with a seed of their own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from longread.models.base import PROMPTS
from longread.models.discover import NANO_FOLDER
from longread.models.local import end_ids, load_checkpoint
from longread.models.turns import Turns
from longread.training.network import Network
from longread.training.reinforce import attempt
from longread.training.rollouts import Case
from longread.training.stage import Reinforcement, Sizes
from longread.worlds.nano.questions import TASKS, make

SEED = 1_000
"""Of the texts; training has seeds below it, and other names."""
HOPS = (2, 3)
LINES = 30
"""Of a chunk, about."""
_LINE = 7.7
"""Tokens of a line, about."""


class Cell(NamedTuple):
    """A way to read, at one length."""

    name: str
    mode: str
    lines: int
    samples: int
    """Of each task."""
    skips: bool = False
    """Whether lines with names alone are shown, for which there is a prompt set of its own."""
    rewrites: bool = False
    """Whether a memory is written anew for each section, in place of notes."""

    @property
    def rounds(self) -> Sequence[Sequence[str]]:
        """Tasks that are read side by side. With notes, long texts are read a task at a time, so that a stop loses no
        more than one; a memory has so much to write that only many at once make it fast."""
        return [(task,) for task in TASKS] if self.skips and not self.rewrites else [TASKS]

    def prompts(self, folder: Path) -> Path:
        """The prompt set that a checkpoint is asked with."""
        if self.rewrites:
            return Path(__file__).with_name(f"prompts-text{'-skip' if self.skips else ''}.toml")
        return (NANO_FOLDER if self.skips else folder) / PROMPTS


def _noted(tokens: int, samples: int, *, skips: bool = False, rewrites: bool = False) -> Cell:
    size = f"{tokens >> 20}M" if tokens >> 20 else f"{tokens >> 10}K"
    name = f"{'memory' if rewrites else 'notes'}, {size} tokens{', skipping' if skips else ''}"
    return Cell(name, "memory", int(tokens / _LINE), samples, skips, rewrites)


TABLES = {
    "stages": (
        Cell("full context, 128 lines", "full", 128, 400),
        Cell("notes, 8 chunks", "memory", 8 * LINES, 100),
        Cell("notes, 64 chunks", "memory", 64 * LINES, 20),
    ),
    "ablations": (
        Cell("full context, 76 lines", "full", 76, 400),
        Cell("notes, 5 chunks", "memory", 5 * LINES, 100),
    ),
    "lengths": (
        Cell("full context, 1K tokens", "full", int(1024 / _LINE), 20),
        *(_noted(1024 * size, 20) for size in (4, 8, 32, 128)),
        *(
            _noted(size << 10, samples, skips=True)
            for size, samples in ((128, 20), (512, 20), (1024, 20), (4096, 4))
        ),
    ),
    "text": (
        *(_noted(size << 10, 20, rewrites=True) for size in (4, 8, 32, 128)),
        *(
            _noted(size << 10, samples, skips=True, rewrites=True)
            for size, samples in ((128, 20), (512, 4), (1024, 8), (4096, 2))
        ),
    ),
}
"""`lengths` has a hundred questions to 1M tokens, where 213 facts are planted, and at 4M twenty; `text`, which takes
longer, a hundred to 128K, then twenty, forty at 1M, and ten."""


def opened(folder: Path) -> tuple[Network, Turns]:
    """A checkpoint, ready to generate."""
    tokenizer, model = load_checkpoint(folder)
    model.float().eval().to("cuda" if torch.cuda.is_available() else "cpu")
    return Network(model), Turns("nano", tokenizer, end_ids(tokenizer, model))


def measure(
    folder: Path, cell: Cell, samples: int, prompts: Path, tasks: Sequence[str] = TASKS
) -> list[dict[str, Any]]:
    """One row for each task: how many were right, and what share of the evidence the notes held in the end: of a
    question on average, and of all planted facts together."""
    sizes = Sizes(mode=cell.mode, prompts=str(prompts), window=4_096)
    stage = Reinforcement(data="", steps=1, attempts=1, temperature=0.7, top_p=0.95, sizes=sizes, seed=SEED)
    items = [
        make(task, cell.lines, SEED, index, "evaluation", HOPS) for task in tasks for index in range(samples)
    ]
    cases = [Case(item.sample, item.documents) for item in items]
    made = asyncio.run(attempt(stage, cases, *opened(folder), 0))
    right, kept, facts, retained = (defaultdict[str, float](float) for _ in range(4))
    for one in made:
        share, planted = one.gained, len(cases[one.question].sample.evidence)
        right[one.task] += one.reward
        kept[one.task] += share
        facts[one.task] += planted
        retained[one.task] += share * planted
    return [
        {
            "model": str(folder),
            "cell": cell.name,
            "task": task,
            "samples": samples,
            "right": right[task] / samples,
        }
        | (
            {"kept": kept[task] / samples, "facts": round(facts[task]), "retained": round(retained[task])}
            if cell.mode == "memory"
            else {}
        )
        for task in tasks
    ]


def read(results: Path) -> list[dict[str, Any]]:
    """The rows of a file; a last line that was cut off is left out, and cut off."""
    text = results.read_text("utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        results.write_text(whole, "utf-8")
    return [json.loads(line) for line in whole.splitlines()]


def main() -> None:
    """Measures what is not yet measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--table", choices=TABLES, default="stages")
    parser.add_argument(
        "--smoke", action="store_true", help="Two samples of each task, in the first two cells."
    )
    parser.add_argument("--share", type=float, default=1.0, help="Of the samples; 1 is the full size.")
    given = parser.parse_args()
    known = set()
    if given.results.is_file():
        rows = read(given.results)
        known = {(row["model"], row["cell"], row["samples"], row["task"]) for row in rows}
    cells = TABLES[given.table][: 2 if given.smoke else None]
    for folder in map(Path.resolve, given.models):
        for cell in cells:
            samples = 2 if given.smoke else max(2, round(given.share * cell.samples))
            for tasks in cell.rounds:
                if known.issuperset((str(folder), cell.name, samples, task) for task in tasks):
                    continue
                rows = measure(folder, cell, samples, cell.prompts(folder), tasks)
                with given.results.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(row) + "\n" for row in rows)
                average = sum(row["right"] for row in rows) / len(rows)
                print(
                    f"{folder}  {cell.name}{f', {tasks[0]}' if len(tasks) == 1 else ''}  {average:.3f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
