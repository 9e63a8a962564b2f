"""Short requests go to the model as they are, and its replies come back as they are."""

from __future__ import annotations

import json
from asyncio import Queue, create_task
from collections.abc import AsyncIterator
from typing import Any, Protocol

import httpx2
from starlette.responses import JSONResponse, Response, StreamingResponse

from longread.errors import LongreadError
from longread.models.base import ChatModel, Delta, Message, Sampling
from longread.models.faults import Fault
from longread.models.transport import Transport
from longread.server.api.errors import Refusal
from longread.server.api.forms import ChatRequest
from longread.server.api.frame import DONE, Frame, usage_object
from longread.server.api.sorting import text_of

_PASSED = ("content-type", "retry-after", "x-request-id")
"""Headers of a reply that are passed on."""


class Relay(Protocol):
    """Passes a chat request on."""

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The model's reply."""
        ...

    async def close(self) -> None:
        """Releases connections."""
        ...


class EndpointRelay:
    """To a model server, byte for byte but for the model's name and the key.

    Args:
        base_url: Where the server is; the key goes nowhere else.
        key: The server's own; a client's key is never sent on.
        timeout: Seconds without a byte.
        model: What the server calls the model.
    """

    def __init__(self, base_url: str, key: str | None, timeout: float, model: str) -> None:
        self._transport = Transport(base_url, key, timeout)
        self._model = model

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """The server's response, of whatever status."""
        if request.model != self._model:
            body = json.dumps(json.loads(body) | {"model": self._model}).encode()
        sent = self._transport.relay(body)
        try:
            response = await sent.__aenter__()
        except Fault as fault:
            raise Refusal(
                502, f"the model server gave no reply: {fault}; try again", "no_reply", 1
            ) from fault
        headers = {name: response.headers[name] for name in _PASSED if name in response.headers}

        async def pieces() -> AsyncIterator[bytes]:
            try:
                async for piece in response.aiter_bytes():
                    yield piece
            except httpx2.HTTPError as error:
                if "text/event-stream" not in headers.get("content-type", ""):
                    raise  # a body cut short must not pass for a whole one
                yield Frame(self._model).error(f"the model server broke off: {error}", "no_reply")
            finally:
                await sent.__aexit__(None, None, None)

        return StreamingResponse(pieces(), response.status_code, headers)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()


class ModelRelay:
    """To a model in this process, which takes text and the usual settings."""

    def __init__(self, model: ChatModel, longest: int) -> None:
        self._model = model
        self._longest = longest

    async def send(self, request: ChatRequest, body: bytes) -> Response:
        """Its reply in OpenAI's form."""
        messages = tuple(Message.of(_role(m.role), text_of(m)) for m in request.messages)
        given = request.model_extra or {}
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
        return StreamingResponse(self._stream(frame, messages, sampling), media_type="text/event-stream")

    async def _stream(
        self, frame: Frame, messages: tuple[Message, ...], sampling: Sampling
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
