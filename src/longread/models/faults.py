"""What goes wrong at a model server: what passes by itself, what does not, and why."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from longread.errors import ModelError

LONGEST_WAIT = 120.0
"""Seconds: the most that a Retry-After may ask for."""

OPTIONAL_PARAMETERS = (
    "stream_options",
    "response_format",
    "temperature",
    "top_p",
    "seed",
    "max_tokens",
)
"""What some servers do not take. Without them, or under another name, a reply can still be had."""

_TOO_LONG = re.compile(
    r"context[ _]?(length|window|size)|maximum context|(prompt|input)( is)? too long|exceed\w* [^.]*\bcontext"
    r"|too many (input )?tokens",
    re.IGNORECASE,
)
_VALUE = re.compile(r"too large|at most|at least|must be|less than|greater than|exceed", re.IGNORECASE)
_LASTING = re.compile(
    r"invalid_request|invalid_api_key|authentication|permission|not_?found|insufficient_quota|BadRequest",
    re.IGNORECASE,
)


class Fault(Exception):  # noqa: N818 -- it may pass: not yet an error
    """A call that may succeed when tried again."""

    def __init__(self, what: str, *, retry_after: float | None = None, reached: bool = True) -> None:
        super().__init__(what)
        self.retry_after = retry_after
        """Seconds that the server asks to wait."""
        self.reached = reached
        """Whether there was a connection at all."""


class ServerRefusalError(ModelError):
    """A server will not serve this client or this model. Another may."""


class ServerError(Exception):
    """The server said what is wrong.

    Args:
        status: HTTP status; when a 200 carries an error, the status it names or the one that fits.
        body: Parsed body, or its text.
        headers: Of the response, where it told the status.
    """

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        detail = _detail(body)
        self.status = _status(status, detail)
        self.message = _message(body, detail)
        self.kind = " ".join(str(detail.get(name) or "") for name in ("code", "type"))
        self.parameter = str(detail.get("param") or "")
        self.retry_after = retry_after((headers or {}).get("retry-after"))
        super().__init__(f"HTTP {self.status}: {self.message}")

    @property
    def passing(self) -> bool:
        """Whether the same request may succeed later."""
        if "insufficient_quota" in self.kind:
            return False
        return self.status in (408, 409, 425, 429) or self.status >= 500

    @property
    def own(self) -> bool:
        """Whether it lies with this server and not with the request: its key, account, model or address."""
        return self.status in (401, 402, 403, 404, 429) or 300 <= self.status < 400

    @property
    def too_long(self) -> bool:
        """Whether prompt and reply do not fit the model's window."""
        told = self.kind + " " + self.message
        return self.status in (400, 413, 422) and bool(
            _TOO_LONG.search(told.replace("exceed_context", "context_size"))
        )

    def refused(self, sent: Collection[str]) -> str | None:
        """The optional parameter, among those `sent`, that the server does not know or want."""
        if self.status not in (400, 422):
            return None
        named = [name for name in OPTIONAL_PARAMETERS if name in sent]
        if self.parameter:
            matching = [name for name in named if re.match(rf"(body\.)?{name}\b", self.parameter)]
        else:
            matching = [name for name in named if re.search(rf"\b{name}\b", self.message)]
        if matching == ["max_tokens"] and _VALUE.search(self.message):
            return None
        return matching[0] if matching else None


def retry_after(value: str | None) -> float | None:
    """Seconds that a Retry-After header asks for (a number, or a date), between 0 and LONGEST_WAIT."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            date = date if date.tzinfo else date.replace(tzinfo=UTC)
            seconds = (date - datetime.now(UTC)).total_seconds()
        except (ValueError, OverflowError, TypeError):
            return None
    return min(max(seconds, 0.0), LONGEST_WAIT) if seconds == seconds else None


def error_in(payload: Mapping[str, Any]) -> bool:
    """Whether a reply that came with status 200 is an error after all."""
    return bool(payload.get("error")) or payload.get("object") == "error"


def one_line(text: str, limit: int = 300) -> str:
    """`text` on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _detail(body: object) -> dict[str, Any]:
    if not isinstance(body, dict):
        return {}
    error = body.get("error")
    return error if isinstance(error, dict) else body


def _message(body: object, detail: dict[str, Any]) -> str:
    found = detail.get("message") or detail.get("error") or detail.get("detail") or body
    return one_line(found if isinstance(found, str) else repr(found))


def _status(status: int, detail: dict[str, Any]) -> int:
    if status != 200:
        return status
    for name in ("code", "status"):
        named = detail.get(name)
        if isinstance(named, int | str) and re.fullmatch("[45][0-9]{2}", str(named)[:4]):
            return int(named)
    told = " ".join(str(detail.get(name) or "") for name in ("code", "type"))
    if "rate_limit" in told:
        return 429
    return 400 if _LASTING.search(told) or _TOO_LONG.search(told) else 500
