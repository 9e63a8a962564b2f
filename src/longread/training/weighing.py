"""What a batch teaches: advantages, AEPO and masks come together in the weight of each token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longread.training.advantages import ESTIMATORS, step_advantages
from longread.training.entropy import Aepo, Band, Clip, batch_entropy
from longread.training.loss import Update, updates
from longread.training.records import Trajectory
from longread.training.stage import Reinforcement


class Weighed(NamedTuple):
    """The conversations that have a gradient, and what is told of the batch."""

    parts: list[Update]
    metrics: dict[str, Any]


class Weigher:
    """Weighs batches as a stage says, and keeps what must last between them: the mode of AEPO."""

    def __init__(self, stage: Reinforcement) -> None:
        self._stage = stage
        self._aepo = Aepo(Band(*stage.aepo)) if stage.aepo else None
        self._skipped = 0

    def weigh(self, trajectories: Sequence[Trajectory]) -> Weighed:
        """The weights of a batch; no parts where it teaches nothing."""
        stage = self._stage
        conversations = [one for trajectory in trajectories for one in trajectory.conversations]
        advantages = self._advantages(trajectories)
        entropy = batch_entropy(conversations)
        negatives = self._aepo.observe(entropy) if self._aepo else not stage.positives_only
        clip = Clip(*stage.negatives.model_dump().values()) if stage.negatives else None
        parts = updates(trajectories, advantages, negatives=negatives, clip=clip)
        parts = [part for part in parts if bool(part.weights.any())]  # the others have no gradient
        self._skipped += not parts
        below = {at for at, own in enumerate(advantages) if bool((own < 0).any())}
        taken = below & {part.trajectory for part in parts if bool((part.weights < 0).any())}
        rewards: defaultdict[str, list[float]] = defaultdict(list)
        for one in trajectories:
            rewards[one.task].append(one.reward)
        metrics = {
            "reward": _mean([one.reward for one in trajectories]),
            "rewards": {task: _mean(own) for task, own in sorted(rewards.items())},
            "deviations": {
                task: stdev(own) if len(own) > 1 else 0.0 for task, own in sorted(rewards.items())
            },
            "entropy": entropy,
            "negatives": negatives,
            "negatives_kept": len(taken) / len(below) if below else 1.0,
            "length": _mean([len(one.reply) for one in conversations]),
            "tokens": sum(len(one.prompt) + len(one.reply) for one in conversations),
            "skipped": self._skipped,
        }
        return Weighed(parts, metrics)

    @property
    def state(self) -> dict[str, Any]:
        """What `restore` needs; plain JSON."""
        return {"negatives": self._aepo.negatives if self._aepo else True, "skipped": self._skipped}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
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
        spread = [
            own.repeat(len(one.conversations)) for own, one in zip(estimated, trajectories, strict=True)
        ]
        if not self._stage.step_credit:
            return spread
        places = [
            (at, place, update, gain)
            for at, one in enumerate(trajectories)
            for place, (update, gain) in enumerate(zip(one.updates, one.gains, strict=True))
            if update is not None and gain is not None
        ]
        most = max((update for _, _, update, _ in places), default=0)
        gains = torch.full((len(trajectories), most + 1), torch.nan, dtype=torch.float64)
        for at, _, update, gain in places:
            gains[at, update] = gain
        credited = step_advantages(estimated, gains, groups, tasks, self._stage.step_credit)
        for at, place, update, _ in places:
            spread[at][place] = credited[at, update]
        return spread


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
