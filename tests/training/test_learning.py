"""Learning is real: rewards alone raise a tiny model from a weak start. `benchmarks/learning.py` is the long run."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from longread.training.reinforce import attempt
from longread.training.rollouts import Case
from longread.training.stage import Reinforcement, Sizes, Supervised
from longread.training.trainer import train
from tests.support import lookup
from tests.training.conftest import open_tiny


def run(stage: Reinforcement | Supervised, out: Path) -> Path:
    async def go() -> None:
        async for _ in train(stage, out):
            pass

    asyncio.run(go())
    return out / "model"


def reward(model: Path, sizes: Sizes, cases: list[Case]) -> float:
    stage = Reinforcement(data="", steps=1, attempts=1, temperature=1.0, top_p=1.0, sizes=sizes)
    tiny = open_tiny(model)
    made = asyncio.run(attempt(stage, cases, tiny.network, tiny.turns, 0))
    return sum(one.reward for one in made) / len(made)


@pytest.mark.slow
def test_rewards_alone_teach_a_weak_model_to_read_what_it_never_saw(tmp_path: Path) -> None:
    start = lookup.write_checkpoint(tmp_path / "start")
    sizes = Sizes(mode="full", prompts=str(start / "prompts.toml"), window=2048, answer=4)
    texts = lookup.write_data(tmp_path / "texts", [lookup.text(at, lines=1) for at in range(2_000)])
    data = lookup.write_data(tmp_path / "data", lookup.cases(500, 1, lines=1))
    common: dict[str, Any] = {"sizes": sizes, "save_every": 1_000, "optimizer": "muon"}
    taught: dict[str, Any] = {"kind": "supervised", **common}
    model = run(
        Supervised(
            model=str(start),
            data=str(texts),
            target="text",
            steps=100,
            batch=32,
            learning_rate=1e-2,
            **taught,
        ),
        tmp_path / "read",
    )
    model = run(
        Supervised(model=str(model), data=str(data), steps=15, batch=16, learning_rate=2e-3, **taught),
        tmp_path / "reply",
    )
    held = lookup.cases(100, 99, evaluation=True, lines=1)
    assert reward(model, sizes, held) < 0.3
    stage = Reinforcement(
        model=str(model), data=str(data), steps=60, questions=16, attempts=8, temperature=1.0, top_p=1.0,
        learning_rate=1e-3, **common,
    )  # fmt: skip
    model = run(stage, tmp_path / "rl")
    assert reward(model, sizes, held) > 0.9
    blind = [one._replace(documents=(replace(one.documents[0], text="."),)) for one in held]
    assert reward(model, sizes, blind) < 0.1
