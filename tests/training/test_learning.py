"""Learning is real: rewards alone raise a tiny model from a weak start. `benchmarks/learning.py` is the long run."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning import blind, reward, run, sizes
from longread.training.stage import Reinforcement, Supervised
from tests.support import lookup


@pytest.mark.slow
def test_rewards_alone_teach_a_weak_model_to_read_what_it_never_saw(tmp_path: Path) -> None:
    start = lookup.write_checkpoint(tmp_path / "start")
    how = sizes("full", start)
    texts = lookup.write_data(tmp_path / "texts", [lookup.text(at, lines=1) for at in range(2_000)])
    data = lookup.write_data(tmp_path / "data", lookup.cases(500, 1, lines=1))
    common: dict[str, Any] = {"sizes": how, "save_every": 1_000, "optimizer": "muon"}
    read = Supervised(
        kind="supervised", model=str(start), data=str(texts), target="text", steps=100, batch=32,
        learning_rate=1e-2, **common,
    )  # fmt: skip
    run(read, tmp_path / "read", 100)
    reply = Supervised(
        kind="supervised", model=str(tmp_path / "read" / "model"), data=str(data), steps=15, batch=16,
        learning_rate=2e-3, **common,
    )  # fmt: skip
    run(reply, tmp_path / "reply", 15)
    weak, held = tmp_path / "reply" / "model", lookup.cases(100, 99, evaluation=True, lines=1)
    assert reward(weak, how, held) < 0.3
    stage = Reinforcement(
        model=str(weak), data=str(data), steps=60, questions=16, attempts=8, temperature=1.0, top_p=1.0,
        learning_rate=1e-3, **common,
    )  # fmt: skip
    run(stage, tmp_path / "rl", 20)
    taught = tmp_path / "rl" / "model"
    assert reward(taught, how, held) > 0.9
    assert reward(taught, how, [blind(case) for case in held]) < 0.1
