"""The policy that asks a language model: the memory agent of recipe §5.

A query is split into a core question and wishes about form, which are withheld until the answer. For each chunk
the model sees its notes and plan and replies with operations on them. The answer is made from the notes
alone.
"""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from longread.models.base import ChatModel, Delta
from longread.reading.asking import NoFormError, Request, UnusableReplyError
from longread.reading.budgets import Budgets
from longread.reading.choosing import choose
from longread.reading.confirming import confirmed, quoted
from longread.reading.marks import AnswerStream
from longread.reading.notes import Add, Entry, Notes, Rewrite
from longread.reading.policy import NOT_ANSWERED, Call, Draft, Emit, Noted, Review, Task
from longread.reading.prompts import LEDGER, load_prompts
from longread.reading.proving import named, proved
from longread.reading.recording import RecordedModel, Run
from longread.reading.replies import (
    FormatError,
    Parsed,
    note_schema,
    parse_json,
    parse_keep,
    parse_lines,
    parse_many,
    parse_memory,
    parse_review,
)
from longread.reading.section import Section
from longread.reading.shown import flat, ledger, line, plan, show, wishes
from longread.reading.support import Evidence, supporting, supports
from longread.reading.understanding import Understanding
from longread.reading.worth import level, worth

ASSUMED_WINDOW = 32_768
"""Tokens, for servers that do not say."""
CONCURRENCY = 16
"""Calls at once, for servers that do not say."""
_LEAST_NOTES = 256
"""Tokens of notes that each of several questions asked together must have."""
_STEPS = 8
"""How often what was noted of a section is followed in the same section."""
_PROSE = 400
"""Characters of a note made from a reply that has no form."""


@dataclass(frozen=True)
class LanguagePolicy(Understanding):
    """Asks `model`. Settings are those of a run and do not change within it."""

    concurrency: int = CONCURRENCY
    """Calls at once, where a strategy has that many."""
    given: str = ""
    """The sizes that were asked for, without those the server was asked for: what makes a run another run."""

    @classmethod
    def over(
        cls,
        model: ChatModel,
        prompts: str = LEDGER,
        *,
        window: int | None = None,
        chunk_first: bool = False,
        **budgets: Any,
    ) -> Self:
        """A policy with budgets that suit the prompt set or else the model's window (or `window`)."""
        loaded = load_prompts(prompts)
        if chunk_first:
            loaded = loaded.chunk_first()
        size = window or model.window or ASSUMED_WINDOW
        given = repr((window, sorted(budgets.items())))
        budgets = {**loaded.sizes, **{name: one for name, one in budgets.items() if one is not None}}
        return cls(model, loaded, Budgets.of(size, format=loaded.format, **budgets), given=given)

    @property
    def room(self) -> int:
        """Tokens of text that `whole` can take; a fifth is left free where counts are estimates."""
        return self.budgets.room if self.model.ratio is None else self.budgets.room * 4 // 5

    @property
    def chunk_tokens(self) -> int:
        """Size of the chunks to read."""
        return self.budgets.chunk

    @property
    def fingerprint(self) -> str:
        """Hash of all that shapes the requests."""
        parts = (
            self.model.name,
            self.prompts.digest,
            self.given or self.budgets,
            self.temperature,
            self.top_p,
            self.seed,
            self.attempts,
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def bind(self, run: Run) -> Self:
        """The same policy, its calls kept in `run`, with the run's fences, and its budgets as the run began.

        A server may report another window when the run is resumed: Ollama does once it has loaded a model.
        """
        budgets = Budgets(*run.settle("budgets", list(self.budgets)))
        return replace(self, model=RecordedModel(self.model, run), budgets=budgets, nonce=run.nonce)

    async def prepare(self, samples: Sequence[str]) -> None:
        """Lets the model correct its estimate of tokens."""
        await self.model.calibrate(samples)

    @property
    def apart(self) -> bool:
        """Whether notes are entries: a memory written anew holds what one section and one memory gave."""
        return self.prompts.format == "ledger"

    @property
    def recalls(self) -> bool:
        """Yes: the model says when notes do not answer a question."""
        return True

    def shown(self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section) -> Section:
        """All of it, or its lines with a name of any of the questions where prompts skip the others."""
        return named(section, tasks, notes, self.prompts) if self.prompts.skip else section

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        """One update of each task's memory: (m_t, p_t) ~ π(m_{t−1}, p_{t−1}, x_t, q_core).

        As many questions share a call as have room in it. A call whose replies stay broken is made for each alone.
        """
        noted: list[Noted] = []
        for start, end in self._groups(tasks):
            together, held = tasks[start:end], notes[start:end]
            shown = self.shown(together, held, section)
            first: Sequence[Noted]
            if not shown.pieces:  # it has names of the others
                first = [Noted(())] * len(together)
            elif len(together) > 1:
                first = await self._note_many(together, held, shown, total)
            else:
                first = [await self._note(together[0], held[0], shown, total)]
            noted += [
                await self._followed(one, task, before, section, total)
                for one, task, before in zip(first, together, held, strict=True)
            ]
        return noted

    async def _followed(self, noted: Noted, task: Task, notes: Notes, section: Section, total: int) -> Noted:
        """With what the section's other lines say of names that were just noted: a chain may lie in one section."""
        seen = [piece.span for piece in self.shown([task], [notes], section).pieces]
        for _ in range(_STEPS if self.prompts.skip else 0):
            held = notes.update(noted.operations, noted.plan, section)
            if held.view == notes.view:
                break
            lines = self.shown([task], [held], section).without(seen)
            if not lines.pieces:
                break
            more = await self._note(task, held, lines, total)
            noted = Noted(
                (*noted.operations, *notes.known(more.operations)),
                noted.plan if more.plan is None else more.plan,
                (*noted.calls, *more.calls),
                noted.repaired or more.repaired,
            )
            seen += [piece.span for piece in lines.pieces]
        return noted

    def _groups(self, tasks: Sequence[Task]) -> Iterator[tuple[int, int]]:
        """Bounds of the stretches of tasks that are asked together."""
        most = 1 if "note_many" not in self.prompts.templates else max(1, self.budgets.notes // _LEAST_NOTES)
        start = size = 0
        for at, task in enumerate(tasks):
            own = self.count(task.question)
            if at > start and (at - start == most or size + own > self._questions_room):
                yield start, at
                start, size = at, 0
            size += own
        yield start, len(tasks)

    async def _note_many(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        numbered = list(enumerate(zip(tasks, notes, strict=True), 1))
        prompt = self._render(
            "note_many",
            questions="\n".join(f"Q{n}: {flat(task.question)}" for n, (task, _) in numbered),
            notes="\n".join(f"Q{n}\n{ledger(held)}\nPLAN: {plan(held)}" for n, (_, held) in numbered),
            section=show(section),
            number=section.index + 1,
            total=total,
        )
        tokens = min(len(tasks) * self.budgets.reply, max(self.budgets.reply, self.budgets.answer))
        try:
            parsed, calls, repaired = await self._ask(
                prompt, tokens, lambda text: parse_many(text, len(tasks))
            )
        except NoFormError as broken:
            alone = [await self._note(task, held, section, total) for _, (task, held) in numbered]
            alone[0] = alone[0]._replace(calls=(*broken.calls, *alone[0].calls))
            return [noted._replace(repaired=True) for noted in alone]
        first = [
            Noted(*self._proved(one, task, held, section), () if at else calls, repaired)
            for at, (one, (_, (task, held))) in enumerate(zip(parsed, numbered, strict=True))
        ]
        return [
            await self._confirmed(noted, task, held, section, total)
            for noted, (_, (task, held)) in zip(first, numbered, strict=True)
        ]

    async def _note(self, task: Task, notes: Notes, section: Section, total: int) -> Noted:
        noted = await self._read(task, notes, section, total)
        return await self._confirmed(noted, task, notes, section, total)

    async def _confirmed(self, noted: Noted, task: Task, notes: Notes, section: Section, total: int) -> Noted:
        """What is left of it where prompts want notes confirmed; all of it where they do not."""
        if not self.prompts.confirm or not (places := quoted(noted, section)):
            return noted
        # Another seed: where all of a section is quoted, the same request would have the same reply.
        later = replace(self, seed=None if self.seed is None else self.seed + self.attempts)
        lines = section.only(places.values())
        return confirmed(noted, places, await later._read(task, notes, lines, total), lines)

    async def _read(self, task: Task, notes: Notes, section: Section, total: int) -> Noted:
        structured = self.prompts.format == "ledger" and self.model.structured
        template = "note_json" if structured and "note_json" in self.prompts.templates else "note"
        prompt = self._render(
            template,
            question=task.question,
            notes=ledger(notes),
            memory=notes.memory,
            plan=plan(notes),
            section=show(section),
            number=section.index + 1,
            total=total,
            budget=self.budgets.notes,
        )
        if self.prompts.format == "text":
            return await self._rewrite(prompt, notes, section)
        schema = note_schema() if template == "note_json" else None
        parse = parse_json if schema else parse_lines
        try:
            parsed, calls, repaired = await self._ask(prompt, self.budgets.reply, parse, schema=schema)
        except NoFormError as broken:
            # A weak model's prose may hold the fact all the same: it is kept, unverified unless it quotes.
            prose = tuple(Add(piece, piece) for piece in textwrap.wrap(broken.text, _PROSE))
            return Noted(*self._proved(Parsed(prose), task, notes, section), broken.calls, repaired=True)
        return Noted(*self._proved(parsed, task, notes, section), calls, repaired)

    def _proved(self, parsed: Parsed, task: Task, notes: Notes, section: Section) -> Parsed:
        return proved(parsed, section, task, notes, self.prompts)

    async def _rewrite(self, prompt: Request, notes: Notes, section: Section) -> Noted:
        try:
            (memory, plan), calls, repaired = await self._ask(
                prompt, self.budgets.reply, lambda text: self._bounded(*parse_memory(text, notes.memory))
            )
        except NoFormError as broken:
            grown = f"{notes.memory}\n{broken.text}".strip()
            fits = self.count(grown) <= self.budgets.notes  # the reply itself stays in the journal
            memory, plan, calls, repaired = grown if fits else notes.memory, None, broken.calls, True
        return Noted((Rewrite(memory, supports(memory, notes.memory, section)),), plan, calls, repaired)

    def _bounded(self, memory: str, plan: str | None) -> tuple[str, str | None]:
        if self.count(memory) > self.budgets.notes:
            raise FormatError(
                f"its memory is longer than {self.budgets.notes} tokens; keep what matters most"
            )
        return memory, plan

    def fit(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """Notes within the budget. Kept longest are those with words of the question, then those linked to them.

        Questions asked together share it; those that need less than their share leave the rest to the others.
        """
        fitted: list[tuple[Notes, tuple[Entry, ...]]] = []
        for start, end in self._groups(tasks):
            sizes = [sum(map(self._size, held.entries)) for held in notes[start:end]]
            share = level(sizes, self.budgets.notes)
            fitted += [
                held.fit(share, self._size, worth(task.question, held))
                for task, held in zip(tasks[start:end], notes[start:end], strict=True)
            ]
        return fitted

    async def consolidate(
        self, tasks: Sequence[Task], notes: Sequence[Notes]
    ) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """Notes within the budget, those kept that the model chooses: among a prompt's worth at a time, in a tree."""
        chosen: list[Notes] = []
        for start, end in self._groups(tasks):
            sizes = [sum(map(self._size, held.entries)) for held in notes[start:end]]
            share = level(sizes, self.budgets.notes)
            for task, held in zip(tasks[start:end], notes[start:end], strict=True):
                chosen.append(await self._choose(task, held, share))
        return [
            (after, before.missing(after))
            for before, (after, _) in zip(notes, self.fit(tasks, chosen), strict=True)
        ]

    async def _choose(self, task: Task, notes: Notes, room: int) -> Notes:
        async def pick(group: Sequence[Entry], most: int) -> Sequence[int]:
            shown = "\n".join(map(line, group))
            prompt = self._render("select", question=task.question, notes=shown, most=most)
            try:
                ids, _, _ = await self._ask(
                    prompt, self.budgets.reply, lambda text: parse_keep(text, {entry.id for entry in group})
                )
            except NoFormError:
                return ()  # what is kept is then a matter of rule alone
            return ids

        if "select" not in self.prompts.templates:
            return notes
        return notes.keep(
            await choose(
                notes.entries,
                self._size,
                notes.ranking(room, self._size, worth(task.question, notes)),
                room=room,
                prompt=self.budgets.chunk + self.budgets.notes,
                pick=pick,
            )
        )

    async def review(self, task: Task, notes: Notes) -> Review:
        """What the model finds to be missing; nothing where there are no notes, which give nothing to go by."""
        if "review" not in self.prompts.templates or not notes.entries:
            return Review()
        prompt = self._render("review", question=task.question, notes=ledger(notes))
        try:
            seeks, calls, _ = await self._ask(prompt, self.budgets.reply, parse_review)
        except NoFormError as broken:
            return Review(calls=broken.calls)
        return Review(not seeks, seeks, calls)

    def _size(self, entry: Entry) -> int:
        return self.count(line(entry))

    async def answer(self, task: Task, notes: Notes, emit: Emit) -> Draft:
        """The answer y ~ π(m_K, q_core, q_inst), with labels of the notes it rests on."""
        if not notes.entries and not notes.memory.strip():
            emit(Delta(NOT_ANSWERED))
            return Draft(NOT_ANSWERED, False, (), notes)
        prompt = self._render(
            "answer",
            question=task.question,
            instructions=wishes(task),
            notes=ledger(notes),
            memory=notes.memory,
        )
        citable = {entry.id for entry in notes.entries if entry.span}
        stream = AnswerStream(emit, lambda: citable)
        calls, stopped = await self._stream(prompt, stream)
        return self._draft(stream, tuple(stream.cited), notes, calls, stopped)

    async def whole(self, task: Task, section: Section, emit: Emit) -> Draft:
        """One pass over the text: evidence first, then the answer that refers to it."""
        prompt = self._render(
            "whole", question=task.question, instructions=wishes(task), section=show(section)
        )
        if self.prompts.format == "text":
            stream = AnswerStream(emit, tuple)
            calls, stopped = await self._stream(prompt, stream)
            sentences = supports(stream.text, "", section)
            notes = Notes().update(sentences, None, section)
            return self._draft(stream, tuple(e.id for e in notes.entries if e.span), notes, calls, stopped)

        evidence = Evidence(section, exact=self.prompts.exact)
        stream = AnswerStream(emit, lambda: evidence.labels(stream.head), after="ANSWER")
        calls, stopped = await self._stream(prompt, stream)
        labels = evidence.labels(stream.head)
        cited = tuple(dict.fromkeys(labels[label] for label in stream.cited))
        return self._draft(stream, cited, evidence.notes, calls, stopped)

    def _draft(
        self,
        stream: AnswerStream,
        cited: tuple[int, ...],
        notes: Notes,
        calls: tuple[Call, ...],
        stopped: str | None,
    ) -> Draft:
        if not stream.answered:
            text = stream.text or NOT_ANSWERED
            return Draft(text, False, (), notes, calls, stopped)
        return Draft(stream.text, True, cited or supporting(stream.text, notes), notes, calls, stopped)

    async def _stream(self, prompt: Request, stream: AnswerStream) -> tuple[tuple[Call, ...], str | None]:
        """Fills `stream` with an answer; says so when it stayed cut off at its last attempt."""

        def accept(text: str) -> str:
            stream.finish(text)
            if stream.answered and not stream.text:
                raise FormatError("it holds no answer")
            return text

        try:
            _, calls, _ = await self._ask(prompt, self.budgets.answer, accept, on_delta=stream.feed)
        except NoFormError as broken:
            self._forget(broken.calls)
            raise UnusableReplyError(
                f"{self.name} gave {self.attempts} replies without an answer; try another model, "
                "or set answer_tokens higher"
            ) from broken
        last = calls[-1]
        cut = last.reply.finish == "length"
        return calls, f"the answer was cut off after {last.sampling.max_tokens:,} tokens" if cut else None
