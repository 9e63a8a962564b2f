"""Whether learning is real: a tiny Qwen3 from a weak supervised start, by reinforcement learning alone.

    python benchmarks/learning.py --seed 0

The task is `tests/support/lookup.py`: 40 possible answers, pairs of names that training never had, and, where notes
are taken, the evidence in the first of three chunks. Told are the reward on held-out questions before and after, both
times, and what those score that cannot see the text, or see its last chunk alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from longread.models.local import end_ids, load_checkpoint
from longread.models.turns import Turns
from longread.training.network import Network
from longread.training.reinforce import attempt
from longread.training.rollouts import Case
from longread.training.stage import Reinforcement, Sizes, Supervised
from longread.training.trainer import train
from tests.support import lookup

HELD_OUT = 200
"""Questions that are evaluated."""
LINES = {"full": 8, "memory": 20}
"""Of a text: what the mode reads at once, or in three chunks."""
LAST = 4
"""Lines of the last chunk."""
WEAK = 0.08
"""Reward at which a start is no longer imitated further; what it earns on held-out questions is told."""
SECONDS = "seconds"
"""File with the time a stage took."""
ROUND = {"full": 2, "memory": 10}
"""Imitated steps between looks at the reward."""


def sizes(mode: str, folder: Path) -> Sizes:
    """Three chunks of eight lines at most, or eight lines at once."""
    return Sizes(mode=mode, prompts=str(folder / "prompts.toml"), window=2048, answer=4, chunk=64, notes=16)


def opened(model: Path) -> tuple[Network, Turns]:
    """A checkpoint, ready to generate."""
    tokenizer, loaded = load_checkpoint(model)
    return Network(loaded.eval()), Turns("tiny", tokenizer, end_ids(tokenizer, loaded))


def reward(model: Path, how: Sizes, cases: list[Case]) -> float:
    """Mean reward of one attempt at each case, at temperature 1."""
    stage = Reinforcement(data="", steps=1, attempts=1, temperature=1.0, top_p=1.0, sizes=how, seed=7)
    made = asyncio.run(attempt(stage, cases, *opened(model), 0))
    return sum(one.reward for one in made) / len(made)


def blind(case: Case) -> Case:
    """The case without its text."""
    (document,) = case.documents
    return case._replace(documents=(replace(document, text="."),))


def last(case: Case) -> Case:
    """The case with the last of its lines, which never hold the evidence."""
    (document,) = case.documents
    text = "".join(document.text.splitlines(keepends=True)[-LAST:])
    return case._replace(documents=(replace(document, text=text),))


def run(stage: Reinforcement | Supervised, out: Path, every: int) -> float:
    """Trains a stage; seconds. One that `--keep` has from another run is taken as it is, with its time."""
    timed = out / SECONDS
    if timed.exists():
        return float(timed.read_text())

    async def go() -> None:
        async for step, of, metrics in train(stage, out):
            if step % every == 0 or step == of:
                told = {
                    name: round(metrics[name], 3) for name in ("reward", "entropy", "nll") if name in metrics
                }
                print(f"  {out.name} {step}/{of} {told}", file=sys.stderr, flush=True)

    begun = time.monotonic()
    asyncio.run(go())
    timed.write_text(str(time.monotonic() - begun))
    return float(timed.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=["full", "memory"], nargs="+", default=["full", "memory"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text-steps", type=int, default=1_500)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="Folder for what is made.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        read = reads(given.seed, given.text_steps, folder)
        for mode in given.mode:
            print(json.dumps({**read, **measure(mode, given.seed, given.steps, folder)}), flush=True)


def reads(seed: int, steps: int, folder: Path) -> dict[str, Any]:
    """A model that knows next tokens of texts, for both modes; what it took."""
    start = lookup.write_checkpoint(folder / "start", seed)
    texts = lookup.write_data(
        folder / "texts", [lookup.text(seed * 10_000_000 + at, lines=2 + at % 7) for at in range(8_000)]
    )
    stage = Supervised(
        kind="supervised", model=str(start), data=str(texts), target="text", steps=steps, batch=32, seed=seed,
        learning_rate=1e-2, optimizer="muon", sizes=sizes("full", start), save_every=10_000,
    )  # fmt: skip
    return {"seed": seed, "text_seconds": round(run(stage, folder / "read", 100))}


def imitated(mode: str, seed: int, folder: Path, model: Path, steps: int, name: str) -> Path:
    """The run of a model that goes on from `model` with replies of a reader that knows the evidence."""
    data = folder / f"{mode}-data"
    if not data.exists():
        lookup.write_data(data, lookup.cases(4_000, seed + 1, lines=LINES[mode]))
    stage = Supervised(
        kind="supervised", model=str(model), data=str(data), steps=steps, batch=16, learning_rate=2e-3, seed=seed,
        optimizer="muon", sizes=sizes(mode, folder / "start"), save_every=10_000,
    )  # fmt: skip
    run(stage, folder / name, steps)
    return folder / name


def measure(mode: str, seed: int, steps: int, folder: Path) -> dict[str, Any]:
    """The figures of one mode."""
    how, model, replies, seconds = sizes(mode, folder / "start"), folder / "read" / "model", 0, 0.0
    asked = lookup.cases(HELD_OUT, 98, lines=LINES[mode])
    while reward(model, how, asked) < WEAK:  # without any right answer there is nothing to reinforce
        done = replies + ROUND[mode]
        made = imitated(mode, seed + 1_000 * replies, folder, model, ROUND[mode], f"{mode}-reply-{done}")
        seconds += float((made / SECONDS).read_text())
        model, replies = made / "model", done
    learns = Reinforcement(
        model=str(model), data=str(folder / f"{mode}-data"), steps=steps, questions=16, attempts=8,
        temperature=1.0, top_p=1.0, learning_rate=1e-3, optimizer="muon", seed=seed, sizes=how, save_every=10_000,
    )  # fmt: skip
    held = lookup.cases(HELD_OUT, 99, evaluation=True, lines=LINES[mode])
    before, taken = reward(model, how, held), run(learns, folder / f"{mode}-rl", 10)
    trained = folder / f"{mode}-rl" / "model"
    return {
        "mode": mode, "reply_steps": replies, "reply_seconds": round(seconds), "before": before, "steps": steps,
        "seconds": round(taken), "after": reward(trained, how, held),
        "blind": reward(trained, how, [blind(case) for case in held]),
        "last_chunk": reward(trained, how, [last(case) for case in held]) if mode == "memory" else None,
    }  # fmt: skip


if __name__ == "__main__":
    main()
