"""One run in the journal while a process works on it."""

from __future__ import annotations

import json
import time
import zlib
from array import array
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from filelock import FileLock

from longread.models.base import Reply
from longread.reading.caps import NO_CAPS, Caps, Meter
from longread.reading.database import Database
from longread.reading.notes import Notes
from longread.reading.recording import Change
from longread.types import Answer, Chunk, ChunkCount, Citation, Span, Usage

_TICK = 0.5
"""Seconds between two updates of a run's time."""


class JournaledRun:
    """One run in the journal. Its lock is held by one process; the system frees it if that process dies."""

    def __init__(self, db: Database, lock: FileLock, id: str, caps: Caps = NO_CAPS) -> None:
        self._db = db
        self._lock = lock
        self._id = id
        self._nonce: str = db.row("SELECT nonce FROM runs WHERE id = ?", (id,))["nonce"]
        used = db.row(
            "SELECT count(*) AS calls, coalesce(sum(coalesce(input_tokens + output_tokens, estimate)), 0) AS tokens, "
            "coalesce(sum(cost), 0.0) AS cost, count(cost) AS priced, max(cost) AS dearest FROM calls WHERE run = ?",
            (id,),
        )
        cost = used["cost"] if used["priced"] == used["calls"] else None
        self._meter = Meter(caps, used["calls"], used["tokens"], cost, used["dearest"])
        self._since = time.monotonic()
        rows = db.rows("SELECT key, void FROM calls WHERE run = ?", (id,))
        self._void: dict[str, bool] = {row["key"]: bool(row["void"]) for row in rows}
        """By the key of each recorded reply, whether it led nowhere: asking the file for each call costs more."""

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
        if self._void.get(key, True):
            return None
        return read_reply(self._db.row("SELECT * FROM calls WHERE run = ? AND key = ?", (self._id, key)))

    def admit(self, tokens: int, most: int) -> bool:
        """Holds the run to its caps; what earlier processes used counts too."""
        return self._meter.admit(tokens, most)

    def landed(self, most: int) -> None:
        """Makes room for another call."""
        self._meter.landed(most)

    def record(self, key: str, reply: Reply, tokens: int) -> None:
        """Keeps a reply. One asked for again after it led nowhere goes beside the old one."""
        usage = reply.usage
        self._meter.add(usage, tokens)
        if key in self._void:
            self._put(
                "UPDATE calls SET key = key || '-void-' || rowid WHERE run = ? AND key = ? AND void = 1",
                (self._id, key),
            )
        self._put(
            "INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
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
                tokens,
            ),
        )
        self._void[key] = False

    def void(self, keys: Sequence[str]) -> None:
        """Marks replies to be asked for anew."""
        self._void |= {key: True for key in keys if key in self._void}
        with self._db.transaction():
            self._db.each(
                "UPDATE calls SET void = 1 WHERE run = ? AND key = ?", [(self._id, key) for key in keys]
            )

    def step(
        self, position: int, question: int, chunk: int, before: Notes, after: Notes, change: Change
    ) -> None:
        """Keeps what one section did to a question's notes; the same again on replay."""
        new = [entry for entry in after.entries if entry.id >= before.next_id]
        operations = [{"kind": type(o).__name__.lower(), **o._asdict()} for o in change.operations]
        self._put(
            "INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._id,
                position,
                question,
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
            self._put("UPDATE runs SET settled = ? WHERE id = ?", (json.dumps(settled), self._id))
        return settled[name]

    def chunks(self) -> list[Chunk] | None:
        """The division of the text this run began with, or None."""
        row = self._db.row("SELECT chunks FROM runs WHERE id = ?", (self._id,))
        return None if row["chunks"] is None else read_chunks(row["chunks"])

    def plan(self, strategy: str, chunks: Sequence[Chunk]) -> None:
        """Keeps the strategy and the division of the text."""
        packed = zlib.compress(json.dumps([(c.tokens, c.spans) for c in chunks]).encode(), 1)
        self._put(
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

    def finish(self, answers: Sequence[Answer]) -> tuple[Answer, ...]:
        """Keeps the answers. Their seconds are those of all processes that worked on the run."""
        self._tick()
        row = self._db.row("SELECT seconds FROM runs WHERE id = ?", (self._id,))
        stored = json.dumps(
            [asdict(answer) | {"seconds": row["seconds"], "stored": False} for answer in answers]
        )
        self._put(
            "UPDATE runs SET status = 'done', answers = ?, total = ?, error = NULL WHERE id = ?",
            (stored, answers[0].chunks.total, self._id),
        )
        return read_answers(stored)

    def fail(self, status: str, error: str) -> None:
        """Keeps why the run ended (`failed`, `stopped` or `interrupted`); all steps so far stay."""
        self._tick()
        self._put("UPDATE runs SET status = ?, error = ? WHERE id = ?", (status, error, self._id))

    def close(self) -> None:
        """Frees the run for other processes."""
        self._lock.release()

    def _put(self, sql: str, values: Sequence[Any]) -> None:
        """One statement: wherever a process is killed, what it had put is kept, and nothing relies on the next."""
        self._db.rows(sql, values)
        if time.monotonic() - self._since >= _TICK:
            self._tick()

    def _tick(self) -> None:
        """Keeps the time that the run has taken."""
        now = time.monotonic()
        self._db.rows(
            "UPDATE runs SET seconds = seconds + ?, updated = ? WHERE id = ?",
            (now - self._since, time.time(), self._id),
        )
        self._since = now


def read_reply(row: Any) -> Reply:
    """The reply that a row of `calls` holds."""
    return Reply(
        row["text"],
        row["thinking"],
        row["finish"],
        Usage(1, row["input_tokens"], row["cached_tokens"], row["output_tokens"], row["cost"]),
        _unpack("i", row["token_ids"]),
        _unpack("i", row["prompt_ids"]),
        _unpack("f", row["logprobs"]),
    )


def read_chunks(packed: bytes) -> list[Chunk]:
    """The division of the text that a row of `runs` holds."""
    plan = json.loads(zlib.decompress(packed))
    return [Chunk(i, tuple(Span(*span) for span in spans), tokens) for i, (tokens, spans) in enumerate(plan)]


def read_answers(stored: str) -> tuple[Answer, ...]:
    """The answers that a row of `runs` holds."""
    return tuple(_answer(fields) for fields in json.loads(stored))


def _answer(fields: dict[str, Any]) -> Answer:
    return Answer(
        **fields
        | {
            "citations": tuple(Citation(*c) for c in fields["citations"]),
            "usage": Usage(**fields["usage"]),
            "chunks": ChunkCount(**fields["chunks"]),
        }
    )


def _pack(code: str, values: Sequence[float] | None) -> bytes | None:
    return None if values is None else array(code, values).tobytes()


def _unpack(code: str, data: bytes | None) -> Any:
    if data is None:
        return None
    values = array(code)
    values.frombytes(data)
    return tuple(values)
