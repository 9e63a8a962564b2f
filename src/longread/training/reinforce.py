"""Steps of reinforcement learning: rollouts, rewards, advantages, masks, and one update.

Left out, since the recipe is strictly on-policy: replay, a reference model, a KL term, a critic. What is drawn
follows from the seed and the number of the step alone, so that a resumed run is the uninterrupted one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from longread.errors import UsageError
from longread.models.base import ChatModel
from longread.models.turns import Turns
from longread.training.generation import Drawing, Generated, Request, generate
from longread.training.learner import Learned, Learner
from longread.training.network import Network
from longread.training.records import Trajectory
from longread.training.rollouts import Case, rollouts
from longread.training.sampling import BalancedSampler
from longread.training.stage import Reinforcement
from longread.training.weighing import Weigher


class Reinforcer:
    """Makes steps on batches of questions, and keeps what must last between them.

    Raises:
        UsageError: The stage weighs a task that the cases do not have.
    """

    def __init__(
        self,
        stage: Reinforcement,
        cases: Sequence[Case],
        learner: Learner,
        turns: Turns,
        judge: ChatModel | None = None,
    ) -> None:
        self._sampler = sampler(stage, cases)
        self._weigher = Weigher(stage)
        self._stage = stage
        self._learner = learner
        self._turns = turns
        self._judge = judge

    async def step(self, number: int) -> dict[str, Any]:
        """Attempts a batch and learns from it; what came of it."""
        stage = self._stage
        trajectories = await attempt(
            stage, self._sampler.batch(), self._learner.network, self._turns, number, self._judge
        )
        parts, metrics = self._weigher.weigh(trajectories)
        learned = Learned(0.0, 0.0, 0, 0.0)
        if parts:
            some = [trajectories[part.trajectory].conversations[part.conversation] for part in parts]
            old: dict[int, Tensor] = {}
            for _ in range(stage.updates):
                learned = self._learner.learn(some, [part.weights for part in parts], old, stage.clip)
        return {**metrics, **learned._asdict()}

    @property
    def state(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON."""
        return {"sampler": self._sampler.state, **self._weigher.state}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; InputError when it is that of other data."""
        self._sampler.restore(state["sampler"])
        self._weigher.restore(state)


def sampler(stage: Reinforcement, cases: Sequence[Case]) -> BalancedSampler[Case]:
    """What draws the batches of a stage; UsageError when it weighs a task that the cases do not have."""
    by_task: defaultdict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_task[case.sample.task if stage.balanced else "all"].append(case)
    if unknown := sorted(set(stage.weights) - set(by_task)):
        raise UsageError(f"weights: the data has no task '{unknown[0]}', only {', '.join(sorted(by_task))}")
    return BalancedSampler(by_task, stage.questions, stage.seed, stage.weights)


async def attempt(
    stage: Reinforcement,
    cases: Sequence[Case],
    network: Network,
    turns: Turns,
    number: int,
    judge: ChatModel | None = None,
) -> list[Trajectory]:
    """A group of trajectories for each case, drawn as the stage says; the network stays as it is."""
    random = torch.Generator(network.device).manual_seed(stage.seed * 1_000_003 + number)
    drawing = Drawing(stage.temperature, stage.top_p, turns.ends, random)

    def draw(requests: Sequence[Request]) -> list[Generated]:
        return generate(network, requests, drawing, stage.cache_tokens)

    network.model.eval()
    return await rollouts(cases, stage.attempts, stage.sizes.reads, turns, draw, judge, stage.stray_cost)
