"""The policy that asks a language model: the memory agent of recipe §5.

A query is split into a core question and wishes about form, which are withheld until the answer. For each chunk
the model sees its notes and plan and replies with operations on them. The answer is made from the notes
alone.
"""

from __future__ import annotations

import hashlib
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar

from longread.errors import ModelError, UsageError
from longread.models.base import ChatModel, Delta, Message, Sampling
from longread.reading.budgets import FRAME, Budgets
from longread.reading.marks import AnswerStream
from longread.reading.notes import Add, Entry, Notes, Rewrite
from longread.reading.policy import NOT_ANSWERED, Call, Draft, Emit, Noted, Task
from longread.reading.prompts import Prompts, load_prompts
from longread.reading.recording import RecordedModel, Run
from longread.reading.replies import (
    FormatError,
    note_schema,
    parse_evidence,
    parse_json,
    parse_lines,
    parse_memory,
    parse_split,
)
from longread.reading.section import Section
from longread.reading.sentences import quotes
from longread.reading.terms import overlap, terms

T = TypeVar("T")

ASSUMED_WINDOW = 32_768
"""Tokens, for servers that do not say."""
_SHOWN_QUOTE = 300
"""Characters of a quote shown to the model; the entry keeps all of it."""
_SHOWN_REPLY = 1_000
"""Characters of a broken reply that the model is shown again."""
_PLAN = 500
"""Characters of a plan shown to the model."""
_PROSE = 400
"""Characters of a note made from a reply that has no form."""


@dataclass(frozen=True)
class LanguagePolicy:
    """Asks `model`. Settings are those of a run and do not change within it."""

    model: ChatModel
    prompts: Prompts
    budgets: Budgets
    temperature: float | None = 0.7
    top_p: float | None = 0.95
    seed: int | None = 0
    attempts: int = 3
    """How often a reply that breaks the form is asked for."""
    given: str = ""
    """The sizes that were asked for, without those the server was asked for: what makes a run another run."""
    nonce: str = "text"
    """Fences document text; drawn anew for each run."""

    @classmethod
    def over(
        cls, model: ChatModel, prompts: str = "ledger", *, window: int | None = None, **budgets: Any
    ) -> Self:
        """A policy with budgets that suit the model's window (or `window`)."""
        loaded = load_prompts(prompts)
        size = window or model.window or ASSUMED_WINDOW
        given = repr((window, sorted(budgets.items())))
        return cls(model, loaded, Budgets.of(size, format=loaded.format, **budgets), given=given)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

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

    def count(self, text: str) -> int:
        """Tokens in `text`, as the model counts."""
        return self.model.count(text)

    async def prepare(self, samples: Sequence[str]) -> None:
        """Lets the model correct its estimate of tokens."""
        await self.model.calibrate(samples)

    async def begin(self, query: str, sections: Sequence[Section], *, withhold: bool) -> Task:
        """Splits the query. One plain question has nothing to withhold and is not sent."""
        b = self.budgets
        spare = b.window - b.chunk - b.notes - max(b.reply, b.answer) - b.thinking
        if (size := self.count(query)) > spare // 2:
            raise UsageError(
                f"the question takes {size:,} tokens and {spare // 2:,} are left for it; put what it quotes into a "
                "file, or set a smaller chunk_tokens"
            )
        if not withhold or re.fullmatch(r"[^\n.!。！:：;；?？]{1,300}[?？]", query.strip()):
            return Task(query)
        try:
            prompt = self._render("split", question=query)
            (question, instructions), _, _ = await self._ask(
                prompt, self.budgets.reply, lambda text: parse_split(text, query)
            )
        except FormatError:
            return Task(query)  # nothing is lost: the wishes stay in the question
        return Task(question, instructions)

    async def note(self, task: Task, notes: Notes, section: Section, total: int) -> Noted:
        """One update of the memory: (m_t, p_t) ~ π(m_{t−1}, p_{t−1}, x_t, q_core)."""
        structured = self.prompts.format == "ledger" and self.model.structured
        template = "note_json" if structured and "note_json" in self.prompts.templates else "note"
        prompt = self._render(
            template,
            question=task.question,
            notes=self._ledger(notes),
            memory=notes.memory,
            plan=notes.plan[:_PLAN] or "nothing in particular",
            section=_show(section),
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
        except _NoFormError as broken:
            # A weak model's prose may hold the fact all the same: it is kept, unverified unless it quotes.
            prose = tuple(Add(piece, piece) for piece in textwrap.wrap(broken.text, _PROSE))
            return Noted(prose, None, broken.calls, repaired=True)
        return Noted(parsed.operations, parsed.plan, calls, repaired)

    async def _rewrite(self, prompt: str, notes: Notes, section: Section) -> Noted:
        try:
            (memory, plan), calls, repaired = await self._ask(
                prompt, self.budgets.reply, lambda text: self._bounded(*parse_memory(text, notes.memory))
            )
        except _NoFormError as broken:
            grown = f"{notes.memory}\n{broken.text}".strip()
            fits = self.count(grown) <= self.budgets.notes  # the reply itself stays in the journal
            memory, plan, calls, repaired = grown if fits else notes.memory, None, broken.calls, True
        return Noted((Rewrite(memory, _supports(memory, notes.memory, section)),), plan, calls, repaired)

    def _bounded(self, memory: str, plan: str | None) -> tuple[str, str | None]:
        if self.count(memory) > self.budgets.notes:
            raise FormatError(
                f"its memory is longer than {self.budgets.notes} tokens; keep what matters most"
            )
        return memory, plan

    def fit(self, task: Task, notes: Notes) -> tuple[Notes, tuple[Entry, ...]]:
        """Notes within the budget. Kept longest are those with words of the question, then those linked to them."""
        asked = set(terms(task.question))
        words = {e.id: set(terms(f"{e.claim} {e.quote}")) for e in notes.entries}
        direct = {id: len(asked & held) / max(len(asked), 1) for id, held in words.items()}
        links = Counter(word for id, held in words.items() if direct[id] for word in held - asked)

        def value(entry: Entry) -> float:
            own = direct[entry.id] > 0  # a word that only this entry holds is no link
            linked = sum(links[word] > own for word in words[entry.id] - asked)
            return direct[entry.id] + linked / max(len(words[entry.id]), 1) / 2

        return notes.fit(self.budgets.notes, lambda entry: self.count(_line(entry)), value)

    async def answer(self, task: Task, notes: Notes, emit: Emit) -> Draft:
        """The answer y ~ π(m_K, q_core, q_inst), with labels of the notes it rests on."""
        if not notes.entries and not notes.memory.strip():
            emit(Delta(NOT_ANSWERED))
            return Draft(NOT_ANSWERED, False, (), notes)
        prompt = self._render(
            "answer",
            question=task.question,
            instructions=_wishes(task),
            notes=self._ledger(notes),
            memory=notes.memory,
        )
        citable = {entry.id for entry in notes.entries if entry.span}
        stream = AnswerStream(emit, lambda: citable)
        calls, stopped = await self._stream(prompt, stream)
        return self._draft(stream, tuple(stream.cited), notes, calls, stopped)

    async def whole(self, task: Task, section: Section, emit: Emit) -> Draft:
        """One pass over the text: evidence first, then the answer that refers to it."""
        prompt = self._render(
            "whole", question=task.question, instructions=_wishes(task), section=_show(section)
        )
        if self.prompts.format == "text":
            stream = AnswerStream(emit, tuple)
            calls, stopped = await self._stream(prompt, stream)
            supports = _supports(stream.text, "", section)
            notes = Notes().update(supports, None, section)
            return self._draft(stream, tuple(e.id for e in notes.entries if e.span), notes, calls, stopped)

        evidence = _Evidence(section)
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
        return Draft(stream.text, True, cited or _supporting(stream.text, notes), notes, calls, stopped)

    def _render(self, template: str, **values: object) -> str:
        return self.prompts.render(template, open=f"<<{self.nonce}", close=f"{self.nonce}>>", **values)

    def _ledger(self, notes: Notes) -> str:
        return "\n".join(_line(entry) for entry in notes.entries) or "(none)"

    async def _stream(self, prompt: str, stream: AnswerStream) -> tuple[tuple[Call, ...], str | None]:
        """Fills `stream` with an answer; says so when it stayed cut off at its last attempt."""

        def accept(text: str) -> str:
            stream.finish(text)
            if stream.answered and not stream.text:
                raise FormatError("it holds no answer")
            return text

        try:
            _, calls, _ = await self._ask(prompt, self.budgets.answer, accept, on_delta=stream.feed)
        except _NoFormError as broken:
            self._forget(broken.calls)
            raise ModelError(
                f"{self.name} gave {self.attempts} replies without an answer; try another model, "
                "or set answer_tokens higher"
            ) from broken
        last = calls[-1]
        cut = last.reply.finish == "length"
        return calls, f"the answer was cut off after {last.sampling.max_tokens:,} tokens" if cut else None

    async def _ask(
        self,
        prompt: str,
        tokens: int,
        parse: Callable[[str], T],
        *,
        schema: dict[str, Any] | None = None,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> tuple[T, tuple[Call, ...], bool]:
        """Asks until a reply can be parsed: (result, calls, whether it took a repair).

        A cut-off or empty reply is asked for again with a larger limit, a malformed one with what was wrong.
        Raises _NoFormError when only malformed replies came, ModelError when the last one was empty.
        """
        question = Message.of("user", prompt)
        messages: tuple[Message, ...] = (question,)
        limit = tokens + self.budgets.thinking
        size = self.count(prompt) + FRAME
        if self.model.ratio is not None:
            size = size * 5 // 4  # an estimate
        most = max(self.budgets.window - size, 64)
        limit = min(limit, most)
        calls: list[Call] = []
        for attempt in range(self.attempts):
            last = attempt == self.attempts - 1
            if attempt and on_delta:
                on_delta(Delta(restart=True))
            seed = None if self.seed is None else self.seed + attempt
            sampling = Sampling(limit, self.temperature, self.top_p, seed, schema)
            reply = await self.model.chat(messages, sampling, on_delta)
            calls.append(Call(messages, sampling, reply))
            messages = (question,)
            if reply.finish == "length":
                limit = min(2 * limit, most)
                if not last or not reply.text.strip():
                    continue
            if not reply.text.strip():
                continue
            try:
                return parse(reply.text), tuple(calls), attempt > 0
            except FormatError as error:
                again = Message.of("user", self.prompts.render("again", error=error))
                messages = (question, Message.of("assistant", reply.text[:_SHOWN_REPLY]), again)
        if not reply.text.strip():
            self._forget(calls)
            raise ModelError(
                f"{self.name} gave no usable reply in {self.attempts} attempts: the last one was "
                + ("cut off while thinking; set thinking_tokens higher" if reply.thinking else "empty")
            )
        raise _NoFormError(reply.text, tuple(calls))

    def _forget(self, calls: Sequence[Call]) -> None:
        if isinstance(self.model, RecordedModel):
            self.model.void([(call.messages, call.sampling) for call in calls])


class _NoFormError(FormatError):
    """All attempts gave text without the form asked for."""

    def __init__(self, text: str, calls: tuple[Call, ...]) -> None:
        super().__init__("no reply had the form asked for")
        self.text = text
        self.calls = calls


class _Evidence:
    """The NOTE lines that come before the answer of a one-pass reply, as notes; labels count the lines."""

    def __init__(self, section: Section) -> None:
        self._section = section
        self._head: str | None = None
        self._labels: dict[int, int] = {}
        self.notes = Notes()

    def labels(self, head: str) -> dict[int, int]:
        """Label in the reply -> id of the verified entry it stands for."""
        if head != self._head:
            self._head, self._labels, self.notes = head, {}, Notes()
            for label, note in enumerate(parse_evidence(head), 1):
                before = self.notes.next_id
                self.notes = self.notes.update((note,) if note else (), None, self._section)
                if self.notes.next_id > before and self.notes.entries[-1].span:
                    self._labels[label] = before
        return self._labels


def _show(section: Section) -> str:
    """A section as the model sees it: each piece under its source, and its table header if it lacks one."""
    shown = []
    for piece in section.pieces:
        columns = f"(columns) {piece.header}\n" if piece.header else ""
        shown.append(f"--- {piece.source} ---\n{columns}{piece.text}")
    return "\n".join(shown)


def _line(entry: Entry) -> str:
    """An entry as the model sees it, on one line whatever its quote holds."""
    quote = " ".join(entry.quote.split())
    if len(quote) > _SHOWN_QUOTE:
        quote = quote[:_SHOWN_QUOTE] + "…"
    parts = [f"[n{entry.id}]"]
    if entry.span is None:
        parts.append("(unverified)")
    if entry.replaces:
        parts.append(f"(updates n{entry.replaces})")
    if entry.claim:
        parts.append(" ".join(entry.claim.split()))
    if entry.span and " ".join(entry.claim.split()) != quote:
        parts.append(f'| "{quote}"')
    return " ".join(parts)


def _wishes(task: Task) -> str:
    return f"\nHOW TO ANSWER\n{task.instructions}\n" if task.instructions else ""


def _supports(memory: str, previous: str, section: Section) -> tuple[Add, ...]:
    """Sentences new in `memory` that stand, nearly word for word, in the section."""
    found = []
    for start, end in quotes(memory, "text"):
        sentence = memory[start:end].strip()
        if len(sentence) >= 16 and sentence not in previous and (span := section.align(sentence)):
            found.append(Add(sentence, sentence, span))
    return tuple(found)


def _supporting(answer: str, notes: Notes, most: int = 5) -> tuple[int, ...]:
    """For an answer without labels: the verified entries that hold at least half of its words."""
    asked = terms(answer)
    scored = [(overlap(asked, f"{e.claim} {e.quote}"), -e.id) for e in notes.entries if e.span]
    return tuple(-id for score, id in sorted(scored, reverse=True)[:most] if score >= 0.5)
