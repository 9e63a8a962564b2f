"""The reader: picks a strategy, runs it, yields events, and ends with answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, overload

from anyio import CancelScope
from anyio.from_thread import start_blocking_portal

from longread.config import Settings, load_settings
from longread.documents.chunk import split_corpus
from longread.errors import CapReached, LongreadError, ModelError, UsageError
from longread.models.base import ChatModel
from longread.reading.caps import Caps
from longread.reading.events import Event, Finished, Started
from longread.reading.job import Job, Questions, citations, make_job, mixture, samples
from longread.reading.journal import Journal
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Notes
from longread.reading.opening import open_policy, policy_for
from longread.reading.policy import Call, Draft, Policy
from longread.reading.recording import Change, Run, UnkeptRun
from longread.reading.rehearsal import Estimate, Plan, Rehearsal, reckon
from longread.reading.replay import NotRecordedError, ReplayedRun, WatchedModel
from longread.reading.run import JournaledRun
from longread.reading.section import Sections
from longread.reading.strategies import Reading, get_strategy
from longread.reading.strategies.automatic import chosen
from longread.types import Answer, Chunk, Corpus, Document

NOTES = "notes"
"""What stands as the strategy of a follow-up that was answered from notes alone."""


class Reader:
    """Answers questions over documents.

    Args:
        model: a model's name (as on the command line), a ChatModel, or a Policy. None takes what environment
            and configuration say, then a model server running on this machine, then the extractive policy.
        strategy: auto, full, sequential, speculative, rounds, search, or any registered name; None leaves it to
            the settings.
        truncate: lets `full` cut too long a text in the middle.
        journal: where runs are kept; None keeps nothing.
        settings: all settings; None loads them.
        overrides: any of `longread.config.Settings`, `base_url` among them, where they are loaded.
    """

    def __init__(
        self,
        model: str | ChatModel | Policy | None = None,
        *,
        strategy: str | None = None,
        truncate: bool = False,
        journal: Journal | None = None,
        settings: Settings | None = None,
        **overrides: Any,
    ) -> None:
        self.settings = settings or load_settings(
            overrides
            | ({"strategy": strategy} if strategy else {})
            | ({"model": model} if isinstance(model, str) else {})
        )
        if self.settings.strategy != "auto":
            get_strategy(self.settings.strategy)
        self.truncate = truncate
        self.journal = journal
        self._given = model
        self._policy: Policy | None = None

    async def policy(self) -> Policy:
        """The policy in use; finds and opens the model when first called."""
        if self._policy is None:
            if self._given is None or isinstance(self._given, str):
                self._policy = (await open_policy(self.settings)).policy
            else:
                self._policy = policy_for(self._given, self.settings)
        return self._policy

    @overload
    def ask(
        self,
        question: str,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = ...,
        follow: str | None = ...,
    ) -> Answer: ...
    @overload
    def ask(
        self,
        question: Questions,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = ...,
        follow: str | None = ...,
    ) -> list[Answer]: ...
    def ask(
        self,
        question: str | Questions,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = False,
        follow: str | None = None,
    ) -> Answer | list[Answer]:
        """`aask`, synchronously; works inside a running event loop too (a notebook, say)."""

        with start_blocking_portal() as portal:
            return portal.call(partial(self.aask, question, corpus, fresh=fresh, follow=follow))

    @overload
    async def aask(
        self,
        question: str,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = ...,
        follow: str | None = ...,
    ) -> Answer: ...
    @overload
    async def aask(
        self,
        question: Questions,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = ...,
        follow: str | None = ...,
    ) -> list[Answer]: ...
    async def aask(
        self,
        question: str | Questions,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = False,
        follow: str | None = None,
    ) -> Answer | list[Answer]:
        """The answer; for a list of questions, which are answered in one read, the answers in their order.

        `follow` is the id of a run in the journal that the question follows up on: its notes are tried first.
        """
        answers: tuple[Answer, ...] = ()
        async for event in self.read(question, corpus, fresh=fresh, follow=follow):
            if isinstance(event, Finished):
                answers = event.answers
        assert answers, "a run ends with Finished or an error"
        return answers[0] if isinstance(question, str) else list(answers)

    async def stored(
        self,
        question: str | Questions,
        corpus: Corpus | Iterable[Document],
        *,
        follow: str | None = None,
    ) -> tuple[Answer, ...]:
        """The answers of an earlier run of the same questions on the same text; empty when there is none."""
        job = await self._job(question, corpus, follow)
        found = self.journal.find(job.key) if self.journal else None
        return (
            tuple(replace(answer, run_id=found.id, stored=True) for answer in found.answers) if found else ()
        )

    async def key(
        self, question: str | Questions, corpus: Corpus | Iterable[Document], *, follow: str | None = None
    ) -> str:
        """What `RunRow.key` of a run would be: it changes with all that decides what comes of it."""
        return (await self._job(question, corpus, follow)).key

    async def estimate(
        self,
        question: str | Questions,
        corpus: Corpus | Iterable[Document],
        *,
        follow: str | None = None,
        measure: bool = True,
    ) -> Estimate:
        """What a run would take, without making it. A follow-up is estimated as if its notes did not suffice.

        `measure` lets a few pieces of the text be sent to the model, to learn how it counts tokens and how fast it
        is; without it, nothing is sent.
        """
        job = await self._job(question, corpus, follow)
        policy = job.policy
        if measure:
            await policy.prepare(samples(job.corpus))
        counting = Rehearsal.of(policy) if isinstance(policy, LanguagePolicy) else policy
        chunks = split_corpus(job.corpus, counting.chunk_tokens, counting.count)
        reading = self._reading(job, counting, chunks, UnkeptRun(), lambda _: None)
        name, reason = chosen(self.settings.strategy, reading)
        plan = Plan(name, reason, len(job.corpus.documents), reading.tokens, len(chunks))
        if not isinstance(policy, LanguagePolicy) or not isinstance(counting, Rehearsal):
            return Estimate(plan)
        await get_strategy(name)(reading)
        return await reckon(
            plan,
            counting.tally,
            policy.model,
            sample=mixture(job.corpus) if measure else None,
            pace=self.journal.pace(policy.name) if self.journal else None,
            price=self.settings.price_of(policy.name),
        )

    async def read(
        self,
        question: str | Questions,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = False,
        resume: str | None = None,
        follow: str | None = None,
        command: Mapping[str, Any] | None = None,
        stdin: bytes | None = None,
    ) -> AsyncGenerator[Event, None]:
        """Reads and answers, telling what happens; the last event is Finished.

        With a journal, an unfinished run of the same questions on the same text by the same policy goes on
        where it stopped, and a finished one gives its answers at once, unless `fresh`. `resume` names the run that
        must go on, `follow` the one that is followed up. `command` and `stdin` are kept for `longread runs resume`.
        Raises LongreadError; the journal then holds all that was done.
        """
        job = await self._job(question, corpus, follow)
        run: JournaledRun | UnkeptRun
        resumed = False
        caps = Caps(self.settings.max_calls, self.settings.max_total_tokens, self.settings.max_cost)
        if self.journal is None:
            run = UnkeptRun(caps)
        else:
            earlier = None if fresh else self.journal.find(job.key)
            if resume:
                earlier = self.journal.get(resume)
                if earlier.key != job.key:
                    raise UsageError(
                        f"text, settings or model have changed since run {resume}, so it cannot go on; "
                        "ask the question again to start a new run"
                    )
            if earlier and earlier.answers:
                stored = (replace(answer, run_id=earlier.id, stored=True) for answer in earlier.answers)
                yield Finished(tuple(stored))
                return
            if earlier:
                run, resumed = self.journal.resume(earlier.id, caps, command), True
            else:
                run = self.journal.begin(
                    job.key,
                    job.questions,
                    job.policy.name,
                    job.corpus,
                    command or {},
                    stdin,
                    parent=job.parent,
                    caps=caps,
                    fenced_as_before=self.settings.chunk_first,
                )
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(job, run, resumed, events))
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            work.cancel()
            with CancelScope(shield=True):  # anyio cancels again at each `await`: the run would stay locked
                await asyncio.wait([work])
            if isinstance(run, JournaledRun):
                run.close()

    async def _work(
        self,
        job: Job,
        run: JournaledRun | UnkeptRun,
        resumed: bool,
        events: asyncio.Queue[Event | None],
    ) -> None:
        try:
            start = asyncio.get_running_loop().time()
            chunks = run.chunks() if isinstance(run, JournaledRun) else None
            if chunks is None:
                await job.policy.prepare(samples(job.corpus))
            policy = job.policy.bind(run)
            if chunks is None:
                chunks = split_corpus(job.corpus, policy.chunk_tokens, policy.count)
            reading = self._reading(job, policy, chunks, run, events.put_nowait)
            name, reason = chosen(self.settings.strategy, reading)
            began = run.settle("strategy", name)  # a server may have other slots by now
            if began != name:
                name, reason = began, "as the run began"
            if isinstance(run, JournaledRun):
                run.plan(name, chunks)
            events.put_nowait(
                Started(
                    run.id,
                    name,
                    reason,
                    len(job.corpus.documents),
                    len(chunks),
                    reading.tokens,
                    resumed,
                    job.parent,
                )
            )
            name, drafts = await self._read(name, reading)
            usage = run.usage()
            answers = tuple(
                Answer(
                    text=draft.text,
                    answered=draft.answered,
                    citations=citations(draft, job.corpus),
                    strategy=name,
                    model=policy.name,
                    usage=usage,
                    chunks=reading.count,
                    stopped=draft.stopped,
                    seconds=asyncio.get_running_loop().time() - start,
                    run_id=run.id,
                    question=question,
                )
                for question, draft in zip(job.questions, drafts, strict=True)
            )
            if isinstance(run, JournaledRun):
                answers = run.finish(answers)
            events.put_nowait(Finished(answers))
        except asyncio.CancelledError:
            _note_end(run, "interrupted", "interrupted")
            raise
        except CapReached as error:
            _note_end(run, "stopped", str(error))
            raise
        except Exception as error:
            _note_end(run, "failed", str(error) or type(error).__name__)
            raise

    async def _read(self, strategy: str, reading: Reading) -> tuple[str, Sequence[Draft]]:
        """What was done, and the drafts that came of it."""
        if reading.inherited != Notes():
            reading.run.step(-1, 0, -1, Notes(), reading.inherited, Change((), ()))
            if reading.policy.recalls and (drafts := await reading.recall()):
                return NOTES, drafts
        return strategy, await get_strategy(strategy)(reading)

    async def calls(self, id: str, corpus: Corpus) -> list[Call]:
        """The calls of a run in the journal, with the prompts, made again from its text, notes and replies.

        Without asking the model: `AbsentModel` can stand in for it. UsageError when the text is not that of the run.
        """
        if self.journal is None:
            raise UsageError(f"run {id} cannot be looked at without a journal")
        row = self.journal.get(id)
        if list(self.journal.documents(id)) != [document.id for document in corpus.documents]:
            raise UsageError(f"the documents of run {id} have changed, so its prompts cannot be made again")
        job = await self._job(row.questions, corpus, row.parent)
        chunks = self.journal.chunks(id)
        if not isinstance(job.policy, LanguagePolicy) or not chunks or not row.strategy:
            return []
        run = ReplayedRun(self.journal, id)
        watched = WatchedModel(job.policy.model, run)
        policy = replace(job.policy.bind(run), model=watched)
        reading = self._reading(job, policy, chunks, run, lambda _: None)
        with suppress(NotRecordedError, ModelError):  # where the run ended
            await self._read(row.strategy, reading)
        return watched.calls

    async def _job(
        self, question: str | Questions, corpus: Corpus | Iterable[Document], follow: str | None
    ) -> Job:
        policy = await self.policy()
        if self.settings.strategy == "rounds" and not policy.apart:
            raise UsageError(
                "rounds puts notes of many chunks together, and the memory of these prompts is one text; take "
                "--strategy sequential, or prompts whose format is ledger"
            )
        return make_job(
            question,
            corpus,
            policy,
            follow=follow,
            journal=self.journal,
            reads_as=(
                self.settings.strategy,
                self.truncate,
                self.settings.revisits,
                self.settings.early_exit,
            ),
        )

    def _reading(
        self,
        job: Job,
        policy: Policy,
        chunks: Sequence[Chunk],
        run: Run,
        emit: Callable[[Event], None],
    ) -> Reading:
        sections = Sections(job.corpus, chunks)
        return Reading(
            job.questions,
            policy,
            sections,
            run,
            emit,
            self.truncate,
            self.settings.revisits,
            self.settings.early_exit,
            job.history,
            job.inherited,
        )

    async def close(self) -> None:
        """Releases the model. The next question opens it again."""
        policy, self._policy = self._policy, None
        model = getattr(policy, "model", None)
        if model is not None and (self._given is None or isinstance(self._given, str)):
            await model.close()


def _note_end(run: JournaledRun | UnkeptRun, status: str, error: str) -> None:
    """Keeps why a run ended; when the journal itself is what failed, the first error is the one to show."""
    if isinstance(run, JournaledRun):
        try:
            run.fail(status, error)
        except LongreadError:
            return
