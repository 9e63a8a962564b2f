"""Requests to one server, through httpx.

Not through the openai package: its retries end where a stream begins, its parsing into objects costs more than all
else here, and its environment variables would send a key to a host it was not given for. Nor are redirects followed.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
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
_POOL = 8
"""Requests in flight that share a pool of connections: to find a free one, httpcore looks at all of a pool."""
_KEEP_SECONDS = 5.0
"""How long a pool is kept that nobody needs; httpx keeps a connection as long."""
_BROKEN = (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream)


@dataclass
class _Pool:
    """Connections that some requests share."""

    client: httpx2.AsyncClient
    flying: int = 0
    left: float = 0.0
    """When the last request was over."""


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
        self._pools: list[_Pool] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    async def complete(self, body: object, draft: Draft) -> None:
        """Posts a chat request and feeds the reply, streamed or not, to `draft`.

        Raises:
            Fault: No whole reply came.
            ServerError: The server said why it gives none.
        """
        with _faults(self._timeout):
            url = f"{self.base_url}/chat/completions"
            async with self._sent("POST", url, body, self._timeout) as response:
                if "text/event-stream" in response.headers.get("content-type", ""):
                    await _read_stream(response, draft)
                else:
                    draft.take(_parsed(await response.aread()))

    async def post(self, url: str, body: object) -> object:
        """The parsed reply to a small request; Fault or ServerError as for `complete`."""
        timeout = min(self._timeout, _SMALL_SECONDS)
        with _faults(timeout):
            async with self._sent("POST", url, body, timeout) as response:
                return _parsed(await response.aread())

    async def alive(self) -> bool:
        """Whether the server answers when asked for its models, were it that it lists none."""
        timeout = min(self._timeout, _SMALL_SECONDS)
        try:
            with _faults(timeout):
                async with self._sent("GET", f"{self.base_url}/models", None, timeout) as response:
                    await response.aread()
        except ServerError as error:
            return not error.passing
        except Fault:
            return False
        return True

    async def close(self) -> None:
        """Closes the connections."""
        pools, self._pools = self._pools, []
        if self._loop is asyncio.get_running_loop():
            await asyncio.gather(*(pool.client.aclose() for pool in pools))

    @asynccontextmanager
    async def _sent(
        self, method: str, url: str, body: object, seconds: float
    ) -> AsyncIterator[httpx2.Response]:
        """A response whose body is still to be read. ServerError unless it is one of success."""
        pool = await self._room()
        timeout = httpx2.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS), pool=None)
        request = pool.client.build_request(method, url, json=body, timeout=timeout)
        pool.flying += 1
        try:
            async with aclosing(await pool.client.send(request, stream=True)) as response:
                if not response.is_success:
                    raise await self._refusal(response)
                yield response
        finally:
            pool.flying -= 1
            pool.left = time.monotonic()

    async def _refusal(self, response: httpx2.Response) -> ServerError:
        """What the server said."""
        content = await response.aread()
        said: object = response.text
        with suppress(ValueError, RecursionError):
            said = json.loads(content)
        if response.is_redirect:
            said = f"it redirects to {response.headers.get('location')}, which is not followed"
        return ServerError(response.status_code, said, response.headers)

    async def _room(self) -> _Pool:
        """The first pool of the running event loop with room: connections do not outlive theirs.

        The last one is closed when nobody has needed it for a while.
        """
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._pools = loop, []
        if len(self._pools) > 1:
            last = self._pools[-1]
            if not last.flying and time.monotonic() - last.left > _KEEP_SECONDS:
                self._pools.remove(last)
                await last.client.aclose()
        for pool in self._pools:
            if pool.flying < _POOL:
                return pool
        self._pools.append(_Pool(self._client()))
        return self._pools[-1]

    def _client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={"User-Agent": "longread"}
            | ({"Authorization": f"Bearer {self.key}"} if self.key else {}),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=_POOL),
            follow_redirects=False,
            trust_env=not is_loopback(self.base_url),
            verify=self._encryption,
        )

    @cached_property
    def _encryption(self) -> ssl.SSLContext:
        """Of all pools; without encryption, certificates would be read for nothing."""
        return httpx2.create_ssl_context(
            verify=is_encrypted(self.base_url), trust_env=not is_loopback(self.base_url)
        )


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
