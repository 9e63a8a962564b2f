"""What every request must pass before anything looks at it.

A page elsewhere must not drive a server on this machine: a browser sends the name that it was given (Host) and where
a script came from (Origin). A name can be made to point here by whoever owns it (DNS rebinding), an address cannot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longread.server.api.errors import Refusal, log_fault
from longread.server.api.keys import Keys
from longread.server.api.limits import Limits

_OPEN = re.compile(r"/(health|favicon\.ico|static/[\w.-]+)?")
"""Paths that need no key: they tell nothing of anybody."""
_UPLOAD = "/v1/files"
_SAFE = ("GET", "HEAD", "OPTIONS")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]


class Gate:
    """Checks names, origin, key and size; puts whose request it is into `scope["owner"]`.

    Args:
        app: Who answers what passes.
        keys: Who may ask.
        limits: How much may be sent.
        hosts: Names besides localhost under which the server is reached; addresses always are.
    """

    def __init__(self, app: ASGIApp, keys: Keys, limits: Limits, hosts: Iterable[str] = ()) -> None:
        self._app = app
        self._keys = keys
        self._limits = limits
        self._hosts = {"localhost", *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        try:
            headers = _single(scope["headers"])
            self._check_names(headers, opens=scope["path"] == "/" and scope["method"] == "GET")
            owner = self._keys.owner(_bearer(headers))
            if owner is None and not _OPEN.fullmatch(scope["path"]):
                raise Refusal(
                    401, "a key is needed: send it as `Authorization: Bearer KEY`", "invalid_api_key"
                )
            scope["owner"] = owner
            if scope["method"] not in _SAFE:
                _check_intent(scope["path"], headers)
            body = _Body(receive, self._most(scope), headers.get("content-length"), self._limits.pause)
        except Refusal as refusal:
            await refusal.response()(scope, receive, guarded)
            return
        try:
            await self._app(scope, body, guarded)
        except Exception as error:  # the application has answered; its server would log what clients wrote
            log_fault(error)

    def _most(self, scope: Scope) -> int:
        return self._limits.file + (1 << 16) if scope["path"] == _UPLOAD else self._limits.body

    def _check_names(self, headers: dict[str, str], *, opens: bool) -> None:
        host = headers.get("host", "")
        if not self._known(host):
            raise Refusal(
                403,
                "this server is not known under the name in Host; start it with --allow-host NAME to allow one",
                "host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != host.lower():
            raise Refusal(403, "a page of another site may not use this server", "origin_not_allowed")
        if opens and (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == (
            "navigate",
            "document",
        ):
            return  # a link to the page; no frame can hold it
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            raise Refusal(403, "a page of another site may not use this server", "origin_not_allowed")

    def _known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self._hosts:
            return True
        try:
            ip_address(name)
        except ValueError:
            return False
        return True


class _Body:
    """Receives a request's body, within its size and without long pauses."""

    def __init__(self, receive: Receive, most: int, length: str | None, pause: float) -> None:
        self._receive = receive
        self._most = most
        self._pause = pause
        self._whole = False
        if length is not None and (not length.isascii() or not length.isdigit() or int(length[:20]) > most):
            raise self._too_large()

    async def __call__(self) -> Message:
        if self._whole:  # what comes now is that the client left
            return await self._receive()
        with anyio.move_on_after(self._pause):
            message = await self._receive()
            if message["type"] == "http.request":
                self._most -= len(message.get("body", b""))
                if self._most < 0:
                    raise self._too_large()
                self._whole = not message.get("more_body", False)
            return message
        raise Refusal(408, f"nothing came for {self._pause:.0f} s in the middle of the request", "timeout")

    def _too_large(self) -> Refusal:
        return Refusal(413, "the request is larger than this server takes; send less", "request_too_large")


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _single(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name. Those that decide here may come once only: two of them may be read in two ways."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key = name.decode("latin-1").lower()
        if key in headers and key in ("host", "origin", "authorization", "content-length", "content-type"):
            raise Refusal(400, f"the header {key} came twice", "bad_request")
        headers[key] = value.decode("latin-1")
    return headers


def _bearer(headers: dict[str, str]) -> str | None:
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "bearer" else None


def _check_intent(path: str, headers: dict[str, str]) -> None:
    """A form of another site can send neither JSON nor these headers without being asked about it first."""
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent == "application/json" or "x-longread" in headers or "authorization" in headers:
        return
    what = "an upload needs the header X-Longread: 1" if path == _UPLOAD else "send JSON, as application/json"
    raise Refusal(415, what, "unsupported_media_type")
