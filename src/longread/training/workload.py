"""What a step of a stage reads and writes: conversations and their lengths in tokens."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

from longread.errors import InputError
from longread.reading.budgets import FRAME, Budgets
from longread.reading.prompts import load_prompts
from longread.training.stage import Reinforcement, Sizes, Supervised

ASSUMED_INPUT = 131_072
"""Tokens of documents where a stage with notes names no limit: the paper's."""


class Alike(NamedTuple):
    """Conversations of a step with the same lengths."""

    number: int
    prompt: int
    reply: int
    sharing: int = 1
    """How many have the same prompt."""

    @property
    def tokens(self) -> int:
        """Of all of them, prompts that are shared as often as they are shared."""
        return self.number * (self.prompt + self.reply)


def workload(stage: Reinforcement | Supervised, fill: float = 1.0) -> list[Alike]:
    """The conversations of a step, where documents and replies take the share `fill` of what the stage allows.

    Raises:
        UsageError: The stage's sizes do not fit its window.
    """
    if isinstance(stage, Supervised):
        if stage.target != "replies":
            return [Alike(stage.batch, 1, stage.sizes.window)]
        questions, attempts = stage.batch, 1
    else:
        questions, attempts = stage.questions, stage.attempts
    budgets = _budgets(stage.sizes)
    count = questions * attempts

    def part(tokens: int) -> int:
        return max(1, math.ceil(tokens * fill))

    answer = part(budgets.answer + budgets.thinking)
    if stage.sizes.mode == "full":
        read = min(stage.sizes.input or budgets.room, budgets.room)
        return [Alike(count, FRAME + part(read), answer, attempts)]
    read = part(stage.sizes.input or ASSUMED_INPUT)
    notes = part(budgets.notes)
    chunks = math.ceil(read / budgets.chunk)
    return [
        Alike(
            count * chunks,
            FRAME + notes + min(read, budgets.chunk),
            part(budgets.reply + budgets.thinking),
        ),
        Alike(count, FRAME + notes, answer),
    ]


def questions_in(folder: Path, split: str) -> int | None:
    """Questions of a split of a data set; None where it is not there, InputError where it cannot be read."""
    files = sorted(folder.glob("samples-*.parquet"))
    if not files:
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return sum(
            int(pq.read_table(file, columns=["id"], filters=[("split", "=", split)]).num_rows)
            for file in files
        )
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{folder} cannot be read: {str(error).splitlines()[0]}") from error


def _budgets(sizes: Sizes) -> Budgets:
    """How the reader shares out the window, as in `LanguagePolicy.over`."""
    prompts = load_prompts(sizes.prompts)
    given = {name: getattr(sizes, name) for name in ("chunk", "notes", "answer", "thinking")}
    merged = {"thinking": 0, **prompts.sizes, **{name: one for name, one in given.items() if one is not None}}
    return Budgets.of(sizes.window, format=prompts.format, **merged)
