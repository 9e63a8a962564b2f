"""The cluster's path and the one-process trainer's come to the same advantages, masks and loss on one batch.

Batches are dealt by a seed; `test_canary.py` does the same with one that verl's rollouts made.
"""

import random
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from longread.training.cluster import rows
from longread.training.loss import policy_loss
from longread.training.records import Conversation, Trajectory
from longread.training.stage import Reinforcement
from longread.training.weighing import Weigher

TASKS = ["reading", "dialogue", "numerical"]


def recorded(seed: int) -> list[Trajectory]:
    """Five questions of three tasks, four attempts each, of one to seven conversations."""
    drawing = random.Random(seed)
    made = []
    for question in range(5):
        for _ in range(4):
            conversations, gains, updates = [], [], []
            for _ in range(drawing.randint(1, 7)):
                length = drawing.randint(1, 9)
                conversations.append(
                    Conversation(
                        tuple(drawing.randrange(90) for _ in range(drawing.randint(3, 20))),
                        tuple(drawing.randrange(90) for _ in range(length)),
                        tuple(-drawing.random() * 3 for _ in range(length)),
                        tuple(drawing.random() * 2 for _ in range(length)),
                    )
                )
                twice = bool(updates) and drawing.random() < 0.3  # its notes are read again
                updates.append(updates[-1] + (not twice) if updates else 0)
                gains.append(gains[-1] if twice else drawing.choice([0.0, 0.5, -0.5]))
            gains[-1] = updates[-1] = None  # the answer
            task = TASKS[question % len(TASKS)]
            reward = drawing.random() if task == "dialogue" else float(drawing.random() < 0.5)
            made.append(
                Trajectory(question, task, tuple(conversations), "", reward, tuple(gains), tuple(updates))
            )
    return made


def stage(**settings: Any) -> Reinforcement:
    return Reinforcement(**{"data": "data", "steps": 1} | settings)


def as_rows(
    trajectories: list[Trajectory], questions: list[str], seed: int
) -> tuple[list[str], list[rows.Row]]:
    """What verl makes of them: shuffled, with padding among them."""
    attempts: dict[int, int] = {}
    made = [("padding_0_0", rows.Row([0], [0], 0.0, {}, [0.0], [9.0]))]
    for one in trajectories:
        attempt = attempts[one.question] = attempts.get(one.question, -1) + 1
        for at, conversation in enumerate(one.conversations):
            extra = {rows.TASK: one.task, rows.GAIN: one.gains[at], rows.UPDATE: one.updates[at]}
            made.append((f"{questions[one.question]}_{attempt}_{at}", rows.Row(
                conversation.prompt, conversation.reply, one.reward, extra, conversation.logprobs,
                conversation.entropies,
            )))  # fmt: skip
    random.Random(seed).shuffle(made)
    keys, found = zip(*made, strict=True)
    return list(keys), list(found)


@pytest.mark.parametrize(
    "settings",
    [
        {"advantage": "group"},
        {"advantage": "task"},
        {"advantage": "batch", "positives_only": True},
        {"aepo": (0.1, 0.5)},
        {"negatives": {"unit": "token", "side": "high", "threshold": 1.0}},
        {"negatives": {"unit": "sequence", "side": "low", "threshold": 1.0}, "step_credit": 0.3},
        {"updates": 2, "clip": (0.2, 0.28)},
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_recorded_batch_gives_the_same_weights_and_loss(settings: dict[str, Any], seed: int) -> None:
    objective = pytest.importorskip("longread.training.cluster.objective", exc_type=ImportError).objective
    trajectories = recorded(seed)
    own = stage(**settings)
    expected, told = Weigher(own).weigh(trajectories)

    questions = [f"q{at}" for at in range(5)]
    keys, found = as_rows(trajectories, questions, seed)
    gathered, places = rows.gather(keys, found, questions)
    assert gathered == trajectories
    parts, gathered_told = Weigher(own).weigh(gathered)
    assert gathered_told == told
    weights = rows.weights(parts, places, [len(row.reply) for row in found])
    assert sum(int(own.any()) for own in weights) == len(expected)

    torch.manual_seed(seed)
    old = {at: torch.tensor(row.logprobs) for at, row in enumerate(found)}
    noise = {at: one + 0.3 * torch.randn(len(one)) for at, one in old.items()}
    several = own.updates > 1
    direct = torch.zeros(())
    for part in expected:
        at = places[part.trajectory][part.conversation]
        torch.testing.assert_close(weights[at], part.weights, rtol=0, atol=1e-5)
        direct += policy_loss(noise[at], old[at] if several else noise[at], part.weights, own.clip)

    ranks = 2
    config = SimpleNamespace(
        ppo_epochs=own.updates, clip_ratio_low=0.2, clip_ratio_high=0.28, global_batch_info={"dp_size": ranks}
    )
    total = torch.zeros(())
    for start in range(0, len(found), 3):  # micro-batches, padded on the right as verl pads them
        some = range(start, min(start + 3, len(found)))
        padded = [
            torch.nn.utils.rnn.pad_sequence([table[at] for at in some], batch_first=True)
            for table in (old, noise, weights)
        ]
        mask = torch.nn.utils.rnn.pad_sequence(
            [torch.ones(len(found[at].reply)) for at in some], batch_first=True
        )
        loss, _ = objective(*padded, mask.bool(), "token-mean", config)
        total += loss
    assert abs(float(total) / ranks - float(direct)) < 1e-5  # verl takes the mean over ranks


def test_a_row_of_another_batch_is_no_part_of_this_one() -> None:
    (one, *_) = recorded(0)
    keys, found = as_rows([replace(one, question=0)], ["here"], 0)
    assert rows.gather(keys, found, ["elsewhere"]).trajectories == []
