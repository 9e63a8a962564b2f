"""Our side of the comparison."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from benchmarks.rl.memory import held, peak
from benchmarks.rl.workload import ATTEMPTS, PASS, Setting, Workload, prompts


class Ours:
    """Steps as `longread train` makes them, without reading tasks around the prompts."""

    def __init__(self, setting: Setting, workload: Workload, model: Path, seed: int) -> None:
        import torch
        from transformers import AutoModelForCausalLM

        from longread.training import advantages, generation, learner, loss, network, records  # noqa: F401

        torch.set_num_threads(setting.threads)
        self.workload = workload
        loaded = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
        self.network = network.Network(loaded, torch.bfloat16 if setting.dtype == "bf16" else torch.float32)
        self.learner = learner.Learner(
            self.network,
            [torch.optim.AdamW(loaded.parameters(), lr=1e-6, weight_decay=0.0, betas=(0.9, 0.95))],
            pass_tokens=PASS,
        )
        self.random = torch.Generator().manual_seed(seed)
        self.rewards = random.Random(seed)

    def step(self, prompts: list[list[int]]) -> dict[str, float]:
        """Seconds of a rollout and of an update on it, and the tokens of both."""
        import torch

        from longread.training.advantages import group_advantages
        from longread.training.generation import Drawing, Request, generate
        from longread.training.loss import updates
        from longread.training.records import Trajectory

        rows = [p for p in prompts for _ in range(ATTEMPTS if self.workload.shared else 1)]
        requests = [Request(tuple(row), self.workload.reply) for row in rows]
        drawing = Drawing(1.0, 1.0, (), self.random)
        begun = time.perf_counter()
        made = generate(self.network, requests, drawing, 1_000_000)
        drawn = time.perf_counter()
        trajectories = [
            Trajectory(at // ATTEMPTS, "all", (one.conversation,), "", self.rewards.random())
            for at, one in enumerate(made)
        ]
        rewards = torch.tensor([one.reward for one in trajectories])
        groups = torch.tensor([one.question for one in trajectories])
        own = group_advantages(rewards, groups, groups)
        parts = updates(trajectories, [one[None] for one in own])
        self.learner.learn(
            [trajectories[part.trajectory].conversations[0] for part in parts],
            [part.weights for part in parts],
        )
        ended = time.perf_counter()
        replies = [len(one.conversation.reply) for one in made]
        assert set(replies) == {self.workload.reply}
        return {
            "rollout_s": drawn - begun,
            "update_s": ended - drawn,
            "replies": sum(replies),
            "tokens": sum(map(len, rows)) + sum(replies),
        }


def run_ours(setting: Setting, workload: Workload, model: Path, seed: int, steps: int) -> dict[str, Any]:
    """One step unmeasured, then `steps`."""
    ours = Ours(setting, workload, model, seed)
    base = held()
    every = prompts(workload, steps + 1, seed)
    size = len(every) // (steps + 1)
    done = [ours.step(every[at * size : (at + 1) * size]) for at in range(steps + 1)]
    return {"steps": done[1:], "peak_mib": peak(), "base_mib": base}
