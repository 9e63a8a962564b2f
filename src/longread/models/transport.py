"""Requests to one server, through httpx.

Not through the openai package: its retries end where a stream begins, its parsing into objects costs more than all
else here, and its environment variables would send a key to a host it was not given for. Nor are redirects followed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import aclosing, contextmanager, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

import anyio
import httpx2

from longread.errors import UsageError
from longread.models.draft import Draft
from longread.models.faults import Fault, ServerError, one_line
from longread.models.sse import EventLines

_CONNECT_SECONDS = 30.0
_SMALL_SECONDS = 10.0
_TAIL_SECONDS = 5.0
"""How long the usage may come after the end of a reply."""
_LONGEST_STREAM = 1 << 27
"""Bytes of a whole response; only a server that has lost its way sends more."""
_DRAIN_SECONDS = 0.1
"""How long a response may go on after its last event, so that the connection can be used again."""
_BROKEN = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)


class Transport:
    """Connections to the server at `base_url`; `timeout` is in seconds without a byte.

    Raises:
        UsageError: `base_url` is no http address, or the key cannot be sent.
    """

    def __init__(self, base_url: str, key: str | None, timeout: float) -> None:
        self.host = host_of(base_url)
        self.base_url = base_url.rstrip("/")
        self.key = sendable(key)
        self._timeout = timeout
        self._client: httpx2.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(self, body: object, draft: Draft) -> None:
        """Posts a chat request and feeds the reply, streamed or not, to `draft`.

        Raises:
            Fault: No whole reply came.
            ServerError: The server said why it gives none.
        """
        with _faults(self._timeout):
            response = await self._send(f"{self.base_url}/chat/completions", body, self._timeout)
            async with aclosing(response):
                if "text/event-stream" in response.headers.get("content-type", ""):
                    await _read_stream(response, draft)
                else:
                    draft.take(_parsed(await response.aread()))

    async def post(self, url: str, body: object) -> object:
        """The parsed reply to a small request; Fault or ServerError as for `complete`."""
        timeout = min(self._timeout, _SMALL_SECONDS)
        with _faults(timeout):
            response = await self._send(url, body, timeout)
            async with aclosing(response):
                return _parsed(await response.aread())

    async def close(self) -> None:
        """Closes the connections."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _send(self, url: str, body: object, seconds: float) -> httpx2.Response:
        """A response whose body is still to be read. ServerError unless it is one of success."""
        client = self._connect()
        timeout = httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS), pool=None)
        response = await client.send(
            client.build_request("POST", url, json=body, timeout=timeout), stream=True
        )
        if response.is_success:
            return response
        async with aclosing(response):
            content = await response.aread()
        said: object = response.text
        with suppress(ValueError, RecursionError):
            said = json.loads(content)
        if response.is_redirect:
            said = f"it redirects to {response.headers.get('location')}, which is not followed"
        raise ServerError(response.status_code, said, response.headers)

    def _connect(self) -> httpx2.AsyncClient:
        """The client of the running event loop: connections do not outlive theirs."""
        loop = asyncio.get_running_loop()
        if self._client is None or self._loop is not loop:
            self._loop = loop
            self._client = httpx2.AsyncClient(
                headers={"User-Agent": "longread"}
                | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
                limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
                follow_redirects=False,
                trust_env=not is_loopback(self.base_url),
                verify=is_encrypted(self.base_url),  # else certificates are read for nothing
            )
        return self._client


def host_of(base_url: str) -> str:
    """Host and port of an endpoint; UsageError when it is no http address, or holds a password."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname, parts.port
        httpx2.URL(base_url)
    except (ValueError, httpx2.InvalidURL):
        parts, host, port = None, None, None
    if parts is None or parts.scheme not in ("http", "https") or not host:
        shown = base_url.rpartition("@")[2]  # no password in a message
        raise UsageError(f"base_url is {shown!r}; it should look like http://localhost:8000/v1")
    if parts.username or parts.password:
        raise UsageError(
            "base_url holds a user name or password, which would be shown and kept; use an API key"
        )
    return f"{host}:{port}" if port else host


def sendable(key: str | None) -> str:
    """The key as it is sent, empty for none; UsageError when no header can hold it."""
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError("the API key holds characters that no server takes; copy it again")
    return key


def is_encrypted(base_url: str) -> bool:
    """Whether certificates are to be checked."""
    return urlsplit(base_url).scheme == "https"


def is_loopback(base_url: str) -> bool:
    """Whether an endpoint is on this machine, where no proxy belongs in between."""
    host = urlsplit(base_url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name
        return False


async def _read_stream(response: httpx2.Response, draft: Draft) -> None:
    lines, received = EventLines(), 0
    try:
        async with asyncio.timeout(None) as limit:
            async for piece in response.aiter_bytes():
                received += len(piece)
                if received > _LONGEST_STREAM:
                    raise Fault(f"a stream of more than {_LONGEST_STREAM:,} bytes")
                if _take(lines.feed(piece), draft):
                    limit.reschedule(_in(_DRAIN_SECONDS))
                elif draft.finish and limit.when() is None:
                    limit.reschedule(_in(_TAIL_SECONDS))
            _take(lines.finish(), draft)
    except (TimeoutError, *_BROKEN):
        if draft.finish is None:
            raise
        # else the reply is whole, and at most its usage is missing


def _take(events: list[str], draft: Draft) -> bool:
    """Whether these events were the last."""
    for data in events:
        if data == "[DONE]":
            return True
        if data:
            draft.take(_parsed(data))
    return False


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


@contextmanager
def _faults(timeout: float) -> Iterator[None]:
    """A connection that breaks turns into a Fault."""
    try:
        yield
    except _BROKEN as error:
        words = one_line(str(error)) or type(error).__name__
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.ProxyError):
            raise Fault(f"no connection ({words})", reached=False) from error
        if isinstance(error, httpx2.TimeoutException):
            raise Fault(f"{timeout:g} seconds without a byte") from error
        raise Fault(f"a broken connection ({words})") from error
    except UnicodeDecodeError as error:
        raise Fault("bytes that are not UTF-8") from error


def _parsed(data: str | bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        start = data if isinstance(data, str) else data.decode(errors="replace")
        raise Fault(f"a reply that is not JSON ({one_line(start, 80)!r})") from None
