"""Whether AEPO holds the entropy: noisy rewards with plain GRPO, with positive samples alone, and with AEPO.

    python benchmarks/aepo.py --seeds 3 4 5 --picture docs/aepo.svg

The base answers the lookups of `benchmarks/learning.py`. Then seven of ten texts lack the line asked about, and a
judge passes four of five answers to them, whatever they are: most of what is rewarded is chance, as with bad data and
weak judges. The band is set from the entropy of the base before any run, by shares that runs with other seeds (0, 1,
2, 7, 8) suggested.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.learning import imitated, opened, reads, sizes
from longread.grading.judge import NO, YES
from longread.models.base import Message, Sampling
from longread.models.scripted import ScriptedModel
from longread.training.entropy import batch_entropy
from longread.training.reinforce import attempt
from longread.training.rollouts import Case
from longread.training.stage import Reinforcement
from longread.training.trainer import METRICS, MODEL, train
from tests.support import lookup

GONE = 0.7
"""Share of texts without the line asked about."""
RIGHT = 0.8
"""Share of places that the judge takes for right where nothing is said."""
NOTHING = "nowhere"
"""The answer where nothing is said; the model has no word for it."""
IMITATED = 120
"""Steps of imitated replies: the base answers nearly all questions that can be answered."""
TOP_P = 0.8
LOW, HIGH = 0.6, 0.85
"""The band, as shares of the base's entropy."""
SLACK = 0.2
"""What counts as held: within the band, or past it by no more than this share of the bound."""
ARMS: dict[str, dict[str, Any]] = {"GRPO": {}, "positives alone": {"positives_only": True}, "AEPO": {}}


def unanswerable(case: Case, drawing: random.Random) -> Case:
    """The case, most often without its evidence."""
    if drawing.random() >= GONE:
        return case
    (document,) = case.documents
    (piece,) = case.sample.evidence
    text = document.text[: piece.start] + document.text[piece.end + 1 :]
    return Case(
        replace(case.sample, evidence=(), task="gone", answer=NOTHING), (replace(document, text=text),)
    )


def careless(seed: int) -> ScriptedModel:
    """A judge that draws lots where nothing is right, and otherwise sees what is wrong."""
    lot = random.Random(seed)

    def say(messages: tuple[Message, ...], _: Sampling) -> str:
        gold, said = re.findall(r"<answer_\d>\n(.*?)\n</answer_\d>", messages[0].text, re.DOTALL)
        return YES if gold == NOTHING and said in lookup.PLACES and lot.random() < RIGHT else NO

    return ScriptedModel(say)


def stage(base: Path, data: Path, seed: int, steps: int, **arm: Any) -> Reinforcement:
    return Reinforcement(
        model=str(base), data=str(data), steps=steps, questions=64, attempts=8, temperature=1.0, top_p=TOP_P,
        learning_rate=1e-3, advantage="group", seed=seed, save_every=10_000,
        weights={"gone": GONE, "reading": 1 - GONE},
        sizes=sizes("full", base.parents[1] / "start"), **arm,
    )  # fmt: skip


def run(made: Reinforcement, out: Path) -> list[dict[str, Any]]:
    """The metrics of each step. A run that `--keep` has is taken as it is."""

    async def go() -> None:
        async for _ in train(made, out, judge=careless(made.seed)):
            pass

    if not (out / MODEL).exists():
        asyncio.run(go())
    return [json.loads(line) for line in (out / METRICS).read_text().splitlines()]


def told(rows: list[dict[str, Any]], band: tuple[float, float]) -> dict[str, float]:
    """Shares of steps within the slackened band, above and below it; the mean reward of the second half."""
    entropies = [row["entropy"] for row in rows]
    below = sum(value < band[0] * (1 - SLACK) for value in entropies) / len(rows)
    above = sum(value > band[1] * (1 + SLACK) for value in entropies) / len(rows)
    later = [row["reward"] for row in rows[len(rows) // 2 :]]
    return {
        "within": round(1 - below - above, 3), "below": round(below, 3), "above": round(above, 3),
        "last_entropy": round(sum(entropies[-20:]) / 20, 3), "reward": round(sum(later) / len(later), 3),
    }  # fmt: skip


def draw(runs: dict[str, list[list[dict[str, Any]]]], band: tuple[float, float], picture: Path) -> None:
    """Entropy and reward of all runs by step; where AEPO takes no negatives is not shaded: seeds differ."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "longread"
    from matplotlib import pyplot

    figure, (top, bottom) = pyplot.subplots(2, 1, figsize=(8, 6), sharex=True)
    top.axhspan(band[0] * (1 - SLACK), band[1] * (1 + SLACK), color="0.93")
    top.axhspan(*band, color="0.86")
    for (name, own), colour in zip(runs.items(), ("tab:orange", "tab:blue", "black"), strict=True):
        for at, rows in enumerate(own):
            steps = [row["step"] for row in rows]
            style = {"color": colour, "linewidth": 0.9, "label": None if at else name}
            top.plot(steps, [row["entropy"] for row in rows], **style)
            smooth = [sum(r["reward"] for r in rows[max(0, n - 20) : n]) / min(n, 20) for n in steps]
            bottom.plot(steps, smooth, **style)
    top.set_ylabel("entropy (nats)")
    top.legend(fontsize="small")
    bottom.set_ylabel("reward, mean of 20 steps")
    bottom.set_xlabel("step")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[3, 4, 5], help="Of the runs; the base has one."
    )
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--text-steps", type=int, default=1_500)
    parser.add_argument("--picture", type=Path, default=Path("build/aepo.svg"))
    parser.add_argument("--keep", type=Path, help="Folder for what is made.")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as scratch:
        folder = given.keep or Path(scratch)
        reads(0, given.text_steps, folder)
        base = imitated("full", 0, folder, folder / "read" / "model", IMITATED, "base") / "model"
        network, turns = opened(base)
        drawing = random.Random(0)
        asked = [unanswerable(case, drawing) for case in lookup.cases(500, 97, lines=8)]
        seen = asyncio.run(attempt(stage(base, base, 0, 1), asked, network, turns, 0, careless(0)))
        entropy = batch_entropy([one for made in seen for one in made.conversations])
        band = (LOW * entropy, HIGH * entropy)
        print(
            json.dumps({"base_entropy": round(entropy, 3), "band": [round(b, 3) for b in band]}), flush=True
        )
        runs: dict[str, list[list[dict[str, Any]]]] = {name: [] for name in ARMS}
        for seed in given.seeds:
            drawing = random.Random(seed)
            cases = [unanswerable(case, drawing) for case in lookup.cases(4_000, 500 + seed, lines=8)]
            data = lookup.write_data(folder / f"noisy-{seed}", cases)
            for name, arm in ARMS.items():
                settings = {"aepo": band} if name == "AEPO" else arm
                rows = run(stage(base, data, seed, given.steps, **settings), folder / f"{name}-{seed}")
                runs[name].append(rows)
                print(json.dumps({"seed": seed, "arm": name, **told(rows, band)}), flush=True)
        given.picture.parent.mkdir(exist_ok=True)
        draw(runs, band, given.picture)


if __name__ == "__main__":
    main()
