"""Carries out a command as the journal keeps it: loads, asks for consent, reads, shows."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import typer

from longread.cli.output import Display, forecast, print_json
from longread.config import Settings, load_settings, resolve_settings
from longread.documents.load import load
from longread.errors import CapReached, InputError, LongreadError, UsageError
from longread.reading.consent import needs_consent
from longread.reading.events import Started
from longread.reading.journal import Journal, RunRow
from longread.reading.objects import as_plan
from longread.reading.opening import Opened, open_policy, policy_for
from longread.reading.policy import Call
from longread.reading.reader import Reader
from longread.reading.replay import AbsentModel
from longread.reading.strategies import get_strategy
from longread.types import Corpus


def execute(
    command: dict[str, Any],
    *,
    stdin: bytes | None = None,
    as_json: bool = False,
    fresh: bool = False,
    resumes: str | None = None,
    dry_run: bool = False,
    yes: bool = False,
) -> None:
    """Runs a command as the journal keeps it, prints its answers, and exits with its code.

    `resumes` is the run that must go on. With `dry_run`, only says what it would take.
    """
    resolved = resolve_settings(command["settings"])  # before the folder changes: state_dir may be relative
    settings = resolved.settings
    _enter(command["folder"])
    if settings.strategy != "auto":
        get_strategy(settings.strategy)  # a wrong name is told before anything is read
    with Display(as_json=as_json, listed=command.get("listed", False)) as display:
        for remark in resolved.remarks:
            display.say(remark)
        journal = Journal(settings.state_dir)
        corpus = _load(command, stdin, settings)
        display.loaded(corpus)
        asking = _Asking(
            command, settings, corpus, journal, display, stdin, fresh, resumes, yes or resolved.capped
        )
        asyncio.run(asking.rehearse(as_json=as_json) if dry_run else asking.read())
        if not dry_run:
            journal.prune(settings.keep_days, settings.keep_runs)
        journal.close()
    raise typer.Exit(0 if all(answer.answered for answer in display.answers) else 3)


async def reread(journal: Journal, row: RunRow, command: dict[str, Any]) -> list[Call]:
    """The calls of a run, from its documents as they are now, without asking its model."""
    settings = load_settings(command["settings"])
    _enter(command["folder"])
    corpus = _load(command, journal.stdin(row.id), settings)
    settled = journal.settled(row.id)
    if settled.get("ratio") is None and settled:  # only the model itself can count its tokens
        policy = (await open_policy(settings)).policy
    else:
        policy = policy_for(AbsentModel(row.model, settled), settings)
    reader = Reader(policy, settings=settings, truncate=command["truncate"], journal=journal)
    return await reader.calls(row.id, corpus)


def _enter(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise InputError(f"the folder {folder} cannot be entered: {error.strerror}") from error


def _load(command: dict[str, Any], stdin: bytes | None, settings: Settings) -> Corpus:
    return load(
        *command["paths"],
        include=command["include"],
        exclude=command["exclude"],
        strict=command.get("strict", False),
        pdf=settings.pdf,
        stdin=io.BytesIO(stdin) if stdin is not None else None,
    )


@dataclass
class _Asking:
    """A command that is being carried out."""

    command: dict[str, Any]
    settings: Settings
    corpus: Corpus
    journal: Journal
    display: Display
    stdin: bytes | None
    fresh: bool
    resumes: str | None
    yes: bool

    async def rehearse(self, *, as_json: bool) -> None:
        """Says what it would take."""
        async with self._opened() as (opened, reader):
            estimate = await reader.estimate(
                self.command["questions"], self.corpus, follow=self._follows, measure=opened.host is None
            )
            if opened.host:
                self.display.say("nothing was sent: tokens are taken as four bytes each")
            if as_json:
                print_json(as_plan(estimate, opened.policy.name, self.corpus))
            else:
                print(forecast(estimate))

    async def read(self) -> None:
        """Reads and answers."""
        async with self._opened() as (opened, reader):
            await self._agree(opened, reader)
            self.command["settings"] = opened.kept(self.settings, self.command["settings"])
            events = reader.read(
                self.command["questions"],
                self.corpus,
                fresh=self.fresh,
                resume=self.resumes,
                follow=self._follows,
                command=self.command,
                stdin=self.stdin,
            )
            run_id = None
            try:
                async for event in events:
                    if isinstance(event, Started):
                        run_id = event.run_id
                    self.display.show(event)
            except (LongreadError, KeyboardInterrupt, asyncio.CancelledError) as error:
                self.display.stop()
                if run_id:
                    higher = " with a higher cap" if isinstance(error, CapReached) else ""
                    self.display.say(f"what was read is kept; go on{higher}: longread runs resume {run_id}")
                if isinstance(error, LongreadError):
                    raise
                raise typer.Exit(130) from None

    @property
    def _follows(self) -> str | None:
        follows: str | None = self.command.get("follows")
        return follows

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[Opened, Reader]]:
        opened = await open_policy(self.settings)
        self.display.say(opened.choice)
        try:
            yield (
                opened,
                Reader(
                    opened.policy,
                    settings=self.settings,
                    truncate=self.command["truncate"],
                    journal=self.journal,
                ),
            )
        finally:
            await opened.close()

    async def _agree(self, opened: Opened, reader: Reader) -> None:
        """Before much text goes to another machine that may cost money, the user must want it."""
        if self.yes:
            return
        what = await needs_consent(
            opened, reader, self.command["questions"], self.corpus, follow=self._follows, fresh=self.fresh
        )
        if what is None:
            return
        if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(
                f"{what}; give --yes, or a cap such as --max-total-tokens (--dry-run tells more)"
            )
        self.display.say(f"{what}. Go on? [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            self.display.say("nothing was sent")
            raise typer.Exit(1)
