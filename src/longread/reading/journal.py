"""Every step of every run on disk: resume, history, audit.

One SQLite file in WAL mode. A reply is committed as soon as it is there, so that repeating a run repeats at most
the calls that were in flight: the run is replayed from its recorded replies, which takes milliseconds, and
goes on with the first that is missing. Prompts are not stored; they follow from documents, notes and nonce,
and only their hashes serve as keys.
"""

from __future__ import annotations

import json
import secrets
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock, Timeout

from longread.errors import LongreadError, RunBusyError, UsageError
from longread.models.base import Reply
from longread.reading.caps import NO_CAPS, Caps
from longread.reading.database import Database
from longread.reading.notes import Entry, Notes, Refuse
from longread.reading.run import JournaledRun, read_answers, read_chunks, read_reply
from longread.reading.schema import prepare
from longread.types import Answer, Chunk, Corpus, Span

_DAY = 86_400.0


@dataclass(frozen=True)
class RunRow:
    """What the journal says about a run."""

    id: str
    key: str
    """Hash of question, text and settings."""
    status: str
    """running, done, failed, stopped or interrupted; a run that says running but is not locked was killed."""
    questions: tuple[str, ...]
    command: dict[str, Any]
    """What it takes to repeat the command: paths, folder and settings, never a key."""
    strategy: str | None
    model: str
    total: int | None
    noted: int
    steps: int
    """Chunks read."""
    skipped: int
    """Chunks that had no name that was asked for, once the run is done."""
    error: str | None
    seconds: float
    created: float
    updated: float
    answers: tuple[Answer, ...]
    """In the order of the questions; empty until the run is done."""
    parent: str | None
    """The run it follows up on."""


@dataclass(frozen=True)
class StepRow:
    """One step of a run, for people to read."""

    position: int
    question: int
    """Position of the question among those of the run."""
    chunk: int
    """-1 for what was taken over from the run before (at position -1), and where all notes were gone through."""
    version: int
    added: tuple[Entry, ...]
    operations: tuple[dict[str, Any], ...]
    dropped: tuple[Entry, ...]
    plan: str
    memory: str

    @property
    def refused(self) -> list[Refuse]:
        """Notes that were not taken."""
        refused = [one for one in self.operations if one["kind"] == "refuse"]
        # Earlier journals say instead whether the quote stands in the text.
        return [
            Refuse(
                one["claim"],
                one["quote"],
                one.get("reason", "unconfirmed" if one.get("stands") else "inexact"),
            )
            for one in refused
        ]


class Pace(NamedTuple):
    """How a model has done in earlier runs."""

    calls: int
    output_tokens: float
    """Of a call, thinking included."""
    seconds: float
    """For a token, input and output alike."""


class Journal:
    """The journal file. Only its owner can read it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=True)
            (folder / "locks").mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise LongreadError(
                f"the folder {folder} cannot hold the journal: {error.strerror}; set state_dir elsewhere"
            ) from error
        self._db = Database(folder / "journal.db")
        prepare(self._db)

    def find(self, key: str) -> RunRow | None:
        """The latest run of the same command on the same text."""
        row = self._db.row("SELECT id FROM runs WHERE key = ? ORDER BY created DESC LIMIT 1", (key,))
        return self.get(row["id"]) if row else None

    def begin(
        self,
        key: str,
        questions: Sequence[str],
        model: str,
        corpus: Corpus,
        command: Mapping[str, Any],
        stdin: bytes | None = None,
        *,
        parent: str | None = None,
        caps: Caps = NO_CAPS,
        fenced_as_before: bool = False,
    ) -> JournaledRun:
        """A new run. Its text may be fenced as in an earlier run on the very same text, which could not know the word
        either; prompts then begin alike, as prefix caches need."""
        id, now = secrets.token_hex(6), time.time()
        fence = self._fence(corpus) if fenced_as_before else None
        lock = self._acquire(id)
        with self._db.transaction():
            self._db.rows(
                "INSERT INTO runs (id, key, nonce, status, questions, command, model, created, updated, parent) "
                "VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?, ?)",
                (
                    id,
                    key,
                    fence or secrets.token_hex(8),
                    json.dumps(list(questions)),
                    json.dumps(command),
                    model,
                    now,
                    now,
                    parent,
                ),
            )
            self._db.each(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
                [(id, i, d.id, d.source, len(d.text)) for i, d in enumerate(corpus.documents)],
            )
            if stdin is not None:
                self._db.rows("INSERT INTO inputs VALUES (?, ?)", (id, zlib.compress(stdin)))
        return JournaledRun(self._db, lock, id, caps)

    def _fence(self, corpus: Corpus) -> str | None:
        """The word that fenced the same documents last."""
        ids = [document.id for document in corpus.documents]
        rows = self._db.rows(
            "SELECT runs.id, nonce FROM runs JOIN documents ON run = runs.id AND position = 0 AND documents.id = ? "
            "ORDER BY runs.created DESC LIMIT 20",
            (ids[0] if ids else "",),
        )
        same = (row["nonce"] for row in rows if list(self.documents(row["id"])) == ids)
        return next(same, None)

    def resume(self, id: str, caps: Caps = NO_CAPS, command: Mapping[str, Any] | None = None) -> JournaledRun:
        """An unfinished run again, by a command with other caps perhaps. RunBusyError while a process works on it."""
        lock = self._acquire(id)
        with self._db.transaction():
            self._db.rows(
                "UPDATE runs SET status = 'running', error = NULL, command = coalesce(?, command) WHERE id = ?",
                (json.dumps(command) if command else None, id),
            )
        return JournaledRun(self._db, lock, id, caps)

    def _acquire(self, id: str) -> FileLock:
        lock = FileLock(self._folder / "locks" / f"{id}.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise RunBusyError(
                f"run {id} is being worked on by another process; wait until it is done"
            ) from None
        return lock

    def busy(self, id: str) -> bool:
        """Whether a process works on the run."""
        try:
            self._acquire(id).release()
        except RunBusyError:
            return True
        return False

    def resolve(self, prefix: str) -> str:
        """The full id of the one run whose id begins with `prefix`; UsageError otherwise."""
        rows = self._db.rows(
            "SELECT id FROM runs WHERE ?1 != '' AND substr(id, 1, length(?1)) = ?1", (prefix,)
        )
        if len(rows) != 1:
            what = "no run" if not rows else f"{len(rows)} runs"
            raise UsageError(f"{what} with an id that begins with '{prefix}'; `longread runs` lists them")
        return str(rows[0]["id"])

    def get(self, id: str) -> RunRow:
        """One run by its full id; KeyError when there is none."""
        row = self._db.row("SELECT * FROM runs WHERE id = ?", (id,))
        if row is None:
            raise KeyError(id)
        steps, noted = self._db.row(
            "SELECT count(DISTINCT chunk), count(DISTINCT iif(version_after > version_before, chunk, NULL)) "
            "FROM steps WHERE run = ? AND chunk >= 0",
            (id,),
        )
        answers = read_answers(row["answers"]) if row["answers"] else ()
        count = answers[0].chunks if answers else None
        return RunRow(
            id=id,
            key=row["key"],
            status=row["status"],
            questions=tuple(json.loads(row["questions"])),
            command=json.loads(row["command"]),
            strategy=row["strategy"],
            model=row["model"],
            total=row["total"],
            noted=count.noted if count else noted,
            steps=count.read if count else steps,
            skipped=count.skipped if count else 0,
            error=row["error"],
            seconds=row["seconds"],
            created=row["created"],
            updated=row["updated"],
            answers=answers,
            parent=row["parent"],
        )

    def latest(self) -> RunRow | None:
        """The run that began last, if there is any."""
        return next(iter(self.list(1)), None)

    def list(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        rows = self._db.rows("SELECT id FROM runs ORDER BY created DESC LIMIT ?", (limit,))
        return [self.get(row["id"]) for row in rows]

    def steps(self, id: str) -> Iterator[StepRow]:
        """The steps of a run in order."""
        for row in self._db.rows("SELECT * FROM steps WHERE run = ? ORDER BY position, question", (id,)):
            yield StepRow(
                row["position"],
                row["question"],
                row["chunk"],
                row["version_after"],
                tuple(_entry(e) for e in json.loads(row["added"])),
                tuple(json.loads(row["operations"])),
                tuple(_entry(e) for e in json.loads(row["dropped"])),
                row["plan"],
                row["memory"],
            )

    def notes(self, id: str) -> Notes:
        """What a run held in its notes at the end, for all its questions together."""
        held: dict[tuple[int, int], Entry] = {}
        memories: dict[int, str] = {}
        for step in self.steps(id):
            held |= {(step.question, entry.id): entry for entry in step.added}
            for entry in step.dropped:
                held.pop((step.question, entry.id), None)
            memories[step.question] = step.memory
        unique = {(entry.span, entry.claim): entry for entry in held.values()}
        entries = tuple(
            entry._replace(id=number, replaces=None) for number, entry in enumerate(unique.values(), 1)
        )
        memory = "\n".join(filter(None, memories.values()))
        return Notes(entries, memory=memory, next_id=len(entries) + 1)

    def pace(self, model: str) -> Pace | None:
        """How a model did in the runs that were finished; None when there is none to go by."""
        row = self._db.row(
            "SELECT count(*) AS calls, avg(output_tokens) AS output, sum(input_tokens + output_tokens) AS tokens, "
            "(SELECT sum(seconds) FROM runs WHERE model = ?1 AND status = 'done') AS seconds "
            "FROM calls JOIN runs ON runs.id = calls.run WHERE model = ?1 AND status = 'done'",
            (model,),
        )
        return Pace(row["calls"], row["output"], row["seconds"] / row["tokens"]) if row["tokens"] else None

    def used(self, id: str, since: float) -> int:
        """Tokens of a run's calls since then (seconds since 1970), estimated where the server did not say."""
        row = self._db.row(
            "SELECT sum(coalesce(input_tokens + output_tokens, estimate)) AS tokens FROM calls "
            "WHERE run = ? AND created >= ?",
            (id, since),
        )
        return row["tokens"] or 0

    def delete(self, id: str) -> None:
        """Removes a run for good. RunBusyError while a process works on it."""
        lock = self._acquire(id)
        self._db.rows("DELETE FROM runs WHERE id = ?", (id,))
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)

    def prune(self, keep_days: float | None, keep_runs: int | None) -> int:
        """Deletes runs older than so many days and all but the latest so many; gives their number."""
        rows = self._db.rows("SELECT id, updated FROM runs ORDER BY created DESC")
        oldest = time.time() - keep_days * _DAY if keep_days is not None else 0.0
        deleted = 0
        for position, row in enumerate(rows):
            if row["updated"] < oldest or (keep_runs is not None and position >= keep_runs):
                try:
                    self.delete(row["id"])
                except RunBusyError:
                    continue  # someone works on it, so it is wanted
                deleted += 1
        return deleted

    def compact(self) -> None:
        """Gives the room of deleted runs back to the disk."""
        self._db.rows("VACUUM")
        self._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")

    def documents(self, id: str) -> dict[str, str]:
        """Id -> source of a run's documents, in order."""
        rows = self._db.rows("SELECT id, source FROM documents WHERE run = ? ORDER BY position", (id,))
        return {row["id"]: row["source"] for row in rows}

    def chunks(self, id: str) -> Sequence[Chunk]:
        """The division of a run's text; empty when the run ended before it was made."""
        row = self._db.row("SELECT chunks FROM runs WHERE id = ?", (id,))
        return read_chunks(row["chunks"]) if row["chunks"] else ()

    def settled(self, id: str) -> dict[str, Any]:
        """What a run fixed when it began."""
        settled: dict[str, Any] = json.loads(
            self._db.row("SELECT settled FROM runs WHERE id = ?", (id,))["settled"]
        )
        return settled

    def nonce(self, id: str) -> str:
        """The word that fences document text in a run's prompts."""
        return str(self._db.row("SELECT nonce FROM runs WHERE id = ?", (id,))["nonce"])

    def reply(self, id: str, key: str) -> Reply | None:
        """What a run has recorded under `key`, also when it led nowhere."""
        row = self._db.row("SELECT * FROM calls WHERE run = ? AND key = ?", (id, key))
        return read_reply(row) if row else None

    def stdin(self, id: str) -> bytes | None:
        """What a run read from standard input."""
        row = self._db.row("SELECT content FROM inputs WHERE run = ?", (id,))
        return zlib.decompress(row["content"]) if row else None

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _entry(fields: list[Any]) -> Entry:
    entry = Entry(*fields)
    return entry._replace(span=Span(*entry.span) if entry.span else None)
