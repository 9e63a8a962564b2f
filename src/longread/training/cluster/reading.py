"""verl's agent loop: the reader attempts a question, and each of its conversations becomes a row."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from verl.experimental.agent_loop.agent_loop import (
    AgentLoopBase,
    AgentLoopMetrics,
    AgentLoopOutput,
    register,
)

from longread.models.base import ChatModel
from longread.models.local import load_turns
from longread.models.turns import Turns
from longread.training.cluster.config import NAME
from longread.training.cluster.rows import GAIN, TASK, UPDATE
from longread.training.data import read_cases
from longread.training.generation import Generated, Request
from longread.training.lockstep import Lane
from longread.training.records import Conversation, Trajectory
from longread.training.rewards import open_judge
from longread.training.rollouts import Case, attempt_at, rewarded
from longread.training.stage import Reinforcement

_HELD = 64
"""Questions whose sections a process keeps: the attempts at one come together."""


class Desk:
    """What a process of rollouts needs of a stage, read once."""

    def __init__(self, stage: Reinforcement) -> None:
        self.stage = stage
        self.turns: Turns = load_turns(Path(stage.model or ""))
        self.cases: dict[str, Case] = {
            case.sample.id: case for case in read_cases(Path(stage.data), stage.split)
        }
        self.attempt = functools.lru_cache(_HELD)(self._attempt)
        self._judge: ChatModel | None = None

    def _attempt(self, sample: str) -> Callable[[Lane], Awaitable[Trajectory]]:
        stage = self.stage
        return attempt_at(0, self.cases[sample], stage.sizes.reads, self.turns, stage.stray_cost)

    async def judge(self) -> ChatModel | None:
        """The stage's judge, where it has one."""
        if self.stage.judge and self._judge is None:
            self._judge = await open_judge(self.stage.judge, self.stage.judge_url)
        return self._judge


@functools.cache
def desk(stage: str) -> Desk:
    """The desk of a stage, given as JSON."""
    return Desk(Reinforcement.model_validate_json(stage))


@register(NAME)
class Reading(AgentLoopBase):
    """One attempt at a question: the trace of the reader that `ask` uses."""

    async def run(self, sampling_params: dict[str, Any], **fields: Any) -> list[Any]:
        """Its conversations in order, each with the reward of the whole; ModelError when one cannot be had."""
        own = desk(self.config.longread.stage)
        versions: list[dict[str, Any]] = []

        async def say(request: Request) -> Generated:
            # All attempts at a question go to one server, which then reads their common prompt once.
            output = await self.server_manager.generate(
                request_id=fields["uid"],
                prompt_ids=list(request.prompt),
                sampling_params={
                    **sampling_params,
                    "max_tokens": request.limit,
                    "stop_token_ids": sorted(own.turns.ends),
                },
            )
            versions.append(output.extra_fields)
            ids = tuple(output.token_ids)
            ended = bool(ids) and ids[-1] in own.turns.ends
            said = Conversation(request.prompt, ids, tuple(output.log_probs or ()), ())
            return Generated(said, "stop" if ended else "length")

        lane = Lane(own.turns, own.stage.sizes.window, say)
        made = await own.attempt(fields["sample"])(lane)
        made = await rewarded(own.cases[fields["sample"]].sample, made, await own.judge())
        return [
            AgentLoopOutput(
                prompt_ids=list(one.prompt),
                response_ids=list(one.reply),
                response_mask=[1] * len(one.reply),
                response_logprobs=list(one.logprobs),
                reward_score=made.reward,
                num_turns=2,
                metrics=AgentLoopMetrics(),
                extra_fields={
                    **version,
                    TASK: made.task,
                    GAIN: gain,
                    UPDATE: update,
                    "reward_extra_info": {},
                },
            )
            for one, gain, update, version in zip(
                made.conversations, made.gains, made.updates, versions, strict=True
            )
            if one.reply
        ]
