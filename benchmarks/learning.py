"""Whether learning is real: a tiny Qwen3 from a weak supervised start, by reinforcement learning alone.

    python benchmarks/learning.py --mode full --seed 0

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
LAST = 4
"""Lines of the last chunk."""


def sizes(mode: str, folder: Path) -> Sizes:
    """Three chunks of eight lines at most, or eight lines at once."""
    return Sizes(mode=mode, prompts=str(folder / "prompts.toml"), window=2048, answer=4, chunk=64, notes=16)


def reward(model: Path, how: Sizes, cases: list[Case]) -> float:
    """Mean reward of one attempt at each case, at temperature 1."""
    tokenizer, loaded = load_checkpoint(model)
    turns = Turns("tiny", tokenizer, end_ids(tokenizer, loaded))
    stage = Reinforcement(data="", steps=1, attempts=1, temperature=1.0, top_p=1.0, sizes=how, seed=7)
    made = asyncio.run(attempt(stage, cases, Network(loaded.eval()), turns, 0))
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
    """Trains a stage; seconds."""

    async def go() -> None:
        async for step, of, metrics in train(stage, out):
            if step % every == 0 or step == of:
                told = {
                    name: round(metrics[name], 3) for name in ("reward", "entropy", "nll") if name in metrics
                }
                print(f"  {out.name} {step}/{of} {told}", file=sys.stderr, flush=True)

    begun = time.monotonic()
    asyncio.run(go())
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", choices=["full", "memory"], default="full")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text-steps", type=int, default=1_500)
    parser.add_argument("--reply-steps", type=int, default=30)
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--keep", type=Path, help="Folder for what is made.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        print(json.dumps(measure(given, folder)), flush=True)


def measure(given: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The figures of one run."""
    seed, how = given.seed, sizes(given.mode, folder / "start")
    lines = 20 if given.mode == "memory" else 8
    start = lookup.write_checkpoint(folder / "start", seed)
    texts = lookup.write_data(
        folder / "texts", [lookup.text(seed * 10_000_000 + at, lines=2 + at % 7) for at in range(8_000)]
    )
    data = lookup.write_data(folder / "data", lookup.cases(4_000, seed + 1, lines=lines))
    common = {"seed": seed, "sizes": how, "save_every": 10_000, "optimizer": "muon"}
    read = Supervised(
        kind="supervised", model=str(start), data=str(texts), target="text", steps=given.text_steps, batch=32,
        learning_rate=1e-2, **common,
    )  # fmt: skip
    reply = Supervised(
        kind="supervised", model=str(folder / "read" / "model"), data=str(data), steps=given.reply_steps, batch=16,
        learning_rate=2e-3, **common,
    )  # fmt: skip
    warm = run(read, folder / "read", 100) + run(reply, folder / "reply", 10)
    held = lookup.cases(HELD_OUT, 99, evaluation=True, lines=lines)
    before = reward(folder / "reply" / "model", how, held)
    stage = Reinforcement(
        model=str(folder / "reply" / "model"), data=str(data), steps=given.steps, questions=16, attempts=8,
        temperature=1.0, top_p=1.0, learning_rate=1e-3, **common,
    )  # fmt: skip
    seconds = run(stage, folder / "rl", 10)
    trained = folder / "rl" / "model"
    return {
        "mode": given.mode, "seed": seed, "warm_up_seconds": round(warm), "before": before,
        "seconds": round(seconds), "after": reward(trained, how, held),
        "blind": reward(trained, how, [blind(case) for case in held]),
        "last_chunk": reward(trained, how, [last(case) for case in held]) if given.mode == "memory" else None,
    }  # fmt: skip


if __name__ == "__main__":
    main()
