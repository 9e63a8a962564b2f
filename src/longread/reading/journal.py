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
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from longread.errors import LongreadError, RunBusyError, UsageError
from longread.models.base import Reply
from longread.reading.database import Database
from longread.reading.notes import Entry, Notes
from longread.reading.recording import Change
from longread.types import Answer, Chunk, ChunkCount, Citation, Corpus, Span, Usage

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE runs (
  id TEXT PRIMARY KEY, key TEXT NOT NULL, nonce TEXT NOT NULL, status TEXT NOT NULL,
  question TEXT NOT NULL, command TEXT NOT NULL, strategy TEXT, model TEXT NOT NULL,
  chunks BLOB, total INTEGER, settled TEXT NOT NULL DEFAULT '{}', answer TEXT, error TEXT,
  seconds REAL NOT NULL DEFAULT 0, created REAL NOT NULL, updated REAL NOT NULL);
CREATE INDEX runs_key ON runs (key, created);
CREATE TABLE documents (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL,
  id TEXT NOT NULL, source TEXT NOT NULL, characters INTEGER NOT NULL, PRIMARY KEY (run, position));
CREATE TABLE inputs (
  run TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, content BLOB NOT NULL);
CREATE TABLE calls (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, key TEXT NOT NULL,
  text TEXT NOT NULL, thinking TEXT NOT NULL, finish TEXT NOT NULL,
  token_ids BLOB, prompt_ids BLOB, logprobs BLOB,
  input_tokens INTEGER, cached_tokens INTEGER, output_tokens INTEGER, cost REAL,
  void INTEGER NOT NULL DEFAULT 0, created REAL NOT NULL, PRIMARY KEY (run, key));
CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, position INTEGER NOT NULL, chunk INTEGER NOT NULL,
  version_before INTEGER NOT NULL, version_after INTEGER NOT NULL,
  operations TEXT NOT NULL, added TEXT NOT NULL, dropped TEXT NOT NULL, plan TEXT NOT NULL,
  memory TEXT NOT NULL, PRIMARY KEY (run, position));
"""


@dataclass(frozen=True)
class RunRow:
    """What the journal says about a run."""

    id: str
    key: str
    """Hash of question, text and settings."""
    status: str
    """running, done, failed, stopped or interrupted; a run that says running but is not locked was killed."""
    question: str
    command: dict[str, Any]
    """What it takes to repeat the command: paths, folder and settings, never a key."""
    strategy: str | None
    model: str
    total: int | None
    noted: int
    steps: int
    """Chunks read."""
    error: str | None
    seconds: float
    created: float
    updated: float
    answer: Answer | None


@dataclass(frozen=True)
class StepRow:
    """One step of a run, for people to read."""

    position: int
    chunk: int
    version: int
    added: tuple[Entry, ...]
    operations: tuple[dict[str, Any], ...]
    dropped: tuple[Entry, ...]
    plan: str
    memory: str


class JournaledRun:
    """One run in the journal. Its lock is held by one process; the system frees it if that process dies."""

    def __init__(self, db: Database, lock: FileLock, id: str, nonce: str) -> None:
        self._db = db
        self._lock = lock
        self._id = id
        self._nonce = nonce
        self._since = time.monotonic()

    @property
    def id(self) -> str:
        """Random id."""
        return self._id

    @property
    def nonce(self) -> str:
        """Random word that fences document text in prompts."""
        return self._nonce

    def recall(self, key: str) -> Reply | None:
        """The reply recorded under `key`, unless it led nowhere."""
        row = self._db.row("SELECT * FROM calls WHERE run = ? AND key = ? AND void = 0", (self._id, key))
        if row is None:
            return None
        usage = Usage(1, row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["cost"])
        return Reply(
            row["text"],
            row["thinking"],
            row["finish"],
            usage,
            _unpack("i", row["token_ids"]),
            _unpack("i", row["prompt_ids"]),
            _unpack("f", row["logprobs"]),
        )

    def record(self, key: str, reply: Reply) -> None:
        """Keeps a reply. One asked for again after it led nowhere goes beside the old one."""
        usage = reply.usage
        with self._write():
            self._db.rows(
                "UPDATE calls SET key = key || '-void-' || rowid WHERE run = ? AND key = ? AND void = 1",
                (self._id, key),
            )
            self._db.rows(
                "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                (
                    self._id,
                    key,
                    reply.text,
                    reply.thinking,
                    reply.finish,
                    _pack("i", reply.token_ids),
                    _pack("i", reply.prompt_ids),
                    _pack("f", reply.logprobs),
                    usage.input_tokens,
                    usage.cached_tokens,
                    usage.output_tokens,
                    usage.cost,
                    time.time(),
                ),
            )

    def void(self, keys: Sequence[str]) -> None:
        """Marks replies to be asked for anew."""
        with self._write():
            self._db.each(
                "UPDATE calls SET void = 1 WHERE run = ? AND key = ?", [(self._id, key) for key in keys]
            )

    def step(self, position: int, chunk: int, before: Notes, after: Notes, change: Change) -> None:
        """Keeps what one section did to the notes; the same again on replay."""
        new = [entry for entry in after.entries if entry.id >= before.next_id]
        operations = [{"kind": type(o).__name__.lower(), **o._asdict()} for o in change.operations]
        with self._write():
            self._db.rows(
                "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._id,
                    position,
                    chunk,
                    before.version,
                    after.version,
                    json.dumps(operations),
                    json.dumps(new),
                    json.dumps(change.dropped),
                    after.plan,
                    after.memory,
                ),
            )

    def settle(self, name: str, value: Any) -> Any:
        """The value this run started with; the first call decides it (for what must not change on resume)."""
        row = self._db.row("SELECT settled FROM runs WHERE id = ?", (self._id,))
        settled = json.loads(row["settled"])
        if name not in settled:
            settled[name] = value
            with self._write():
                self._db.rows("UPDATE runs SET settled = ? WHERE id = ?", (json.dumps(settled), self._id))
        return settled[name]

    def chunks(self) -> list[Chunk] | None:
        """The division of the text this run began with, or None."""
        row = self._db.row("SELECT chunks FROM runs WHERE id = ?", (self._id,))
        if row["chunks"] is None:
            return None
        plan = json.loads(zlib.decompress(row["chunks"]))
        return [
            Chunk(i, tuple(Span(*span) for span in spans), tokens) for i, (tokens, spans) in enumerate(plan)
        ]

    def plan(self, strategy: str, chunks: Sequence[Chunk]) -> None:
        """Keeps the strategy and the division of the text."""
        packed = zlib.compress(json.dumps([(c.tokens, c.spans) for c in chunks]).encode(), 1)
        with self._write():
            self._db.rows(
                "UPDATE runs SET strategy = ?, chunks = ?, total = ? WHERE id = ?",
                (strategy, packed, len(chunks), self._id),
            )

    def usage(self) -> Usage:
        """What all calls of this run cost together, in this process and before."""
        total = Usage()
        for row in self._db.rows(
            "SELECT input_tokens, cached_tokens, output_tokens, cost FROM calls WHERE run = ?", (self._id,)
        ):
            total += Usage(1, *row)
        return total

    def finish(self, answer: Answer) -> Answer:
        """Keeps the answer. Its seconds are those of all processes that worked on the run."""
        with self._write():
            row = self._db.row("SELECT seconds FROM runs WHERE id = ?", (self._id,))
            fields = asdict(answer) | {"seconds": row["seconds"], "stored": False}
            self._db.rows(
                "UPDATE runs SET status = 'done', answer = ?, total = ?, error = NULL WHERE id = ?",
                (json.dumps(fields), answer.chunks.total, self._id),
            )
        return _answer(fields)

    def fail(self, status: str, error: str) -> None:
        """Keeps why the run ended (`failed`, `stopped` or `interrupted`); all steps so far stay."""
        with self._write():
            self._db.rows("UPDATE runs SET status = ?, error = ? WHERE id = ?", (status, error, self._id))

    def close(self) -> None:
        """Frees the run for other processes."""
        self._lock.release()

    @contextmanager
    def _write(self) -> Iterator[None]:
        with self._db.transaction():
            yield
            now = time.monotonic()
            self._db.rows(
                "UPDATE runs SET seconds = seconds + ?, updated = ? WHERE id = ?",
                (now - self._since, time.time(), self._id),
            )
            self._since = now


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
        with self._db.transaction():
            version = self._db.row("PRAGMA user_version")[0]
            if version == 0:
                for statement in filter(str.strip, _SCHEMA.split(";")):
                    self._db.rows(statement)
                self._db.rows(f"PRAGMA user_version = {SCHEMA_VERSION}")
        if version not in (0, SCHEMA_VERSION):
            raise UsageError(
                f"the journal {self._db.path} was written by another version of Longread (format {version}); "
                "set state_dir elsewhere, or update Longread"
            )

    def find(self, key: str) -> RunRow | None:
        """The latest run of the same command on the same text."""
        row = self._db.row("SELECT id FROM runs WHERE key = ? ORDER BY created DESC LIMIT 1", (key,))
        return self.get(row["id"]) if row else None

    def begin(
        self,
        key: str,
        question: str,
        model: str,
        corpus: Corpus,
        command: Mapping[str, Any],
        stdin: bytes | None = None,
    ) -> JournaledRun:
        """A new run."""
        id, now = secrets.token_hex(6), time.time()
        lock = self._acquire(id)
        with self._db.transaction():
            self._db.rows(
                "INSERT INTO runs (id, key, nonce, status, question, command, model, created, updated) "
                "VALUES (?, ?, ?, 'running', ?, ?, ?, ?, ?)",
                (id, key, secrets.token_hex(8), question, json.dumps(command), model, now, now),
            )
            self._db.each(
                "INSERT INTO documents VALUES (?, ?, ?, ?, ?)",
                [(id, i, d.id, d.source, len(d.text)) for i, d in enumerate(corpus.documents)],
            )
            if stdin is not None:
                self._db.rows("INSERT INTO inputs VALUES (?, ?)", (id, zlib.compress(stdin)))
        return self._open(id, lock)

    def resume(self, id: str) -> JournaledRun:
        """An unfinished run again. RunBusyError while another process works on it."""
        lock = self._acquire(id)
        with self._db.transaction():
            self._db.rows("UPDATE runs SET status = 'running', error = NULL WHERE id = ?", (id,))
        return self._open(id, lock)

    def _open(self, id: str, lock: FileLock) -> JournaledRun:
        row = self._db.row("SELECT nonce FROM runs WHERE id = ?", (id,))
        return JournaledRun(self._db, lock, id, row["nonce"])

    def _acquire(self, id: str) -> FileLock:
        lock = FileLock(self._folder / "locks" / f"{id}.lock", timeout=0, mode=0o600)
        try:
            lock.acquire()
        except Timeout:
            raise RunBusyError(
                f"run {id} is being worked on by another process; wait for it, or start anew with --fresh"
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
        rows = self._db.rows("SELECT id FROM runs WHERE substr(id, 1, length(?)) = ?", (prefix, prefix))
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
            "SELECT count(*), count(nullif(version_after, version_before)) FROM steps WHERE run = ?", (id,)
        )
        answer = _answer(json.loads(row["answer"])) if row["answer"] else None
        return RunRow(
            id=id,
            key=row["key"],
            status=row["status"],
            question=row["question"],
            command=json.loads(row["command"]),
            strategy=row["strategy"],
            model=row["model"],
            total=row["total"],
            noted=answer.chunks.noted if answer else noted,
            steps=answer.chunks.read if answer else steps,
            error=row["error"],
            seconds=row["seconds"],
            created=row["created"],
            updated=row["updated"],
            answer=answer,
        )

    def list(self, limit: int = 20) -> list[RunRow]:
        """The latest runs, newest first."""
        rows = self._db.rows("SELECT id FROM runs ORDER BY created DESC LIMIT ?", (limit,))
        return [self.get(row["id"]) for row in rows]

    def steps(self, id: str) -> Iterator[StepRow]:
        """The steps of a run in order."""
        for row in self._db.rows("SELECT * FROM steps WHERE run = ? ORDER BY position", (id,)):
            yield StepRow(
                row["position"],
                row["chunk"],
                row["version_after"],
                tuple(_entry(e) for e in json.loads(row["added"])),
                tuple(json.loads(row["operations"])),
                tuple(_entry(e) for e in json.loads(row["dropped"])),
                row["plan"],
                row["memory"],
            )

    def documents(self, id: str) -> dict[str, str]:
        """Id -> source of a run's documents, in order."""
        rows = self._db.rows("SELECT id, source FROM documents WHERE run = ? ORDER BY position", (id,))
        return {row["id"]: row["source"] for row in rows}

    def stdin(self, id: str) -> bytes | None:
        """What a run read from standard input."""
        row = self._db.row("SELECT content FROM inputs WHERE run = ?", (id,))
        return zlib.decompress(row["content"]) if row else None

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


def _answer(fields: dict[str, Any]) -> Answer:
    return Answer(
        **fields
        | {
            "citations": tuple(Citation(*c) for c in fields["citations"]),
            "usage": Usage(**fields["usage"]),
            "chunks": ChunkCount(**fields["chunks"]),
        }
    )


def _entry(fields: list[Any]) -> Entry:
    entry = Entry(*fields)
    return entry._replace(span=Span(*entry.span) if entry.span else None)


def _pack(code: str, values: Sequence[float] | None) -> bytes | None:
    return None if values is None else array(code, values).tobytes()


def _unpack(code: str, data: bytes | None) -> Any:
    if data is None:
        return None
    values = array(code)
    values.frombytes(data)
    return tuple(values)
