"""A model server in a thread: a function from prompt to reply behind HTTP, with faults on demand.

It speaks HTTP itself, so that it can break the protocol where a web framework would not let it.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import Counter
from collections.abc import Callable
from typing import Self

FAULTS = ("429", "500", "broken json", "empty", "untagged", "thinking", "drop", "stall", "reset")


class ModelServer:
    """Serves `/v1/models` and `/v1/chat/completions`.

    `fault(number, prompt)` names a fault for the call of that number (from 1), or returns None.
    """

    def __init__(
        self,
        reply: Callable[[str], str],
        fault: Callable[[int, str], str | None] = lambda number, prompt: None,
    ) -> None:
        self.reply = reply
        self.fault = fault
        self.calls = 0
        self.asked: Counter[str] = Counter()
        """Prompt (all messages) -> how often it was replied to in full."""
        self.received: Counter[str] = Counter()
        """Prompt -> how often it was received."""
        self.headers: list[str] = []
        self.on_call: Callable[[int], None] = lambda number: None
        self.url = ""

    def __enter__(self) -> Self:
        ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()

        async def run() -> None:
            server = await asyncio.start_server(self._connection, "127.0.0.1", 0, limit=2**26)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            ready.set()
            await self._stop.wait()
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(run(),), daemon=True)
        self._thread.start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.headers.append(head.decode("latin-1"))
                length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
                body = await reader.readexactly(int(length[1])) if length else b""
                if head.startswith(b"GET /v1/models"):
                    self._send(writer, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})
                elif head.startswith(b"POST /v1/chat/completions"):
                    if not await self._chat(json.loads(body), reader, writer):
                        return
                else:
                    self._send(writer, {"error": {"message": "no such route"}}, status="404 Not Found")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _chat(self, body: dict, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Replies to one call; False when the connection is over."""
        prompt = "\n".join(m["content"] for m in body["messages"])
        self.calls += 1
        self.received[prompt] += 1
        self.on_call(self.calls)
        fault = self.fault(self.calls, prompt)
        if fault == "429":
            self._send(
                writer, {"error": {"message": "slow down"}}, "429 Too Many Requests", "retry-after: 0\r\n"
            )
            return True
        if fault == "500":
            self._send(writer, {"error": {"message": "out of order"}}, "500 Internal Server Error")
            return True
        if fault == "broken json":
            self._raw(writer, b'{"choices": [{"mess', "application/json")
            return True
        if fault == "reset":
            writer.transport.abort()
            return False
        text, finish = self.reply(body["messages"][0]["content"]), "stop"
        if fault == "empty":
            text = ""
        elif fault == "untagged":
            text = "Well, this is a long section about a great many things."
        elif fault == "thinking":
            text, finish = "<think>Let me see. The section says", "length"
        usage = {"prompt_tokens": len(prompt) // 4, "completion_tokens": len(text) // 4 + 1}
        usage["total_tokens"] = sum(usage.values())
        base = {"id": "x", "created": 0, "model": body["model"]}
        if not body.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
            self._send(writer, {**base, "object": "chat.completion", "choices": [choice], "usage": usage})
            self.asked.update([prompt] if fault is None else [])
            return True
        pieces = [text[i : i + 40] for i in range(0, len(text), 40)]
        events = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
        events.append({"index": 0, "delta": {}, "finish_reason": finish})
        chunk = {**base, "object": "chat.completion.chunk"}
        lines = [f"data: {json.dumps({**chunk, 'choices': [event]})}\n\n" for event in events]
        lines += [f"data: {json.dumps({**chunk, 'choices': [], 'usage': usage})}\n\n", "data: [DONE]\n\n"]
        if fault in ("drop", "stall"):
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            )
            half = lines[0].encode()
            writer.write(b"%x\r\n%s\r\n" % (len(half), half))
            await writer.drain()
            if fault == "stall":
                await reader.read(1)  # returns when the client gives up
            writer.transport.abort()
            return False
        self._raw(writer, "".join(lines).encode(), "text/event-stream")
        self.asked.update([prompt] if fault is None else [])
        return True

    def _send(
        self, writer: asyncio.StreamWriter, body: dict, status: str = "200 OK", headers: str = ""
    ) -> None:
        self._raw(writer, json.dumps(body).encode(), "application/json", status, headers)

    @staticmethod
    def _raw(
        writer: asyncio.StreamWriter, body: bytes, kind: str, status: str = "200 OK", headers: str = ""
    ) -> None:
        head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
        writer.write(head.encode() + body)
