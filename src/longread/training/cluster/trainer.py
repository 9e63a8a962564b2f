"""verl's synchronous trainer with what it does otherwise overridden; each override says why.

verl counts rows, where a trajectory of seven conversations would weigh seven times and a batch would make several
optimizer steps; it has no place for a sampler of ours, and its entropy is not that of Eq. 11.
"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import torch
import transfer_queue as tq
from omegaconf import open_dict
from tensordict import TensorDict
from transfer_queue import KVBatchMeta
from verl.trainer.ppo.v1 import PPOTrainerSync, register_trainer
from verl.utils import tensordict_utils as tu

from longread.errors import LongreadError
from longread.models.local import load_turns
from longread.training.cluster import rows
from longread.training.cluster.config import NAME
from longread.training.learner import check_norm
from longread.training.records import Trajectory
from longread.training.reinforce import sampler
from longread.training.rollouts import Case
from longread.training.sampling import BalancedSampler
from longread.training.selection import select
from longread.training.stage import Reinforcement
from longread.training.trainer import append_metrics, usable_cases
from longread.training.weighing import Weigher

_KEPT = 2
_PARTITION = "train"


class Batches:
    """Stands where verl expects a data loader: draws batches, and holds all that lasts between steps."""

    def __init__(self, stage: Reinforcement) -> None:
        self.weigher = Weigher(stage)
        self._stage = stage
        self._sampler: BalancedSampler[Case] | None = None
        self._saved: dict[str, Any] | None = None

    def draw_from(self, cases: Sequence[Case]) -> None:
        """Draws from these cases, going on where the checkpoint was."""
        self._sampler = sampler(self._stage, cases)
        if self._saved:
            self._sampler.restore(self._saved["sampler"])

    def batch(self) -> list[Case]:
        """The questions of a step."""
        assert self._sampler is not None, "fit gives the cases"
        return self._sampler.batch()

    def state_dict(self) -> dict[str, Any]:
        """What verl saves with a checkpoint; plain JSON."""
        assert self._sampler is not None
        return {"sampler": self._sampler.state, **self.weigher.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """What verl found in a checkpoint."""
        self._saved = dict(state)
        self.weigher.restore(state)


@register_trainer(NAME)
class ClusterTrainer(PPOTrainerSync):
    """Trains a stage: `config.longread` holds it as JSON, and the folder of its results."""

    def _build_replay_buffer(self) -> Any:
        self.trainer_mode = "sync"  # verl asks for the name, not the class, where it tells sync from async
        return super()._build_replay_buffer()

    def _init_dataloader(self) -> None:
        """verl has no hook for a sampler of batches."""
        stage = self.stage = Reinforcement.model_validate_json(self.config.longread.stage)
        self.out = Path(self.config.longread.out)
        self.train_dataloader = self.batches = Batches(stage)
        self.steps_per_epoch = self.total_training_steps = stage.steps
        with open_dict(self.config):
            self.config.actor_rollout_ref.actor.optim.total_training_steps = stage.steps

    def fit(self, agent_loop_manager: Any) -> None:
        """Draws the questions of the stage by difficulty where it says so, then trains."""
        self.agent_loop_manager = agent_loop_manager
        cases = usable_cases(self.stage, load_turns(Path(self.stage.model or "")))
        if self.stage.select:
            cases = asyncio.run(select(self.stage.select, self.stage, cases, self._try, self.out))
        self.batches.draw_from(cases)
        super().fit(agent_loop_manager)

    async def _try(self, cases: Sequence[Case], number: int) -> list[Trajectory]:
        assert self.stage.select
        self._submit_batch_to_rollout(self._asked(cases, self.stage.select.k))
        batch, _ = self.replay_buffer.sample(self.global_steps, _PARTITION, len(cases))
        self._complete(batch, len(cases) * self.stage.select.k)
        made = self._gathered(batch).trajectories
        tq.kv_clear(keys=batch.keys, partition_id=batch.partition_id)
        return made

    def _next_train_batch(self, num_prompts: int | None = None) -> Any:
        return self._asked(self.batches.batch(), self.stage.attempts)

    def _asked(self, cases: Sequence[Case], attempts: int) -> Any:
        """Questions as verl hands them to the rollouts: by name, since documents would be copied to each row."""
        self._questions = [uuid4().hex for _ in cases]
        batch = tu.get_tensordict(
            {
                "uid": np.array(self._questions, dtype=object),
                "sample": np.array([case.sample.id for case in cases], dtype=object),
                "index": np.arange(len(cases)),
                "__rollout_n__": np.full(len(cases), attempts),
            }
        )
        tu.assign_non_tensor_data(batch, "global_steps", self.global_steps)
        return batch

    def step(self, metrics: dict[str, Any], timing_raw: dict[str, Any]) -> Any:
        """verl's step, and a line in our metrics."""
        begun = time.monotonic()
        batch = super().step(metrics, timing_raw)
        told = {"step": self.global_steps, **self._told, "seconds": round(time.monotonic() - begun, 3)}
        append_metrics(self.out, told)
        return batch

    def _get_required_batch_multiple(self, dp_size: int) -> int:
        """One minibatch is the whole batch: only the ranks must divide it."""
        return dp_size

    def _balance_batch(self, batch: Any, metrics: dict[str, Any], **how: Any) -> Any:
        self._complete(batch, self.stage.questions * self.stage.attempts)
        return super()._balance_batch(batch, metrics, **how)

    def _complete(self, batch: Any, attempts: int) -> None:
        """verl would train on what is left of a batch when attempts fail."""
        made = len({key.rsplit("_", 1)[0] for key in batch.keys})
        if made < attempts:
            raise LongreadError(
                f"{attempts - made} of {attempts} attempts failed in step {self.global_steps}; Ray's log of the "
                "agent loop workers says why; go on with --resume"
            )

    def _gathered(self, batch: Any, *fields: str) -> rows.Gathered:
        """The trajectories of a batch, with the optional fields `rollout_log_probs` and `entropy`."""
        found = tq.kv_batch_get(
            keys=batch.keys,
            partition_id=batch.partition_id,
            select_fields=["prompts", "responses", "rm_scores", "extra_fields", *fields],
        )
        columns = [found[name].unbind() for name in ("prompts", "responses", "rm_scores")]
        optional = [
            [one.tolist() for one in found[name].unbind()] if name in fields else [()] * len(batch.keys)
            for name in ("rollout_log_probs", "entropy")
        ]
        return rows.gather(
            batch.keys,
            [
                rows.Row(prompt.tolist(), reply.tolist(), float(scores[-1]), extra, drawn, entropies)
                for prompt, reply, scores, extra, drawn, entropies in zip(
                    *columns, tu.get(found, "extra_fields"), *optional, strict=True
                )
            ],
            self._questions,
        )

    def _compute_advantage(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """verl's estimators see rows; ours see trajectories, and AEPO and masks need the whole batch."""
        trajectories, places = self._gathered(batch, "rollout_log_probs", "entropy")
        parts, told = self.batches.weigher.weigh(trajectories)
        old = tq.kv_batch_get(
            keys=batch.keys, partition_id=batch.partition_id, select_fields=["old_log_probs"]
        )["old_log_probs"].unbind()
        weights = rows.weights(parts, places, [len(one) for one in old])
        self._weighed = {key: bool(own.any()) for key, own in zip(batch.keys, weights, strict=True)}
        learnt = sum(int((own != 0).sum()) for own in weights)
        nll = -sum(float(found[own != 0].sum()) for found, own in zip(old, weights, strict=True))
        drift = max(
            float((old[at].cpu() - torch.tensor(conversation.logprobs)).abs().max())
            for own, trajectory in zip(places, trajectories, strict=True)
            for at, conversation in zip(own, trajectory.conversations, strict=True)
        )
        self._told = {**told, "nll": nll / max(learnt, 1), "norm": 0.0, "learnt": learnt, "drift": drift}
        return tq.kv_batch_put(
            keys=batch.keys,
            partition_id=batch.partition_id,
            fields=TensorDict(
                {"advantages": torch.nested.as_nested_tensor(weights, layout=torch.jagged)},
                batch_size=len(batch.keys),
            ),
        )

    def _update_actor(self, batch: Any, metrics: dict[str, Any]) -> Any:
        """One optimizer step (or `updates` of them) on all rows that have a gradient."""
        learnt = self._with_gradient(batch)
        if learnt is None:
            return batch
        learnt.extra_info.update(
            {
                "calculate_entropy": False,
                "distillation_use_topk": False,
                "distillation_only": False,
                "global_batch_size": len(learnt.keys),
                "mini_batch_size": len(learnt.keys),
                "epochs": self.stage.updates,
                "seed": self.stage.seed,
                "dataloader_kwargs": {"shuffle": False},
                "temperature": self.stage.temperature,
            }
        )
        norms = self.actor_rollout_wg.update_actor(learnt)["metrics"]["grad_norm"]
        for norm in norms:
            check_norm(norm, self.stage.explodes)
        self._told["norm"] = norms[-1]
        return batch

    def _with_gradient(self, batch: Any) -> Any:
        """The rows that have one, filled up for the ranks with the shortest of the others; None when none has."""
        kept = [at for at, key in enumerate(batch.keys) if self._weighed[key]]
        if not kept:
            return None
        others = sorted(
            (at for at, key in enumerate(batch.keys) if not self._weighed[key]),
            key=lambda at: batch.tags[at]["seq_len"],
        )
        ranks = max(self.actor_rollout_wg._dispatch_info["actor"]) + 1
        kept += others[: -len(kept) % ranks]
        some = KVBatchMeta(
            partition_id=batch.partition_id,
            keys=[batch.keys[at] for at in kept],
            tags=[batch.tags[at] for at in kept],
            fields=batch.fields,
            extra_info=dict(batch.extra_info),
        )
        return super()._balance_batch(some, {})

    def _compute_metrics(self, *told: Any, **how: Any) -> None:
        """verl's are of rows; `step` writes ours."""

    def _save_checkpoint(self) -> None:
        """verl's, of which the last two are kept."""
        super()._save_checkpoint()
        found = sorted(
            Path(self.config.trainer.default_local_dir).glob("global_step_*"),
            key=lambda path: int(path.name.rpartition("_")[2]),
        )
        for old in found[:-_KEPT]:
            shutil.rmtree(old, ignore_errors=True)
