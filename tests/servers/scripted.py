"""A server that gives answers byte by byte as a test wrote them, so that any fault can be had.

It speaks HTTP itself: a web framework would not let a test break the protocol.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from enum import Enum
from typing import Any, NamedTuple, Self


class End(Enum):
    """How an answer ends, other than well."""

    DROP = "the connection is closed"
    STALL = "nothing more comes"


Answer = tuple[bytes | End, ...]


class Request(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: Any


def http(payload: object, status: int = 200, **headers: str) -> Answer:
    """A whole JSON answer; a string is sent as it is."""
    body = (payload if isinstance(payload, str) else json.dumps(payload)).encode()
    fields = {"content-type": "application/json", "content-length": str(len(body))}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} X\r\n" + "".join(f"{k}: {v}\r\n" for k, v in fields.items())
    return (head.encode() + b"\r\n" + body,)


def sse(*events: object, end: End | None = None, done: bool = True) -> Answer:
    """A stream of events; strings are sent as they are."""
    texts = [event if isinstance(event, str) else json.dumps(event) for event in events]
    texts += ["[DONE]"] if done and end is None else []
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [_chunk(f"data: {text}\n\n".encode()) for text in texts]
    return (head, *chunks, *([b"0\r\n\r\n"] if end is None else [end]))


def chunk(text: str | None = None, finish: str | None = None, **delta: object) -> dict[str, Any]:
    """One chunk of a streamed reply."""
    content = {} if text is None else {"content": text}
    return {"choices": [{"index": 0, "delta": {**content, **delta}, "finish_reason": finish}]}


def usage(prompt: int, completion: int, **more: object) -> dict[str, Any]:
    """The last chunk of a stream with usage."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    return {"choices": [], "usage": counts | more}


def message(content: object, finish: str = "stop", **more: object) -> dict[str, Any]:
    """A reply that is not streamed."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish}
    return {"object": "chat.completion", "model": "scripted", "choices": [choice], **more}


def said(text: str) -> Answer:
    """A good streamed reply."""
    return sse(chunk(role="assistant"), chunk(text), chunk(finish="stop"), usage(7, 3))


class ScriptServer:
    """Answers chat requests with `answers` in turn, the last one again and again; other paths with `routes`.

    Runs in a thread of its own while the `with` block lasts.
    """

    def __init__(self, *answers: Answer, routes: dict[str, object] | None = None) -> None:
        self.answers = deque(answers or [said("fine")])
        self.routes = routes or {}
        self.requests: list[Request] = []
        self.connections = 0
        self.base_url = ""

    @property
    def asked(self) -> list[Any]:
        """Bodies of the chat requests."""
        return [request.body for request in self.requests if request.path.endswith("/chat/completions")]

    def __enter__(self) -> Self:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()

        async def run() -> None:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
            self.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            started.set()
            await self._over.wait()
            server.close()
            open_connections = asyncio.all_tasks() - {asyncio.current_task()}
            for task in open_connections:
                task.cancel()
            await asyncio.gather(*open_connections, return_exceptions=True)

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(run(),))
        self._thread.start()
        assert started.wait(10)
        return self

    def join(self) -> None:
        """Waits for ever."""
        self._thread.join()

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                request = await _read(reader)
                self.requests.append(request)
                await self._work(request)
                for part in self._answer(request):
                    if part is End.STALL:
                        await self._over.wait()
                    if isinstance(part, End):
                        return
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _work(self, request: Request) -> None:
        """What takes time before an answer: nothing here."""

    def _answer(self, request: Request) -> Answer:
        if request.path.endswith("/chat/completions"):
            return self.answers.popleft() if len(self.answers) > 1 else self.answers[0]
        if request.path not in self.routes:
            return http({"error": {"message": "no such route"}}, 404)
        answer = self.routes[request.path]
        return answer if isinstance(answer, tuple) else http(answer)


async def _read(reader: asyncio.StreamReader) -> Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, json.loads(body) if body else None)


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"
