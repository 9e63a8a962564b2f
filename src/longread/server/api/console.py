"""What the page at `/` asks for: estimates, runs as they go, history, passages."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from anyio import to_thread
from starlette.responses import JSONResponse, Response

from longread.errors import LongreadError
from longread.reading.consent import needs_consent
from longread.reading.export import as_markdown, as_record
from longread.reading.journal import RunRow
from longread.server.api import told
from longread.server.api.desk import Desk
from longread.server.api.errors import Refusal
from longread.server.api.forms import EstimateRequest, ResumeRequest, RunRequest
from longread.server.api.live import PULSE, Live, Wish
from longread.server.api.owners import Owner

_SOURCES = 10
"""Documents of a run that a list names."""


async def estimate(owner: Owner, desk: Desk, asked: EstimateRequest) -> dict[str, Any]:
    """What a run would take, and what the user must agree to first. Nothing is sent anywhere but to this machine."""
    corpus = await to_thread.run_sync(owner.library.corpus, asked.files)
    reader = desk.reader(owner)
    questions = tuple(asked.questions)
    follow = asked.follow and owner.run(asked.follow).id
    try:
        made = await reader.estimate(questions, corpus, follow=follow, measure=desk.opened.host is None)
        consent = None
        if not desk.yes:
            consent = await needs_consent(desk.opened, reader, questions, corpus, follow=follow, fresh=False)
    except LongreadError as error:
        raise Refusal(400, str(error), "invalid_request") from error
    fields = {name: value for name, value in made._asdict().items() if name != "plan"}
    return made.plan._asdict() | fields | {"consent": consent}


async def begin(owner: Owner, desk: Desk, asked: RunRequest) -> Live:
    """A run that goes on when nobody watches."""
    follow = asked.follow and owner.run(asked.follow).id
    wish = Wish(tuple(dict.fromkeys(asked.questions)), tuple(dict.fromkeys(asked.files)), follow, asked.fresh)
    return await desk.ask(owner, wish, agreed=asked.agreed, kept=True)


async def resume(owner: Owner, desk: Desk, asked: ResumeRequest) -> Live:
    """An unfinished run again."""
    row = owner.run(asked.resume)
    files = tuple(row.command.get("files", ()))
    wish = Wish(row.questions, files, row.parent, resume=row.id)
    return await desk.ask(owner, wish, agreed=asked.agreed, kept=True)


async def events(live: Live, after: int) -> AsyncIterator[bytes]:
    """What happens in a run, as server-sent events."""
    async with aclosing(live.watch(after)) as watched:
        async for event in watched:
            if event is None:
                yield PULSE
                continue
            number, (name, data) = event
            yield f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def listed(owner: Owner, desk: Desk, limit: int) -> list[dict[str, Any]]:
    """The latest runs, newest first."""
    busy = desk.busy(owner)
    return [_line(owner, row, busy) for row in owner.journal.list(limit)]


def shown(owner: Owner, busy: dict[str, str], id: str) -> dict[str, Any]:
    """All of a run: what was read, how the notes grew, what came of it. `busy` are tickets by run."""
    row = owner.run(id)
    sources = owner.journal.documents(row.id)
    chunks = [
        {"tokens": chunk.tokens, "document": span.doc, "start": span.start, "end": span.end}
        for chunk in owner.journal.chunks(row.id)
        for span in chunk.spans[:1]
    ]
    return _line(owner, row, busy) | {
        "model": row.model, "strategy": row.strategy, "error": row.error, "chunks": chunks,
        "documents_list": [{"id": id, "source": source} for id, source in sources.items()],
        "steps": [told.step(step, sources) for step in owner.journal.steps(row.id)],
        "answers": [told.answered(answer, sources) for answer in row.answers],
    }  # fmt: skip


def delete(owner: Owner, desk: Desk, id: str) -> None:
    """Removes a run for good. Refusal while it is worked on."""
    row = owner.run(id)
    if row.id in desk.busy(owner):
        raise Refusal(409, "the run is being worked on; stop it first", "run_busy")
    owner.journal.delete(row.id)


def export(owner: Owner, id: str, format: str) -> Response:
    """A run as a document to be saved."""
    row = owner.run(id)
    ending = "json" if format == "json" else "md"
    headers = {"Content-Disposition": f'attachment; filename="longread-{row.id}.{ending}"'}
    if format == "json":
        return JSONResponse(as_record(owner.journal, row), headers=headers)
    return Response(as_markdown(owner.journal, row), media_type="text/markdown", headers=headers)


def passage(owner: Owner, id: str, document: str, start: int, end: int, around: int) -> dict[str, Any]:
    """A stretch of a document that a run has read."""
    row = owner.run(id)
    try:
        corpus = owner.library.corpus(tuple(row.command.get("files", ())))
        return told.passage(corpus.document(document), start, end, around)
    except KeyError:
        raise Refusal(404, "the run has read no such document", "document_not_found") from None
    except Refusal as refusal:
        raise Refusal(
            410, f"the files of this run are no longer here: {refusal.message}", "files_gone"
        ) from refusal


def _line(owner: Owner, row: RunRow, busy: dict[str, str]) -> dict[str, Any]:
    sources = owner.journal.documents(row.id)
    status = "killed" if row.status == "running" and row.id not in busy else row.status
    return {
        "run_id": row.id, "ticket": busy.get(row.id), "created": row.created, "status": status,
        "questions": list(row.questions), "files": row.command.get("files", []),
        "sources": list(sources.values())[:_SOURCES], "documents": len(sources), "read": row.steps,
        "total": row.total, "seconds": row.seconds, "follows": row.parent,
        "answered": all(answer.answered for answer in row.answers) if row.answers else None,
    }  # fmt: skip
