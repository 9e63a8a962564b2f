"""The reader: picks a strategy, runs it, yields events, and ends with an answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from typing import Any

from anyio.from_thread import start_blocking_portal

from longread.config import load_settings
from longread.documents.chunk import split_corpus
from longread.errors import CapReached, LongreadError, UsageError
from longread.models.base import ChatModel
from longread.reading.events import Event, Finished, Started
from longread.reading.journal import Journal, JournaledRun
from longread.reading.opening import open_policy, policy_for
from longread.reading.policy import Draft, Policy
from longread.reading.recording import UnkeptRun
from longread.reading.section import Sections
from longread.reading.strategies import Reading, get_strategy
from longread.types import Answer, Citation, Corpus, Document

_SAMPLES = 4
_SAMPLE = 8_000
"""Number and characters of the pieces that token counts are calibrated with."""


class Reader:
    """Answers questions over documents.

    Args:
        model: a model's name (as on the command line), a ChatModel, or a Policy. None takes what environment
            and configuration say, then a model server running on this machine, then the extractive policy.
        strategy: auto, full, sequential, search, or any registered name; None leaves it to the settings.
        truncate: lets `full` cut too long a text in the middle.
        journal: where runs are kept; None keeps nothing.
        settings: any of `longread.config.Settings`, `base_url` among them.
    """

    def __init__(
        self,
        model: str | ChatModel | Policy | None = None,
        *,
        strategy: str | None = None,
        truncate: bool = False,
        journal: Journal | None = None,
        **settings: Any,
    ) -> None:
        self.settings = load_settings(
            settings
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

    def ask(self, question: str, corpus: Corpus | Iterable[Document], *, fresh: bool = False) -> Answer:
        """The answer, synchronously; works inside a running event loop too (a notebook, say)."""

        with start_blocking_portal() as portal:
            return portal.call(partial(self.aask, question, corpus, fresh=fresh))

    async def aask(
        self, question: str, corpus: Corpus | Iterable[Document], *, fresh: bool = False
    ) -> Answer:
        """The answer."""
        answer = None
        async for event in self.read(question, corpus, fresh=fresh):
            if isinstance(event, Finished):
                answer = event.answer
        assert answer is not None, "a run ends with Finished or an error"
        return answer

    async def read(
        self,
        question: str,
        corpus: Corpus | Iterable[Document],
        *,
        fresh: bool = False,
        resume: str | None = None,
        command: Mapping[str, Any] | None = None,
        stdin: bytes | None = None,
    ) -> AsyncIterator[Event]:
        """Reads and answers, telling what happens; the last event is Finished.

        With a journal, an unfinished run of the same question on the same text by the same policy goes on
        where it stopped, and a finished one gives its answer at once, unless `fresh`. `resume` names the run that
        must go on. `command` and `stdin` are kept for `longread runs resume`. Raises LongreadError; the journal
        then holds all that was done.
        """
        if not question.strip():
            raise UsageError("the question is empty; give one in quotes before the paths")
        question = question.encode("utf-8", "replace").decode()
        if isinstance(corpus, str | PathLike):
            raise UsageError(f"{corpus} is a path; give load({str(corpus)!r})")
        if not isinstance(corpus, Corpus):
            corpus = Corpus(tuple(corpus))
        policy = await self.policy()
        run: JournaledRun | UnkeptRun
        resumed = False
        if self.journal is None:
            run = UnkeptRun()
        else:
            key = self._key(question, policy, corpus)
            earlier = None if fresh else self.journal.find(key)
            if resume:
                earlier = self.journal.get(resume)
                if earlier.key != key:
                    raise UsageError(
                        f"text, settings or model have changed since run {resume}, so it cannot go on; "
                        "ask the question again to start a new run"
                    )
            if earlier and earlier.answer:
                yield Finished(replace(earlier.answer, run_id=earlier.id, stored=True))
                return
            if earlier:
                run, resumed = self.journal.resume(earlier.id), True
            else:
                run = self.journal.begin(key, question, policy.name, corpus, command or {}, stdin)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._work(question, corpus, policy, run, resumed, events))
        work.add_done_callback(lambda _: events.put_nowait(None))
        try:
            while (event := await events.get()) is not None:
                yield event
            await work
        finally:
            if not work.done():
                work.cancel()
                await asyncio.wait([work])
            if isinstance(run, JournaledRun):
                run.close()

    async def _work(
        self,
        question: str,
        corpus: Corpus,
        policy: Policy,
        run: JournaledRun | UnkeptRun,
        resumed: bool,
        events: asyncio.Queue[Event | None],
    ) -> None:
        try:
            start = asyncio.get_running_loop().time()
            chunks = run.chunks() if isinstance(run, JournaledRun) else None
            if chunks is None:
                await policy.prepare(_samples(corpus))
            bound = policy.bind(run)
            if chunks is None:
                chunks = split_corpus(corpus, bound.chunk_tokens, bound.count)
            tokens = sum(chunk.tokens for chunk in chunks)
            name, reason = self._choose(bound, tokens)
            if isinstance(run, JournaledRun):
                run.plan(name, chunks)
            events.put_nowait(
                Started(run.id, name, reason, len(corpus.documents), len(chunks), tokens, resumed)
            )
            reading = Reading(
                question, bound, Sections(corpus, chunks), run, events.put_nowait, self.truncate
            )
            draft = await get_strategy(name)(reading)
            answer = Answer(
                text=draft.text,
                answered=draft.answered,
                citations=citations(draft, corpus),
                strategy=name,
                model=policy.name,
                usage=run.usage(),
                chunks=reading.count,
                stopped=draft.stopped,
                seconds=asyncio.get_running_loop().time() - start,
                run_id=run.id,
            )
            if isinstance(run, JournaledRun):
                answer = run.finish(answer)
            events.put_nowait(Finished(answer))
        except asyncio.CancelledError:
            _note_end(run, "interrupted", "interrupted")
            raise
        except CapReached as error:
            _note_end(run, "stopped", str(error))
            raise
        except Exception as error:
            _note_end(run, "failed", str(error) or type(error).__name__)
            raise

    def _choose(self, policy: Policy, tokens: int) -> tuple[str, str]:
        if self.settings.strategy != "auto":
            return self.settings.strategy, "as asked"
        # Without a window one pass would do, but it shows no progress.
        room = policy.chunk_tokens if policy.room is None else policy.room
        if tokens <= room:
            return "full", f"{tokens:,} tokens fit one pass of {room:,}"
        return "sequential", f"{tokens:,} tokens exceed one pass of {room:,}"

    def _key(self, question: str, policy: Policy, corpus: Corpus) -> str:
        parts = [
            question,
            self.settings.strategy,
            self.truncate,
            policy.fingerprint,
            [d.id for d in corpus.documents],
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    async def close(self) -> None:
        """Releases the model. The next question opens it again."""
        policy, self._policy = self._policy, None
        model = getattr(policy, "model", None)
        if model is not None and (self._given is None or isinstance(self._given, str)):
            await model.close()


def _samples(corpus: Corpus) -> list[str]:
    """A few pieces from all over the text."""
    documents = corpus.documents[:: max(1, len(corpus.documents) // _SAMPLES)][:_SAMPLES]
    middles = [(d.text, max(0, len(d.text) // 2 - _SAMPLE // 2)) for d in documents]
    return [text[start : start + _SAMPLE] for text, start in middles]


def citations(draft: Draft, corpus: Corpus) -> tuple[Citation, ...]:
    """The passages a draft cites, in the order of its markers, as the documents have them."""
    spans = {entry.id: entry.span for entry in draft.notes.entries}
    cited = []
    for id in draft.cited:
        if span := spans.get(id):
            document = corpus.document(span.doc)
            line, page, part = document.locate(span.start)
            cited.append(Citation(document.source, span.start, span.end, line, page, corpus.text(span), part))
    return tuple(cited)


def _note_end(run: JournaledRun | UnkeptRun, status: str, error: str) -> None:
    """Keeps why a run ended; when the journal itself is what failed, the first error is the one to show."""
    if isinstance(run, JournaledRun):
        try:
            run.fail(status, error)
        except LongreadError:
            return
