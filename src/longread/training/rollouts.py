"""Attempts at questions: the traces of the reader and language policy that `ask` uses, with token ids.

There is no second implementation of the agent. In full context an attempt is one conversation; with a memory it is
one conversation a chunk and one for the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal, NamedTuple

from longread.documents.chunk import PIECE_OVERHEAD, split_corpus
from longread.models.base import ChatModel
from longread.models.turns import Turns
from longread.reading.asking import UnusableReplyError
from longread.reading.events import ChunkBegun, Event
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Entry, Notes
from longread.reading.prompts import load_prompts
from longread.reading.recording import Change, UnkeptRun
from longread.reading.retained import matches, share, standing
from longread.reading.section import Sections
from longread.reading.strategies import Reading, get_strategy
from longread.training.lockstep import Generate, Lane, lockstep
from longread.training.records import Trajectory
from longread.training.rewards import reward
from longread.types import Corpus, Document, Sample

_STRATEGIES = {"full": "full", "memory": "sequential"}


class Case(NamedTuple):
    """A question with its documents."""

    sample: Sample
    documents: tuple[Document, ...]


@dataclass(frozen=True)
class Reads:
    """How questions are attempted. Sizes are in tokens."""

    mode: Literal["full", "memory"]
    prompts: str
    """Name of a built-in prompt set, or a file."""
    window: int
    """Prompt and reply together."""
    answer: int | None = None
    chunk: int | None = None
    notes: int | None = None
    thinking: int | None = None

    def policy(self, model: ChatModel, nonce: str) -> LanguagePolicy:
        """The policy that `ask` would use, which asks once: a reply without form is the model's to answer for."""
        thinking = (
            load_prompts(self.prompts).sizes.get("thinking", 0) if self.thinking is None else self.thinking
        )
        made = LanguagePolicy.over(
            model,
            self.prompts,
            window=self.window,
            chunk=self.chunk,
            notes=self.notes,
            answer=self.answer,
            thinking=thinking,
        )
        return LanguagePolicy(model, made.prompts, made.budgets, None, None, None, attempts=1, nonce=nonce)


def room(reads: Reads, turns: Turns) -> int:
    """Tokens of documents that one pass can take."""
    return _counting(reads, turns).room


def length(reads: Reads, turns: Turns) -> Callable[[Case], int]:
    """Counts the tokens of a case's documents as the reader does, with what each chunk adds."""
    counting = _counting(reads, turns)
    count = cache(counting.count)  # cases share documents
    return lambda case: sum(chunk.tokens for chunk in sections(case, counting.chunk_tokens, count).chunks)


def plain_length(turns: Turns) -> Callable[[Case], int]:
    """Counts the tokens of a case's documents and of their names, whatever the chunks."""
    count = cache(lambda text: len(turns.encode(text)) + PIECE_OVERHEAD)
    return lambda case: sum(count(document.text) for document in case.documents)


def _counting(reads: Reads, turns: Turns) -> LanguagePolicy:
    """A policy that is never asked anything."""
    return reads.policy(Lane(turns, reads.window, _never), "")


def sections(case: Case, chunk_tokens: int, count: Callable[[str], int]) -> Sections:
    """The documents of a case as they are read, in chunks of at most so many tokens."""
    corpus = Corpus(case.documents)
    return Sections(corpus, split_corpus(corpus, chunk_tokens, count))


async def rollouts(
    cases: Sequence[Case],
    attempts: int,
    reads: Reads,
    turns: Turns,
    generate: Generate,
    judge: ChatModel | None = None,
    stray_cost: float = 0.0,
) -> list[Trajectory]:
    """`attempts` trajectories for each case, with rewards; those of a case are neighbours.

    A reply that has no answer in it earns 0, and so does one that was cut off. ModelError when the judge fails.

    Args:
        stray_cost: Gold facts that a note beside the evidence takes from what its update gains.
    """
    jobs = []
    for number, case in enumerate(cases):
        jobs += [attempt_at(number, case, reads, turns, stray_cost)] * attempts
    made = await lockstep(jobs, turns, reads.window, generate)
    return await asyncio.gather(*(rewarded(cases[one.question].sample, one, judge) for one in made))


def attempt_at(
    number: int, case: Case, reads: Reads, turns: Turns, stray_cost: float
) -> Callable[[Lane], Awaitable[Trajectory]]:
    """What attempts a case over a lane, as often as it is called; `number` becomes the question's."""
    counting = _counting(reads, turns)
    read = sections(case, counting.chunk_tokens, counting.count)
    nonce = hashlib.sha256(f"{case.sample.id} {case.sample.seed}".encode()).hexdigest()[:16]
    return partial(_attempt, number, case.sample, read, reads, nonce, stray_cost)


async def rewarded(sample: Sample, trajectory: Trajectory, judge: ChatModel | None = None) -> Trajectory:
    """The trajectory with what its answer earns; ModelError when the judge fails."""
    if not trajectory.response:
        return trajectory
    return replace(trajectory, reward=await reward(sample, trajectory.response, judge))


async def _attempt(
    number: int, sample: Sample, read: Sections, reads: Reads, nonce: str, stray_cost: float, lane: Lane
) -> Trajectory:
    trace = _Trace(sample, lane, stray_cost)
    reading = Reading([sample.question], reads.policy(lane, nonce), read, trace, trace.see)
    response = ""
    with suppress(UnusableReplyError):
        (draft,) = await get_strategy(_STRATEGIES[reads.mode])(reading)
        if draft.answered and draft.stopped is None:
            response = draft.text
    credited = trace.gains if reads.mode == "memory" else {}
    own = [credited.get(at, (None, None)) for at in range(len(lane.conversations))]
    return Trajectory(
        number,
        sample.task,
        tuple(lane.conversations),
        response,
        gains=tuple(gain for _, gain in own),
        updates=tuple(update for update, _ in own),
    )


class _Trace(UnkeptRun):
    """Sees what each update did to the gold facts in the notes."""

    def __init__(self, sample: Sample, lane: Lane, stray_cost: float) -> None:
        super().__init__()
        self._stray_cost = stray_cost
        self._evidence = [piece for piece in sample.evidence if piece.role == "required"]
        self._lane = lane
        self.gains: dict[int, tuple[int, float]] = {}
        """By conversation: its update, and gold facts captured less those lost and what stray notes cost, as a share
        of all."""
        self._begun = 0
        """Conversations before the update."""

    def see(self, event: Event) -> None:
        """Marks where the conversations of an update begin."""
        if isinstance(event, ChunkBegun):
            self._begun = len(self._lane.conversations)

    def step(
        self, position: int, question: int, chunk: int, before: Notes, after: Notes, change: Change
    ) -> None:
        """Credits what was said of the chunk."""
        if self._evidence:
            held, holds = (share(self._evidence, standing(notes)) for notes in (before, after))
            strays = sum(not self._gold(entry) for entry in after.missing(before))
            cost = self._stray_cost * strays / len(self._evidence)
            said = range(self._begun, len(self._lane.conversations))
            self.gains |= dict.fromkeys(said, (position, holds - held - cost))

    def _gold(self, entry: Entry) -> bool:
        span = entry.span
        return span is not None and any(matches(span, piece.span) for piece in self._evidence)


async def _never(_: object) -> Any:
    raise AssertionError("a lane that only counts is not asked")
