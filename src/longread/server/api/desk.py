"""Takes on runs: lets them wait, read side by side, share a read, and be stopped.

Questions about the same documents that arrive within a moment, or while the first of them waits, are read for
together: one read answers them all for little more than the price of one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
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
from longread.server.api.errors import Refusal
from longread.server.api.limits import Limits
from longread.server.api.live import Live, Wish
from longread.server.api.owners import Owner
from longread.server.api.told import Teller, answered
from longread.types import Corpus

_log = logging.getLogger(__name__)
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
        corpus = await to_thread.run_sync(owner.library.corpus, wish.files)
        if not (agreed or self.yes):
            await self._check_consent(owner, wish, corpus)
        self._forget()
        if live := self._joined(owner, wish):
            live.kept |= kept
            return live
        self._check_room(owner)
        ahead = self.waiting if self.running >= self._limits.runs else 0
        live = Live(owner.name, wish, lambda name, data: self.listener(name, data), kept=kept)
        self.live[live.ticket] = live
        live.tell("queued", {"ahead": ahead})
        live.task = asyncio.create_task(self._work(owner, live, corpus))
        return live

    def of(self, owner: Owner, ticket: str) -> Live:
        """The run of that ticket. Refusal where it is another's or forgotten."""
        live = self.live.get(ticket)
        if live is None or live.owner != owner.name:
            raise Refusal(
                404, "there is no such run; it may be over: the list of runs has it", "run_not_found"
            )
        return live

    def tickets(self, owner: Owner) -> dict[str, str]:
        """The tickets of an owner's runs that are worked on, by run."""
        return {
            live.run_id: live.ticket
            for live in self.live.values()
            if live.owner == owner.name and live.run_id and not live.over
        }

    def in_use(self, owner: Owner) -> set[str]:
        """Files of an owner that are being read."""
        return {id for live in self._of(owner) for id in live.wish.files}

    @property
    def running(self) -> int:
        """Runs that read."""
        return sum(live.begun and not live.over for live in self.live.values())

    @property
    def waiting(self) -> int:
        """Runs that wait."""
        return sum(not live.begun and not live.over for live in self.live.values())

    async def close(self) -> None:
        """Stops all runs; the journal keeps what they have read."""
        self._closing = True
        tasks = [live.task for live in self.live.values() if live.task is not None and not live.over]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _of(self, owner: Owner) -> list[Live]:
        return [live for live in self.live.values() if live.owner == owner.name and not live.over]

    def _joined(self, owner: Owner, wish: Wish) -> Live | None:
        """A run that answers the wish too."""
        for live in self._of(owner):
            if wish.resume and live.run_id == wish.resume:
                return live
            if not wish.joins(live.wish):
                continue
            together = tuple(dict.fromkeys((*live.wish.questions, *wish.questions)))
            if together == live.wish.questions:
                return live
            if not live.begun and len(together) <= _TOGETHER:
                live.wish = replace(live.wish, questions=together)
                return live
        return None

    def _check_room(self, owner: Owner) -> None:
        if self._closing:
            raise Refusal(
                503, "the server is shutting down; ask again when it is back", "shutting_down", _WAIT
            )
        if self.waiting >= self._limits.queue:
            raise Refusal(429, f"{self.waiting:,} runs wait already; ask again later", "queue_full", _WAIT)
        if len(self._of(owner)) >= self._limits.key_runs:
            raise Refusal(
                429,
                "this key has as many runs as it may have; wait until one is over",
                "too_many_runs",
                _WAIT,
            )
        owner.check_quota()

    async def _check_consent(self, owner: Owner, wish: Wish, corpus: Corpus) -> None:
        reader = self.reader(owner)
        try:
            what = await needs_consent(
                self.opened, reader, wish.questions, corpus, follow=wish.follow, fresh=wish.fresh
            )
        except LongreadError as error:
            raise Refusal(400, str(error), "invalid_request") from error
        if what:
            raise Refusal(403, what, CONSENT)

    def reader(self, owner: Owner) -> Reader:
        """Reads into the journal of an owner."""
        return Reader(self.opened.policy, settings=self.settings, journal=owner.journal)

    async def _work(self, owner: Owner, live: Live, corpus: Corpus) -> None:
        try:
            await asyncio.sleep(_GATHER)
            async with self._slots:
                live.begun = True
                await self._read(owner, live, corpus)
        except asyncio.CancelledError:
            _fail(live, "it was stopped; what was read is kept", "interrupted")
        except CapReached as error:
            _fail(live, str(error), "stopped")
        except LongreadError as error:
            _fail(live, str(error), "failed")
        except Exception:
            _log.exception("run %s failed", live.run_id)
            _fail(live, "the server failed; its log says why", "failed")
        finally:
            live.end()

    async def _read(self, owner: Owner, live: Live, corpus: Corpus) -> None:
        wish = self._known(owner, live.wish)
        live.wish = wish
        if wish.resume and (row := owner.journal.get(wish.resume)).answers:
            sources = owner.journal.documents(row.id)
            told = [answered(replace(answer, run_id=row.id, stored=True), sources) for answer in row.answers]
            live.run_id = row.id
            live.tell("finished", {"run_id": row.id, "answers": told, "stored": True})
            return
        teller = Teller(wish.questions, corpus)
        command = {"questions": list(wish.questions), "files": list(wish.files), "settings": self._kept}
        events = self.reader(owner).read(
            wish.questions, corpus, fresh=wish.fresh, resume=wish.resume, follow=wish.follow, command=command
        )
        async with aclosing(events):
            async for event in events:
                if isinstance(event, Started):
                    live.run_id = event.run_id
                if isinstance(event, Finished):
                    live.run_id = event.answers[0].run_id
                chunks = (
                    owner.journal.chunks(live.run_id) if isinstance(event, Started) and live.run_id else ()
                )
                live.tell(*teller.tell(event, chunks))
        await to_thread.run_sync(owner.journal.prune, self.settings.keep_days, self.settings.keep_runs)

    def _known(self, owner: Owner, wish: Wish) -> Wish:
        """The wish as an earlier run had it among others. The reader itself finds runs with the same questions."""
        if wish.resume or wish.fresh or wish.follow:
            return wish
        for row in owner.journal.list(_LOOKED_AT):
            if self._answers(row, wish) and tuple(row.questions) != wish.questions:
                return replace(wish, questions=row.questions, resume=row.id)
        return wish

    def _answers(self, row: RunRow, wish: Wish) -> bool:
        return (
            row.parent is None
            and row.command.get("files") == list(wish.files)
            and row.command.get("settings") == self._kept
            and set(wish.questions) <= set(row.questions)
        )

    def _forget(self) -> None:
        now = time.monotonic()
        for ticket, live in list(self.live.items()):
            if live.over and (now - live.ended > _REMEMBERED or not live.kept) and not live.watchers:
                del self.live[ticket]


def _fail(live: Live, message: str, status: str) -> None:
    live.tell("failed", {"message": message, "run_id": live.run_id, "status": status})
