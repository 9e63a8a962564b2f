"""Carries out what a client asks for, within the folders and the budget that the user set."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Literal

from anyio import from_thread, to_thread

from longread.config import Settings, one_line
from longread.documents.load import load
from longread.errors import CapReached, LongreadError, UsageError
from longread.reading.consent import needs_consent
from longread.reading.events import ChunkRead, Finished, Started
from longread.reading.journal import Journal, RunRow
from longread.reading.opening import Opened, open_policy
from longread.reading.reader import Reader
from longread.server import results
from longread.server.roots import Roots, named
from longread.types import Answer, Corpus

LAST = "last"
"""The follow-up on whatever run began last."""
_LOOKED_AT = 200
"""Latest runs among which those of the roots are looked for."""
_SOURCES = 10
"""Documents of a run that are named."""

Tell = Callable[[int, int, str], Awaitable[None]]
"""Takes chunks read or skipped, chunks in all, and a message."""


class Service:
    """The three tools, without the protocol.

    Args:
        settings: All settings; a client can change none.
        roots: What a client may have read. The first is the current folder.
        say: Takes remarks for the user.
        yes: Whether the user agreed to read much text at a remote endpoint, or set a cap.
    """

    def __init__(self, settings: Settings, roots: Roots, say: Callable[[str], None], *, yes: bool) -> None:
        self._settings = settings
        self._roots = roots
        self._say = say
        self._yes = yes
        self._journal = Journal(settings.state_dir)
        self._opening = asyncio.Lock()
        self._opened: tuple[Opened, Reader] | None = None

    async def ask(
        self,
        questions: list[str],
        paths: list[str],
        include: list[str],
        exclude: list[str],
        follow_up: str | None,
        tell: Tell,
    ) -> results.Reading:
        """Reads and answers. A cancelled reading makes no further call, and goes on when the same is asked again.

        Raises:
            LongreadError: In one line, with the run that was kept, if any.
        """
        row = await to_thread.run_sync(self._earlier, follow_up) if follow_up else None
        if row and not paths:
            paths, include, exclude = named(row.command), row.command["include"], row.command["exclude"]
        if not paths:
            raise UsageError("nothing to read: name files or folders in paths, such as . for all")
        command: dict[str, Any] = {
            "questions": questions,
            "listed": len(questions) > 1,
            "paths": [self._roots.allow(path) for path in paths],
            "include": include,
            "exclude": exclude,
            "strict": False,
            "truncate": False,
            "folder": str(self._roots.folders[0]),
        } | ({"follows": row.id} if row else {})
        corpus = await to_thread.run_sync(
            partial(
                load,
                *command["paths"],
                pdf=self._settings.pdf,
                include=include,
                exclude=exclude,
                on_file=lambda _: from_thread.check_cancelled(),
            )
        )
        answers = await self._read(command, corpus, tell)
        await to_thread.run_sync(self._journal.prune, self._settings.keep_days, self._settings.keep_runs)
        return results.reading(answers, corpus)

    async def _read(self, command: dict[str, Any], corpus: Corpus, tell: Tell) -> tuple[Answer, ...]:
        opened, reader = await self._open()
        questions, follow = command["questions"], command.get("follows")
        if not self._yes:
            what = await needs_consent(opened, reader, questions, corpus, follow=follow, fresh=False)
            if what:
                raise UsageError(
                    f"{what}; nothing was sent: name less to read, or have `longread mcp` started with --yes "
                    "or with a cap such as --max-total-tokens"
                )
        command["settings"] = opened.kept(self._settings, {})
        run_id = None
        try:
            events = reader.read(questions, corpus, follow=follow, command=command)
            # Closed at once when `tell` is cancelled, not when it is collected.
            async with aclosing(events):
                async for event in events:
                    match event:
                        case Started():
                            run_id = event.run_id
                        case ChunkRead():
                            held = sum(len(notes.entries) for notes in event.notes)
                            message = f"{event.read:,} of {event.total:,} chunks, {held:,} notes"
                            await tell(event.read, event.total, message)
                        case Finished():
                            return event.answers
        except LongreadError as error:
            if run_id is None:
                raise
            higher = ", with a higher cap" if isinstance(error, CapReached) else ""
            raise LongreadError(
                f"{error}; what was read is kept as run {run_id}: ask the same again{higher} to go on"
            ) from error
        raise AssertionError("a run ends with Finished or an error")

    async def _open(self) -> tuple[Opened, Reader]:
        """The model, opened when first needed."""
        async with self._opening:
            if self._opened is None:
                opened = await open_policy(self._settings)
                self._say(opened.choice)
                reader = Reader(opened.policy, settings=self._settings, journal=self._journal)
                self._opened = opened, reader
            return self._opened

    def list_runs(self, limit: int) -> results.Runs:
        """The latest runs over what the roots hold, newest first."""
        rows = self._own()[:limit]
        return results.Runs(runs=[results.run_line(row, self._status(row)) for row in rows])

    def show_run(
        self, run_id: str, part: Literal["answers", "notes"], offset: int, limit: int
    ) -> results.RunShown:
        """A run, with `limit` of its answers or notes from `offset` on. UsageError when there is no such run."""
        row = self._earlier(run_id)
        documents = self._journal.documents(row.id)
        answers = [results.answered(answer) for answer in row.answers]
        notes = [note for step in self._journal.steps(row.id) for note in results.notes(step, documents)]
        total = len(answers if part == "answers" else notes)
        page = slice(offset, offset + limit)
        return results.RunShown(
            run=results.run_line(row, self._status(row)),
            model=row.model,
            strategy=row.strategy,
            error=row.error,
            documents=len(documents),
            sources=list(documents.values())[:_SOURCES],
            answers=answers[page] if part == "answers" else None,
            notes=notes[page] if part == "notes" else None,
            total=total,
            next_offset=page.stop if page.stop < total else None,
        )

    def _earlier(self, run: str) -> RunRow:
        """The run with that id or beginning of one. What lies outside the roots does not exist for a client."""
        own = self._own()
        found = own[:1] if run == LAST else [row for row in own if run and row.id.startswith(run)]
        if len(found) != 1:
            what = f"{len(found)} runs" if found else "no run"
            raise UsageError(
                f"{what} over these folders with the id '{one_line(run, 60)}'; list_runs lists them"
            )
        return found[0]

    def _own(self) -> Sequence[RunRow]:
        return [row for row in self._journal.list(_LOOKED_AT) if self._roots.covers(row.command)]

    def _status(self, row: RunRow) -> str:
        return "killed" if row.status == "running" and not self._journal.busy(row.id) else row.status

    async def close(self) -> None:
        """Releases model and journal."""
        if self._opened:
            await self._opened[0].close()
        self._journal.close()
