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
from longread.training.advantages import ESTIMATORS, step_advantages
from longread.training.entropy import Aepo, Band, Clip, batch_entropy
from longread.training.generation import Drawing, Generated, Request, generate
from longread.training.learner import Learned, Learner
from longread.training.loss import updates
from longread.training.network import Network
from longread.training.records import Trajectory
from longread.training.rollouts import Case, rollouts
from longread.training.sampling import BalancedSampler
from longread.training.stage import Reinforcement


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
        by_task: defaultdict[str, list[Case]] = defaultdict(list)
        for case in cases:
            by_task[case.sample.task if stage.balanced else "all"].append(case)
        if unknown := sorted(set(stage.weights) - set(by_task)):
            raise UsageError(
                f"weights: the data has no task '{unknown[0]}', only {', '.join(sorted(by_task))}"
            )
        self._sampler = BalancedSampler(by_task, stage.questions, stage.seed, stage.weights)
        self._stage = stage
        self._learner = learner
        self._turns = turns
        self._judge = judge
        self._aepo = Aepo(Band(*stage.aepo)) if stage.aepo else None
        self._skipped = 0

    async def step(self, number: int) -> dict[str, Any]:
        """Attempts a batch and learns from it; what came of it."""
        stage = self._stage
        trajectories = await attempt(
            stage, self._sampler.batch(), self._learner.network, self._turns, number, self._judge
        )
        conversations = [one for trajectory in trajectories for one in trajectory.conversations]
        advantages = self._advantages(trajectories)
        entropy = batch_entropy(conversations)
        negatives = self._aepo.observe(entropy) if self._aepo else not stage.positives_only
        clip = Clip(*stage.negatives.model_dump().values()) if stage.negatives else None
        parts = updates(trajectories, advantages, negatives=negatives, clip=clip)
        parts = [part for part in parts if bool(part.weights.any())]  # the others have no gradient
        learned = None
        if parts:
            some = [trajectories[part.trajectory].conversations[part.conversation] for part in parts]
            old: dict[int, Tensor] = {}
            for _ in range(stage.updates):
                learned = self._learner.learn(some, [part.weights for part in parts], old, stage.clip)
        self._skipped += learned is None
        below = {at for at, own in enumerate(advantages) if bool((own < 0).any())}
        taken = below & {part.trajectory for part in parts if bool((part.weights < 0).any())}
        rewards: defaultdict[str, list[float]] = defaultdict(list)
        for one in trajectories:
            rewards[one.task].append(one.reward)
        return {
            "reward": _mean([one.reward for one in trajectories]),
            "rewards": {task: _mean(own) for task, own in sorted(rewards.items())},
            "entropy": entropy,
            "negatives": negatives,
            "negatives_kept": len(taken) / len(below) if below else 1.0,
            "length": _mean([len(one.reply) for one in conversations]),
            "tokens": sum(len(one.prompt) + len(one.reply) for one in conversations),
            "skipped": self._skipped,
            **(learned or Learned(0.0, 0.0, 0, 0.0))._asdict(),
        }

    @property
    def state(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON."""
        negatives = self._aepo.negatives if self._aepo else True
        return {"sampler": self._sampler.state, "negatives": negatives, "skipped": self._skipped}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state; InputError when it is that of other data."""
        self._sampler.restore(state["sampler"])
        self._skipped = state["skipped"]
        if self._aepo:
            self._aepo.negatives = state["negatives"]

    def _advantages(self, trajectories: Sequence[Trajectory]) -> list[Tensor]:
        """For each trajectory, (K,), one a conversation."""
        groups = torch.tensor([one.question for one in trajectories])
        names = sorted({one.task for one in trajectories})
        tasks = torch.tensor([names.index(one.task) for one in trajectories])
        rewards = torch.tensor([one.reward for one in trajectories], dtype=torch.float64)
        estimated = ESTIMATORS[self._stage.advantage](rewards, groups, tasks)
        longest = max(len(one.conversations) for one in trajectories)
        if not self._stage.step_credit:
            rows = estimated[:, None].expand(-1, longest)
        else:
            gains = torch.full((len(trajectories), longest), torch.nan, dtype=torch.float64)
            for at, one in enumerate(trajectories):
                for place, gain in enumerate(one.gains):
                    gains[at, place] = torch.nan if gain is None else gain
            rows = step_advantages(estimated, gains, groups, tasks, self._stage.step_credit)
        return [row[: len(one.conversations)] for row, one in zip(rows, trajectories, strict=True)]


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
    return await rollouts(cases, stage.attempts, stage.sizes.reads, turns, draw, judge)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
