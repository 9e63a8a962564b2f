"""Uploads: /v1/files."""

from __future__ import annotations

from functools import partial
from typing import Any

from anyio import to_thread
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from longread.server.api.desk import Desk
from longread.server.api.errors import Refusal
from longread.server.api.library import FileRow
from longread.server.api.owners import Owner

_FIELDS = 16


async def upload(owner: Owner, desk: Desk, request: Request, most: int) -> dict[str, Any]:
    """Keeps the file of a form. Refusal where there is none, or nothing of it can be read."""
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(400, "send the file as multipart/form-data, in a field called file", "invalid_request")
    async with request.form(max_files=1, max_fields=_FIELDS) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Refusal(400, "the form has no file in a field called file", "invalid_request")
        data = await file.read()
        name = file.filename or "unnamed"
    if len(data) > most:
        raise Refusal(413, f"{len(data):,} bytes; {most:,} at most", "request_too_large")
    if not data:
        raise Refusal(400, f"{name}: it is empty", "unreadable")
    return file_object(await owner.library.add(name, data, lambda: desk.in_use(owner)))


async def content(owner: Owner, id: str) -> Response:
    """A file as it came, for saving: never shown as what it says it is."""
    row = owner.library.row(id)
    data = await to_thread.run_sync(partial(owner.library.content, row.id))
    return Response(
        data, media_type="application/octet-stream", headers={"Content-Disposition": "attachment"}
    )


def file_object(row: FileRow) -> dict[str, Any]:
    """A file in OpenAI's form."""
    return {
        "id": row.id, "object": "file", "bytes": row.bytes, "created_at": int(row.created), "filename": row.name,
        "purpose": row.purpose, "status": "processed", "expires_at": None, "status_details": None,
        "longread": {"documents": row.documents, "characters": row.characters, **row.notes},
    }  # fmt: skip
