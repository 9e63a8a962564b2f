"""Takes on runs: lets them wait, read side by side, share a read, and be stopped.

Questions about the same documents that arrive within a moment, or while the first of them waits, are read for
together: one read answers them all for little more than the price of one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from anyio import to_thread

from longread.config import Settings
from longread.errors import CapReached, LongreadError
from longread.reading.consent import needs_consent
from longread.reading.events import Finished, Started
from longread.reading.journal import RunRow
from longread.reading.opening import Opened
from longread.reading.reader import Reader
from longread.server.api.errors import Refusal, log_fault
from longread.server.api.limits import Limits
from longread.server.api.live import Live, Wish
from longread.server.api.owners import Owner
from longread.server.api.told import Teller, answered
from longread.types import Chunk, Corpus

_GATHER = 0.05
"""Seconds in which questions about the same documents find each other."""
_TOGETHER = 8
"""Questions of one read."""
_LOOKED_AT = 100
"""Latest runs among which the same question is looked for."""
_REMEMBERED = 600.0
"""Seconds that the events of a run stay in memory when it is over: a page may have lost its connection."""
CONSENT = "consent_required"
"""The code of a refusal that ends when the user agrees."""
_MOST_REMEMBERED = 200
"""Runs."""
_WAIT = 10
"""Seconds after which it may be worth asking again."""


class Desk:
    """All runs of a server.

    Args:
        opened: The model.
        settings: Of all runs.
        limits: How much is taken on.
        yes: Whether much text may go to an endpoint that may cost money.
    """

    def __init__(self, opened: Opened, settings: Settings, limits: Limits, *, yes: bool) -> None:
        self.opened = opened
        self.settings = settings
        self._limits = limits
        self.yes = yes
        self.listener: Callable[[str, dict[str, Any]], None] = lambda name, data: None
        """Hears of every event of every run."""
        self._slots = asyncio.Semaphore(limits.runs)
        self._kept = opened.kept(settings, {})
        self._closing = False
        self.live: dict[str, Live] = {}
        """By ticket."""

    async def ask(self, owner: Owner, wish: Wish, *, agreed: bool, kept: bool) -> Live:
        """Takes on a wish, joining it to one that waits where both can be answered in one read.

        Args:
            owner: Whose it is.
            wish: Questions and files.
            agreed: Whether much text may go to an endpoint that may cost money.
            kept: Whether the run goes on when nobody watches.

        Raises:
            Refusal: A file is gone, consent is missing, or there is too much to do.
        """
        self._forget()
        corpus = await to_thread.run_sync(owner.library.corpus, wish.files)
        try:
            row = owner.run(wish.resume) if wish.resume else await self._earlier(owner, wish, corpus)
            if row and row.answers:
                return self._known(owner, wish, row, kept=kept)
            if not (agreed or self.yes):
                await self._check_consent(owner, wish, corpus)
        except LongreadError as error:
            raise Refusal(400, str(error), "invalid_request") from error
        if row:
            wish = replace(wish, questions=row.questions, resume=row.id)
        if live := self._joined(owner, wish):
            live.kept |= kept
            return live
        self._check_room(owner)
        ahead = self.waiting if self.running >= self._limits.runs else 0
        live = self._new(owner, wish, kept=kept)
        live.tell("queued", {"ahead": ahead})
        live.task = asyncio.create_task(self._work(owner, live, corpus))
        await asyncio.sleep(0)  # a task that is cancelled before it begins would never say that it is over
        return live

    def of(self, owner: Owner, ticket: str) -> Live:
        """The run of that ticket. Refusal where it is another's or forgotten."""
        live = self.live.get(ticket)
        if live is None or live.owner != owner.name:
            raise Refusal(
                404, "there is no such run; it may be over: the list of runs has it", "run_not_found"
            )
        return live

    def busy(self, owner: Owner) -> dict[str, str]:
        """The tickets of an owner's runs that are worked on, or wait to go on, by run."""
        return {id: live.ticket for live in self._of(owner) if (id := live.run_id or live.wish.resume)}

    def in_use(self, owner: Owner) -> set[str]:
        """Files of an owner that are being read."""
        return {id for live in self._of(owner) for id in live.wish.files}

    @property
    def running(self) -> int:
        """Runs that read."""
        return sum(live.begun and not live.over for live in list(self.live.values()))

    @property
    def waiting(self) -> int:
        """Runs that wait."""
        return sum(not live.begun and not live.over for live in list(self.live.values()))

    async def close(self) -> None:
        """Stops all runs; the journal keeps what they have read."""
        self._closing = True
        tasks = [live.task for live in list(self.live.values()) if live.task is not None and not live.over]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _of(self, owner: Owner) -> list[Live]:
        return [live for live in list(self.live.values()) if live.owner == owner.name and not live.over]

    def _joined(self, owner: Owner, wish: Wish) -> Live | None:
        """A run that answers the wish too."""
        for live in self._of(owner):
            if live.stopping:
                continue
            if wish.within(live.wish) or (wish.resume and wish.resume == live.run_id):
                return live
            together = tuple(dict.fromkeys((*live.wish.questions, *wish.questions)))
            if wish.joins(live.wish) and not live.begun and len(together) <= _TOGETHER:
                live.wish = replace(live.wish, questions=together)
                return live
        return None

    def _check_room(self, owner: Owner) -> None:
        own = self._of(owner)
        if self._closing:
            what = "the server is shutting down; ask again when it is back"
            raise Refusal(503, what, "shutting_down", _WAIT)
        if self.running + self.waiting >= self._limits.runs + self._limits.queue:
            raise Refusal(429, f"{self.waiting:,} runs wait already; ask again later", "queue_full", _WAIT)
        if len(own) >= self._limits.key_runs:
            what = "this key has as many runs as it may have; wait until one is over"
            raise Refusal(429, what, "too_many_runs", _WAIT)
        owner.check_quota(sum(_used(owner, live) for live in own))

    def _new(self, owner: Owner, wish: Wish, *, kept: bool) -> Live:
        live = Live(owner.name, wish, lambda name, data: self.listener(name, data), kept=kept)
        self.live[live.ticket] = live
        return live

    def _known(self, owner: Owner, wish: Wish, row: RunRow, *, kept: bool) -> Live:
        """A run that was over before it was asked for."""
        live = self._new(owner, replace(wish, questions=row.questions), kept=kept)
        live.run_id = row.id
        sources = owner.journal.documents(row.id)
        told = [answered(replace(answer, run_id=row.id, stored=True), sources) for answer in row.answers]
        live.tell("finished", {"run_id": row.id, "answers": told, "stored": True})
        live.end()
        return live

    async def _check_consent(self, owner: Owner, wish: Wish, corpus: Corpus) -> None:
        what = await needs_consent(
            self.opened, self.reader(owner), wish.questions, corpus, follow=wish.follow, fresh=wish.fresh
        )
        if what:
            raise Refusal(403, what, CONSENT)

    def reader(self, owner: Owner) -> Reader:
        """Reads into the journal of an owner."""
        return Reader(self.opened.policy, settings=self.settings, journal=owner.journal)

    async def _earlier(self, owner: Owner, wish: Wish, corpus: Corpus) -> RunRow | None:
        """The latest run that asked the same, perhaps among other questions, and can go on or has the answer."""
        if wish.fresh:
            return None
        for row in owner.journal.list(_LOOKED_AT):
            asked = row.parent == wish.follow and set(wish.questions) <= set(row.questions)
            if asked and row.command.get("files") == list(wish.files):
                key = await self.reader(owner).key(row.questions, corpus, follow=row.parent)
                if row.key == key:
                    return row
        return None

    async def _work(self, owner: Owner, live: Live, corpus: Corpus) -> None:
        try:
            await asyncio.sleep(_GATHER)
            leaving = [one.task for one in self._of(owner) if one.stopping and one.task and one is not live]
            if leaving:  # they may hold the very run that goes on here
                await asyncio.wait(leaving)
            async with self._slots:
                live.begun = True
                await self._read(owner, live, corpus)
        except asyncio.CancelledError:
            _fail(live, "it was stopped; what was read is kept", "interrupted")
        except CapReached as error:
            _fail(live, str(error), "stopped")
        except LongreadError as error:
            _fail(live, str(error), "failed")
        except Exception as error:
            log_fault(error)
            _fail(live, "the server failed; its log says where", "failed")
        finally:
            live.end()
            owner.spend(_used(owner, live))
        # No longer part of the run: whoever leaves now stops nothing.
        await to_thread.run_sync(owner.journal.prune, self.settings.keep_days, self.settings.keep_runs)

    async def _read(self, owner: Owner, live: Live, corpus: Corpus) -> None:
        wish = live.wish
        teller = Teller(wish.questions, corpus)
        command = {"questions": list(wish.questions), "files": list(wish.files), "settings": self._kept}
        events = self.reader(owner).read(
            wish.questions, corpus, fresh=wish.fresh, resume=wish.resume, follow=wish.follow, command=command
        )
        async with aclosing(events):
            async for event in events:
                chunks: Sequence[Chunk] = ()
                if isinstance(event, Started):
                    assert event.run_id, "a reader with a journal names its runs"
                    live.run_id = event.run_id
                    chunks = owner.journal.chunks(event.run_id)
                if isinstance(event, Finished):
                    live.run_id = event.answers[0].run_id
                live.tell(*teller.tell(event, chunks))

    def _forget(self) -> None:
        """Drops runs that are over: after a while, and the oldest of too many."""
        now = time.monotonic()
        over = [live for live in self.live.values() if live.over and not live.watchers]
        for position, live in enumerate(over):
            old = now - live.ended > _REMEMBERED or len(over) - position > _MOST_REMEMBERED
            if old or not live.kept:
                del self.live[live.ticket]


def _used(owner: Owner, live: Live) -> int:
    """Tokens that a run has used since it was taken on."""
    return owner.journal.used(live.run_id, live.since) if live.run_id else 0


def _fail(live: Live, message: str, status: str) -> None:
    live.tell("failed", {"message": message, "run_id": live.run_id, "status": status})
