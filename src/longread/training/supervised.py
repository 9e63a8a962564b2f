"""Warm starts on the records that reinforcement learning uses: tokens of documents, or replies to imitate.

The replies are those of a reader that knows the evidence. It goes through the ordinary reader and policy, so that
prompts and notes are exactly those that rollouts will see.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor

from longread.errors import InputError
from longread.models.base import Message, OnDelta, Reply, Sampling
from longread.models.turns import Turns
from longread.reading.notes import Notes
from longread.reading.prompts import Prompts
from longread.reading.recording import UnkeptRun
from longread.reading.section import Section
from longread.reading.strategies import Reading, get_strategy
from longread.training.learner import Learner
from longread.training.records import Conversation
from longread.training.rollouts import Case, Reads, sections
from longread.training.stage import Supervised
from longread.types import Span

_LINE = 300
"""Characters up to which a note quotes the whole line that evidence stands in."""


class Imitator:
    """Makes steps on batches of samples. What a batch holds follows from the seed and its number."""

    def __init__(self, stage: Supervised, cases: Sequence[Case], learner: Learner, turns: Turns) -> None:
        self._stage = stage
        self._cases = cases
        self._learner = learner
        self._turns = turns
        self._texts = (
            []
            if stage.target == "replies"
            else texts(cases, turns, stage.sizes.window, marked=stage.target == "evidence")
        )

    async def step(self, number: int) -> dict[str, Any]:
        """Learns one batch; what came of it."""
        drawing = random.Random(f"{self._stage.seed} {number}")  # noqa: S311 -- no secret
        if self._texts:
            lessons = drawing.choices(self._texts, k=self._stage.batch)
        else:
            chosen = drawing.choices(self._cases, k=self._stage.batch)
            reads = self._stage.sizes.reads
            lessons = [
                Lesson(one, (True,) * len(one.reply))
                for case in chosen
                for one in await replies(case, reads, self._turns)
            ]
        self._learner.network.model.train()
        some = [lesson.conversation for lesson in lessons]
        learned = self._learner.learn(some, token_mean([lesson.learnt for lesson in lessons]))
        return {"tokens": sum(len(one.prompt) + len(one.reply) for one in some), **learned._asdict()}

    @property
    def state(self) -> dict[str, Any]:
        """Nothing lasts between steps."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing is to be restored."""


class Dictated:
    """A chat model that says what it was told to, and keeps the ids. Implements `models.base.ChatModel`."""

    ratio: float | None = None
    """Counts are exact."""
    structured = False
    """No schema is enforced."""

    def __init__(self, turns: Turns, window: int) -> None:
        self.name = turns.name
        self.window: int | None = window
        self.next = ""
        """What the next reply will be."""
        self.conversations: list[Conversation] = []
        self._turns = turns

    def count(self, text: str) -> int:
        """Tokens in `text`, exactly."""
        return len(self._turns.encode(text))

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Counts are exact: there is nothing to correct."""
        return False

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """The reply that was dictated."""
        prompt = tuple(self._turns.prompt(messages))
        ids = (*self._turns.encode(self.next), min(self._turns.ends))
        self.conversations.append(Conversation(prompt, ids, (), ()))
        return replace(self._turns.reply(prompt, ids, (), "stop"), text=self.next)

    async def close(self) -> None:
        """Nothing to release."""


async def replies(case: Case, reads: Reads, turns: Turns) -> list[Conversation]:
    """What a reader would say that knows the evidence: notes of each chunk that holds some, then the answer."""
    model = Dictated(turns, reads.window)
    nonce = hashlib.sha256(f"{case.sample.id} {case.sample.seed}".encode()).hexdigest()[:16]
    policy = reads.policy(model, nonce)
    read = sections(case, policy.chunk_tokens, policy.count)
    reading = Reading([case.sample.question], policy, read, UnkeptRun(), lambda _: None)
    if reads.mode == "full":
        model.next = _whole(case, policy.prompts)
        if policy.count(model.next) > policy.budgets.answer:  # cut off it would earn nothing
            model.next = case.sample.answer
        await get_strategy("full")(reading)
        return model.conversations
    model.next = f"QUESTION: {case.sample.question}\nINSTRUCTIONS: NONE"
    tasks = await reading.begin(withhold=True)
    notes: tuple[Notes, ...] = reading.start(tasks)
    for section in read:
        model.next = _notes(case, section, notes[0], policy.prompts)
        notes = await reading.note(tasks, notes, section)
    model.next = case.sample.answer
    await reading.answer(tasks, notes)
    return model.conversations


def _whole(case: Case, prompts: Prompts) -> str:
    """The reply to the whole text, in the form of the prompt set: the evidence, then the answer."""
    if prompts.format == "text":
        return case.sample.answer
    texts = [(Span(document.id, 0, len(document.text)), document.text) for document in case.documents]
    return "\n".join([*_lines(_quotes(case, texts), prompts), f"ANSWER: {case.sample.answer}"])


def _notes(case: Case, section: Section, notes: Notes, prompts: Prompts) -> str:
    """The reply to one section, in the form of the prompt set."""
    quotes = _quotes(case, [(piece.span, piece.text) for piece in section.pieces])
    if prompts.format == "text":
        memory = "\n".join(filter(None, (notes.memory, *quotes)))
        return f"Updated memory:\n<memory>\n{memory}\n</memory>\n<plan>\n{notes.plan}\n</plan>"
    return "\n".join(_lines(quotes, prompts)) or "NOTHING"


def _lines(quotes: Sequence[str], prompts: Prompts) -> list[str]:
    """Notes that say what they quote; once, where the prompt set does not ask for quotes."""
    twice = '| "' in prompts.templates["note"].template
    flat = [" ".join(quote.split()) for quote in quotes]  # a blank line would end a note
    return [f'NOTE: {quote} | "{quote}"' if twice else f"NOTE: {quote}" for quote in flat]


def _quotes(case: Case, texts: Sequence[tuple[Span, str]]) -> list[str]:
    """The lines of the texts that hold evidence; the evidence alone where its line is long."""
    quotes: dict[str, None] = {}
    for piece in case.sample.evidence:
        for span, text in texts:
            if span.doc != piece.doc or not span.start <= piece.start < piece.end <= span.end:
                continue
            start, end = piece.start - span.start, piece.end - span.start
            first = text.rfind("\n", 0, start) + 1
            last = text.find("\n", end)
            line = text[first : last if last >= 0 else None].strip()
            quotes[line if len(line) <= _LINE else text[start:end]] = None
    return list(quotes)


class Lesson(NamedTuple):
    """Ids to learn from."""

    conversation: Conversation
    learnt: tuple[bool, ...]
    """Of each token of the reply: whether it is to be predicted."""


def texts(cases: Sequence[Case], turns: Turns, window: int, *, marked: bool = False) -> list[Lesson]:
    """The documents of cases, each once, as windows whose tokens but the first are to be predicted.

    With `marked` only those that are evidence of a case are, and each such piece ends as replies do: a document may
    hold a text with many questions, whose replies are learnt at the price of reading it once. A piece that begins
    within another is left out. InputError when nothing is left to learn.
    """
    pieces: defaultdict[str, set[tuple[int, int]]] = defaultdict(set)
    for case in cases:
        for piece in case.sample.evidence:
            pieces[piece.doc].add((piece.start, piece.end))
    made = []
    for document in {document.id: document for case in cases for document in case.documents}.values():
        ids: list[int] = []
        learnt: list[bool] = []

        def put(more: Sequence[int], wanted: bool, ids: list[int] = ids, learnt: list[bool] = learnt) -> None:
            ids += more
            learnt += [wanted] * len(more)

        end = 0
        for start, after in sorted(pieces[document.id]) if marked else ():
            if start < end:
                continue
            put(turns.encode(document.text[end:start]), False)
            put([*turns.encode(document.text[start:after]), min(turns.ends)], True)
            end = after
        put(turns.encode(document.text[end:]), not marked)
        for start in range(0, len(ids) - 1, window):
            some, wanted = tuple(ids[start : start + window + 1]), learnt[start : start + window + 1]
            first = next((at for at in range(1, len(some)) if wanted[at]), None)
            if first is not None:
                made.append(Lesson(Conversation(some[:first], some[first:], (), ()), tuple(wanted[first:])))
    if not made:
        raise InputError(
            'no document has evidence to learn; take target = "text" for all of their tokens'
            if marked
            else "the documents hold no text to learn"
        )
    return made


def token_mean(learnt: Sequence[Sequence[bool]]) -> list[Tensor]:
    """Weights that make the loss the mean over all tokens that are learnt: for each conversation, (T,)."""
    total = max(sum(map(sum, learnt)), 1)
    return [torch.tensor(own, dtype=torch.float32) / total for own in learnt]
