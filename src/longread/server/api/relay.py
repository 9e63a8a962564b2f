"""Short requests go to the model as they are, and its replies come back as they are."""

from __future__ import annotations

import json
from asyncio import Queue, create_task
from collections.abc import AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import aiohttp
from starlette.responses import JSONResponse, Response, StreamingResponse

from longread.config import one_line
from longread.errors import LongreadError
from longread.models.base import ChatModel, Delta, Message, Sampling
from longread.models.faults import Fault
from longread.models.transport import is_loopback, sendable
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.frame import DONE, Frame, usage_object
from longread.server.api.sorting import text_of

_PASSED = ("content-type", "retry-after", "x-request-id")
"""Headers of a reply that are passed on."""
_NOT_HERE = ("tools", "functions", "stop", "response_format", "logprobs")
"""What changes a reply, and a model in this process does not know."""
_CONNECT = 30.0
"""Seconds."""


class Relay(Protocol):
    """Passes a chat request on."""

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The model's reply."""
        ...

    async def close(self) -> None:
        """Releases connections."""
        ...


class BoundedRelay:
    """To one model server or several, so many requests at once; clients are told of what fails there.

    Args:
        servers: Raises Fault where it has no reply, and in a stream that breaks off.
        most: Requests in flight at once.
    """

    def __init__(self, servers: Relay, most: int) -> None:
        self._servers = servers
        self._most = most
        self._flying = 0

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The response of a server, of whatever status; Refusal where there is none."""
        if self._flying >= self._most:
            raise Refusal(429, f"{self._flying:,} requests are being answered; ask again later", "busy", 1)
        self._flying += 1
        streams = False
        try:
            response = await self._servers.send(request, body)
            if streams := isinstance(response, StreamingResponse):
                response.body_iterator = self._pieces(response.body_iterator, request.model)
            return response
        except Fault as fault:
            raise Refusal(
                502, f"the model server gave no reply ({fault}); try again", "no_reply", 1
            ) from fault
        finally:
            if not streams:
                self._flying -= 1

    async def _pieces(self, pieces: AsyncIterable[Any], model: str) -> AsyncIterator[Any]:
        try:
            async for piece in pieces:
                yield piece
        except Fault as fault:
            yield Frame(model).error(f"the model server broke off ({fault})", "no_reply")
        finally:
            self._flying -= 1

    async def close(self) -> None:
        """Closes the connections."""
        await self._servers.close()


class EndpointRelay:
    """To a model server, byte for byte but for the model's name and the key.

    Through aiohttp: httpx takes more time for a request than all else here together.

    Args:
        base_url: Where the server is; the key goes nowhere else, and redirects are not followed.
        key: The server's own; a client's key is never sent on.
        timeout: Seconds without a byte.
        model: What the server calls the model.
    """

    def __init__(self, base_url: str, key: str | None, timeout: float, model: str) -> None:
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        key = sendable(key)
        self._model = model
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            headers={
                "Content-Type": "application/json",
                "Accept-Encoding": "identity",
                "User-Agent": "longread",
            }
            | ({"Authorization": f"Bearer {key}"} if key else {}),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=timeout),
            trust_env=not is_loopback(base_url),
        )

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The server's response, of whatever status. Fault where there is none, and in a stream that breaks off."""
        if request.model != self._model:
            body = json.dumps(json.loads(body) | {"model": self._model}).encode()
        with _faults():
            response = await self._post(body)
            headers = {name: response.headers[name] for name in _PASSED if name in response.headers}
            if response.status < 300 and "text/event-stream" in headers.get("content-type", ""):
                return StreamingResponse(self._pieces(response), response.status, headers)
            async with response:
                return Response(await response.read(), response.status, headers)

    async def _post(self, body: bytes) -> aiohttp.ClientResponse:
        """A server may close a connection that rested at the very moment it is used again: once more, then."""
        try:
            return await self._session.post(self._url, data=body, allow_redirects=False)
        except aiohttp.ServerDisconnectedError:
            return await self._session.post(self._url, data=body, allow_redirects=False)

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        with _faults():
            async with response:
                async for piece in response.content.iter_any():
                    yield piece

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()


@contextmanager
def _faults() -> Iterator[None]:
    """A connection that breaks turns into a Fault."""
    try:
        yield
    except (aiohttp.ClientError, TimeoutError) as error:
        unreached = isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
        words = one_line(str(error), 200) or type(error).__name__
        raise Fault(words, reached=not unreached) from error


class ModelRelay:
    """To a model in this process, which takes text and the usual settings."""

    def __init__(self, model: ChatModel, longest: int) -> None:
        self._model = model
        self._longest = longest

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """Its reply in OpenAI's form."""
        messages = tuple(Message.of(_role(m.role), text_of(m)) for m in request.messages)
        given = request.model_extra or {}
        asked = [name for name in _NOT_HERE if given.get(name)] + ["n"] * ((request.n or 1) > 1)
        if asked:
            raise Refusal(
                400, f"a model in this process does not take: {', '.join(asked)}", "invalid_request"
            )
        try:
            sampling = Sampling(
                max_tokens=int(request.max_completion_tokens or request.max_tokens or self._longest),
                temperature=float(given.get("temperature") or 0.0),
                top_p=float(given.get("top_p") or 1.0),
                seed=int(given["seed"]) if given.get("seed") is not None else None,
            )
        except (TypeError, ValueError) as error:
            raise Refusal(400, f"a setting is no number: {error}", "invalid_request") from error
        frame = Frame(request.model)
        if not request.stream:
            try:
                reply = await self._model.chat(messages, sampling)
            except LongreadError as error:
                raise Refusal(400, str(error), "model_error") from error
            usage = usage_object(
                reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens
            )
            message = {"role": "assistant", "content": reply.text}
            return JSONResponse(frame.whole(message, reply.finish, usage))
        counted = bool(request.stream_options and request.stream_options.include_usage)
        stream = self._stream(frame, messages, sampling, counted=counted)
        return StreamingResponse(stream, media_type="text/event-stream")

    async def _stream(
        self, frame: Frame, messages: tuple[Message, ...], sampling: Sampling, *, counted: bool
    ) -> AsyncIterator[bytes]:
        deltas: Queue[Delta | None] = Queue()
        task = create_task(self._model.chat(messages, sampling, deltas.put_nowait))
        task.add_done_callback(lambda _: deltas.put_nowait(None))
        try:
            yield frame.piece({"role": "assistant", "content": ""})
            while (delta := await deltas.get()) is not None:
                if delta.text or delta.thinking:
                    thinking = {"reasoning_content": delta.thinking} if delta.thinking else {}
                    yield frame.piece({"content": delta.text} | thinking)
            reply = await task
            used = usage_object(
                reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cached_tokens
            )
            yield frame.piece({}, finish=reply.finish)
            if counted:
                yield frame.usage(used)
            yield DONE
        except LongreadError as error:
            yield frame.error(str(error), "model_error")
        finally:
            task.cancel()

    async def close(self) -> None:
        """Nothing: the model is another's."""


def _role(role: str) -> Any:
    return {"developer": "system", "tool": "user", "function": "user"}.get(role, role)
