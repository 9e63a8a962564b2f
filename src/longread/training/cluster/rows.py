"""verl's rows and our trajectories: a row is a conversation, the rows of a session are a trajectory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longread.training.loss import Update
from longread.training.records import Conversation, Trajectory

TASK, GAIN, UPDATE = "task", "gain", "update"
"""What a row says of itself beside its tokens: the question's task, what its update gained, and which one that is."""


class Row(NamedTuple):
    """One conversation, with what verl and the engine know of it."""

    prompt: Sequence[int]
    reply: Sequence[int]
    reward: float
    extra: Mapping[str, Any]
    logprobs: Sequence[float] = ()
    """When drawn."""
    entropies: Sequence[float] = ()


class Gathered(NamedTuple):
    """Trajectories, and which row each of their conversations is."""

    trajectories: list[Trajectory]
    places: list[list[int]]


def gather(keys: Sequence[str], rows: Sequence[Row], questions: Sequence[str]) -> Gathered:
    """The trajectories that rows make up, question by question; rows of other questions are padding.

    Args:
        keys: of the rows, `question_attempt_conversation`, in any order.
        questions: of the batch, in its order: a trajectory's `question` is a place in it.
    """
    number = {name: at for at, name in enumerate(questions)}
    found: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for at, key in enumerate(keys):
        name, attempt, conversation = key.rsplit("_", 2)
        if name in number:
            found.setdefault((number[name], int(attempt)), []).append((int(conversation), at))
    made = Gathered([], [])
    for (of, _), members in sorted(found.items()):
        places = [at for _, at in sorted(members)]
        some = [rows[at] for at in places]
        made.places.append(places)
        made.trajectories.append(
            Trajectory(
                of,
                some[-1].extra[TASK],
                tuple(
                    Conversation(tuple(r.prompt), tuple(r.reply), tuple(r.logprobs), tuple(r.entropies))
                    for r in some
                ),
                "",
                some[-1].reward,
                tuple(r.extra[GAIN] for r in some),
                tuple(r.extra[UPDATE] for r in some),
            )
        )
    return made


def weights(parts: Sequence[Update], places: Sequence[Sequence[int]], lengths: Sequence[int]) -> list[Tensor]:
    """Of each row, (T,): the weights of its reply tokens; zeros where it takes no part.

    Args:
        places: from `gather`.
        lengths: reply tokens of each row.
    """
    made = [torch.zeros(length) for length in lengths]
    for part in parts:
        made[places[part.trajectory][part.conversation]] = part.weights
    return made
