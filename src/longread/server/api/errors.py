"""Refusals as OpenAI's clients know them."""

from __future__ import annotations

import logging
import traceback
from typing import Any

from starlette.responses import JSONResponse

from longread.printable import printable

_log = logging.getLogger(__name__)
_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_MOST = 1_000
"""Characters of a message."""


class Refusal(Exception):  # noqa: N818 -- an answer, not a fault
    """Ends a request with a status and one line for people.

    Args:
        status: HTTP's.
        message: What was given, what is wrong, what to do.
        code: For programs.
        retry_after: Seconds after which it may be worth another try.
    """

    def __init__(self, status: int, message: str, code: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = retry_after

    def response(self) -> JSONResponse:
        """The response to send."""
        headers = {"Retry-After": str(self.retry_after)} if self.retry_after is not None else None
        return JSONResponse(error_object(self.message, self.status, self.code), self.status, headers)


def error_object(message: str, status: int, code: str) -> dict[str, Any]:
    """The object in which OpenAI's clients look for what went wrong."""
    kind = _TYPES.get(status, "invalid_request_error" if status < 500 else "api_error")
    line = printable(" ".join(message.split()))[:_MOST]
    return {"error": {"message": line, "type": kind, "param": None, "code": code}}


def log_fault(error: Exception) -> None:
    """Logs a defect by its kind and place alone: what it says may be a client's text."""
    places = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[-6:]]
    _log.error("%s at %s", type(error).__name__, " < ".join(reversed(places)))
