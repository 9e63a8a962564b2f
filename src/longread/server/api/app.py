"""The routes, and the order in which a request passes through them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from contextlib import nullcontext
from importlib.metadata import version
from importlib.resources import files as resources
from typing import Annotated, Any

from anyio import to_thread
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from longread.reading.language import LanguagePolicy
from longread.server.api import console, files
from longread.server.api.chat import Chat
from longread.server.api.desk import Desk
from longread.server.api.errors import Refusal, error_object
from longread.server.api.forms import ChatRequest, EstimateRequest, ResumeRequest, RunRequest, parse, schema
from longread.server.api.gate import Gate
from longread.server.api.keys import Keys
from longread.server.api.limits import Limits
from longread.server.api.meters import Metered, Meters
from longread.server.api.owners import Owner, Owners

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_STREAM = "text/event-stream"
_AT_ONCE = 1 << 20
"""Bytes of a body that are parsed where other requests wait."""


def build(
    desk: Desk, chat: Chat, owners: Owners, keys: Keys, limits: Limits, hosts: Iterable[str] = ()
) -> ASGIApp:
    """The application.

    Args:
        desk: Takes on runs.
        chat: Answers chat requests.
        owners: What belongs to whom.
        keys: Who may ask.
        limits: How much is taken on.
        hosts: Names under which the server is reached.
    """
    app = FastAPI(title="Longread", version=version("longread"), docs_url=None, redoc_url=None)
    meters = Meters(desk)
    large = asyncio.Semaphore(limits.large)
    page = {file.name: file.read_bytes() for file in resources("longread.server").joinpath("page").iterdir()}

    def owner(request: Request) -> Owner:
        return owners.get(request.scope["owner"])

    @app.get("/", include_in_schema=False)
    async def index() -> Response:
        return Response(page["index.html"], media_type="text/html")

    @app.get("/static/{name}", include_in_schema=False)
    async def static(name: str) -> Response:
        if name not in page:
            raise Refusal(404, "there is no such file", "not_found")
        return Response(
            page[name], media_type=_TYPES.get(name.rpartition(".")[2], "application/octet-stream")
        )

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(meters.text(), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def list_models() -> dict[str, Any]:
        return {"object": "list", "data": [_model(name) for name in chat.models]}

    @app.get("/v1/models/{name:path}")
    async def show_model(name: str) -> dict[str, Any]:
        if name not in chat.models:
            raise Refusal(404, "there is no such model; /v1/models lists them", "model_not_found")
        return _model(name)

    @app.post("/v1/chat/completions", openapi_extra=schema(ChatRequest))
    async def complete(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        async with large if not length or int(length) > _AT_ONCE else nullcontext():
            body = await request.body()
            if len(body) > _AT_ONCE:
                asked = await to_thread.run_sync(parse, ChatRequest, body)
            else:
                asked = parse(ChatRequest, body)
            sorted_ = chat.sort(asked, body)
        return await chat.answer(owner(request), asked, sorted_, body, request)

    @app.post("/v1/files", openapi_extra=_UPLOAD)
    async def upload(request: Request) -> dict[str, Any]:
        async with large:
            return await files.upload(owner(request), desk, request, limits.file)

    @app.get("/v1/files")
    async def list_files(request: Request) -> dict[str, Any]:
        rows = [files.file_object(row) for row in owner(request).library.rows()]
        return {"object": "list", "data": rows, "has_more": False}

    @app.get("/v1/files/{id}")
    async def show_file(request: Request, id: str) -> dict[str, Any]:
        return files.file_object(owner(request).library.row(id))

    @app.delete("/v1/files/{id}")
    async def delete_file(request: Request, id: str) -> dict[str, Any]:
        if id in desk.in_use(owner(request)):
            raise Refusal(409, "the file is being read; stop the run first", "file_busy")
        owner(request).library.delete(id)
        return {"id": id, "object": "file", "deleted": True}

    @app.get("/v1/files/{id}/content")
    async def show_content(request: Request, id: str) -> Response:
        return await files.content(owner(request), id)

    @app.get("/api/status")
    async def status(request: Request) -> dict[str, Any]:
        opened, whose = desk.opened, owner(request)
        policy = opened.policy
        language = isinstance(policy, LanguagePolicy)
        return {
            "version": app.version, "keys": bool(keys), "running": desk.running, "queued": desk.waiting,
            "model": {
                "name": policy.name, "host": opened.host, "language": language,
                "window": policy.budgets.window if isinstance(policy, LanguagePolicy) else None,
            },
            "limits": {
                "file_bytes": limits.file, "disk_bytes": limits.disk, "disk_used": whose.library.disk,
                "runs": limits.runs,
            },
        }  # fmt: skip

    @app.post("/api/estimate", openapi_extra=schema(EstimateRequest))
    async def estimate(request: Request) -> dict[str, Any]:
        return await console.estimate(owner(request), desk, parse(EstimateRequest, await request.body()))

    @app.post("/api/runs", status_code=202, openapi_extra=schema(RunRequest))
    async def begin(request: Request) -> dict[str, str]:
        body = await request.body()
        if _resumes(body):
            live = await console.resume(owner(request), desk, parse(ResumeRequest, body))
        else:
            live = await console.begin(owner(request), desk, parse(RunRequest, body))
        return {"ticket": live.ticket}

    @app.get("/api/runs")
    async def list_runs(request: Request, limit: Annotated[int, Query(ge=1, le=500)] = 50) -> dict[str, Any]:
        return {"runs": console.listed(owner(request), desk, limit)}

    @app.get("/api/runs/{id}")
    async def show_run(request: Request, id: str) -> Response:
        return JSONResponse(
            await to_thread.run_sync(console.shown, owner(request), desk.busy(owner(request)), id)
        )

    @app.delete("/api/runs/{id}")
    async def delete_run(request: Request, id: str) -> dict[str, bool]:
        console.delete(owner(request), desk, id)
        return {"deleted": True}

    @app.get("/api/runs/{id}/export")
    async def export(request: Request, id: str, format: str = "markdown") -> Response:
        if format not in ("markdown", "json"):
            raise Refusal(400, "format: markdown or json", "invalid_request")
        return await to_thread.run_sync(console.export, owner(request), id, format)

    @app.get("/api/runs/{id}/passage")
    async def passage(
        request: Request,
        id: str,
        document: Annotated[str, Query(max_length=64)],
        start: Annotated[int, Query(ge=0, le=1 << 40)],
        end: Annotated[int, Query(ge=0, le=1 << 40)],
        around: Annotated[int, Query(ge=0, le=100_000)] = 4_000,
    ) -> dict[str, Any]:
        return await to_thread.run_sync(console.passage, owner(request), id, document, start, end, around)

    @app.get("/api/live/{ticket}")
    async def watch(
        request: Request, ticket: str, after: Annotated[int, Query(ge=0, le=1 << 40)] = 0
    ) -> Response:
        return StreamingResponse(console.events(desk.of(owner(request), ticket), after), media_type=_STREAM)

    @app.post("/api/live/{ticket}/stop")
    async def stop(request: Request, ticket: str) -> dict[str, bool]:
        desk.of(owner(request), ticket).stop()
        return {"stopped": True}

    @app.exception_handler(Refusal)
    async def refuse(_: Request, refusal: Refusal) -> Response:
        return refusal.response()

    @app.exception_handler(Exception)
    async def fail(_: Request, error: Exception) -> Response:
        return JSONResponse(error_object("the server failed; its log says where", 500, "server_error"), 500)

    @app.exception_handler(HTTPException)
    async def refuse_route(_: Request, error: HTTPException) -> Response:
        made = error_object(str(error.detail), error.status_code, "invalid_request")
        return JSONResponse(made, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def refuse_value(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return JSONResponse(error_object(f"{place}: {first['msg']}", 400, "invalid_request"), 400)

    return Metered(Gate(app, keys, limits, hosts), meters)


_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string"},
                    },
                }
            }
        },
    }
}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "longread"}


def _resumes(body: bytes) -> bool:
    try:
        asked = json.loads(body)
    except (ValueError, RecursionError):
        return False  # the form says what is wrong
    return isinstance(asked, dict) and "resume" in asked
