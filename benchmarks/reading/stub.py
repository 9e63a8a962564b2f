"""The model server that all contenders share: OpenAI's chat completions, answered by the oracle.

    python -m benchmarks.reading.stub [--log CALLS.jsonl]

prints the port it listens on. A run is announced with `POST /runs/NAME` (a world's path, the oracle's traits, the
window, faults, whether its calls go in lockstep) and is known by its API key; `GET /runs/NAME` tells what it cost.

In lockstep, calls wait until no new one has come for some milliseconds, and are then answered together: one round.
The number of rounds is the critical path in calls, whatever the speed of this machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import uvicorn
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.reading.account import Account, Call, Price
from benchmarks.reading.oracle import Traits, View, look
from benchmarks.reading.protocol import recognise
from benchmarks.reading.replies import reply
from benchmarks.reading.rivals.job import CHARACTERS
from benchmarks.reading.world import World


class Faults(BaseModel, frozen=True):
    """What goes wrong at the server."""

    every: int = 0
    """Each call with a number that this divides, counted from `phase`; 0 for none."""
    phase: int = 0
    kind: Literal["error", "empty", "cut"] = "error"
    stall_after: int | None = None
    """From this many answered calls on, calls are held for ever, so that the client can be killed in the middle."""


class Terms(BaseModel, frozen=True):
    """What holds for one run."""

    world: Path
    traits: Traits = Traits()
    window: int = 1_000_000
    lockstep: bool = False
    quiet_ms: float = 100.0
    faults: Faults = Faults()
    price: Price = Price()


@dataclass
class Run:
    """A run under way."""

    name: str
    terms: Terms
    world: World
    account: Account
    stalled: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: int = 0
    waiting: list[tuple[Pending, asyncio.Future[None]]] = field(default_factory=list)
    gate: asyncio.Task[None] | None = None


class Pending(BaseModel, arbitrary_types_allowed=True):
    """A call between its arrival and its answer."""

    view: View
    text: str
    finish: str
    status: int
    call: Call | None = None


class Stub:
    """All runs of one server."""

    def __init__(self, log: Path | None) -> None:
        self._log = log.open("a") if log else None
        self._runs: dict[str, Run] = {}
        self._worlds: dict[Path, World] = {}

    def app(self) -> Starlette:
        """The web application."""
        return Starlette(
            routes=[
                Route("/runs/{name}", self.announce, methods=["POST"]),
                Route("/runs/{name}", self.tell, methods=["GET"]),
                Route("/runs/{name}/stalled", self.stalled, methods=["GET"]),
                Route("/v1/models", self.models, methods=["GET"]),
                Route("/v1/chat/completions", self.chat, methods=["POST"]),
            ]
        )

    async def announce(self, request: Request) -> Response:
        """Begins a run, or changes the terms of one that goes on."""
        name = request.path_params["name"]
        terms = Terms.model_validate_json(await request.body())
        if terms.world not in self._worlds:
            self._worlds[terms.world] = World.load(terms.world)
        if name in self._runs:
            self._runs[name].terms = terms
        else:
            self._runs[name] = Run(name, terms, self._worlds[terms.world], Account(terms.price))
        return JSONResponse({})

    async def tell(self, request: Request) -> Response:
        """What a run has cost."""
        return Response(self._runs[request.path_params["name"]].account.close().model_dump_json())

    async def stalled(self, request: Request) -> Response:
        """Answers once a run has come to its stall."""
        run = self._runs[request.path_params["name"]]
        await run.stalled.wait()
        return JSONResponse({"calls": run.account.summary.calls})

    async def models(self, request: Request) -> Response:
        """The one model there is; it takes no schemas."""
        return JSONResponse(
            {"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "benchmark"}]}
        )

    async def chat(self, request: Request) -> Response:
        """One call."""
        run = self._runs[request.headers["authorization"].removeprefix("Bearer ")]
        try:
            body = json.loads(await request.body())
        except ClientDisconnect:  # a call made ahead, in vain
            return Response(status_code=499)
        run.arrived += 1
        if run.terms.faults.stall_after is not None and run.arrived > run.terms.faults.stall_after:
            run.stalled.set()
            await asyncio.Event().wait()
        pending = _consider(run, body)
        if run.terms.lockstep and pending.status != 400:
            await self._together(run, pending)
        else:
            self._settle(run, [pending])
        assert pending.call
        if pending.status == 400:
            return _refusal(pending.call.prompt, run.terms.window)
        if pending.status == 500:
            failure = {"message": "the stub fails as it was told to", "type": "server_error"}
            return JSONResponse({"error": failure}, 500, {"retry-after": "0", "retry-after-ms": "1"})
        return _streamed(pending) if body.get("stream") else JSONResponse(_whole(pending))

    async def _together(self, run: Run, pending: Pending) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        run.waiting.append((pending, future))
        if run.gate:
            run.gate.cancel()
        run.gate = asyncio.create_task(self._release(run))
        await future

    async def _release(self, run: Run) -> None:
        await asyncio.sleep(run.terms.quiet_ms / 1000)
        waiting, run.waiting, run.gate = run.waiting, [], None
        run.account.round(self._settle(run, [pending for pending, _ in waiting]))
        for _, future in waiting:
            if not future.done():
                future.set_result(None)

    def _settle(self, run: Run, together: list[Pending]) -> list[Call]:
        """Counts calls that are answered together; none of them finds another's prompt in the cache."""
        found = [run.account.uncached(pending.view.prompt.whole) for pending in together]
        calls = []
        for pending, (uncached, blocks) in zip(together, found, strict=True):
            pending.call = run.account.add(
                run.name, pending.view, pending.text, pending.status, uncached, blocks
            )
            pending.call.round = run.account.summary.rounds if run.terms.lockstep else -1
            calls.append(pending.call)
            if self._log:
                self._log.write(pending.call.model_dump_json() + "\n")
        if self._log:
            self._log.flush()
        return calls


def _consider(run: Run, body: dict[str, Any]) -> Pending:
    """What will be answered, and how the answer will fail."""
    prompt = recognise(body["messages"])
    view = look(run.world, run.terms.traits, prompt)
    if len(prompt.whole) > run.terms.window * CHARACTERS:
        return Pending(view=view, text="", finish="stop", status=400)
    text, finish, faults = reply(view), "stop", run.terms.faults
    limit = body.get("max_completion_tokens") or body.get("max_tokens")
    if limit and len(text) > limit * CHARACTERS:
        text, finish = text[: limit * CHARACTERS], "length"
    if faults.every and (run.arrived + faults.phase) % faults.every == 0:
        if faults.kind == "error":
            return Pending(view=view, text="", finish="stop", status=500)
        text, finish = ("", "stop") if faults.kind == "empty" else (text[: len(text) // 2], "length")
    return Pending(view=view, text=text, finish=finish, status=200)


def _refusal(tokens: int, window: int) -> Response:
    message = (
        f"This model's maximum context length is {window} tokens. However, your messages are {tokens} tokens. "
        "Please reduce the length of the messages."
    )
    error = {
        "message": message,
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }
    return JSONResponse({"error": error}, 400)


def _frame(kind: str) -> dict[str, Any]:
    return {"id": "stub", "object": kind, "created": 0, "model": "stub"}


def _usage(call: Call) -> dict[str, Any]:
    return {
        "prompt_tokens": call.prompt,
        "completion_tokens": call.output,
        "total_tokens": call.prompt + call.output,
        "prompt_tokens_details": {"cached_tokens": call.prompt - call.uncached},
    }


def _whole(pending: Pending) -> dict[str, Any]:
    assert pending.call
    message = {"role": "assistant", "content": pending.text}
    choice = {"index": 0, "message": message, "finish_reason": pending.finish}
    return {**_frame("chat.completion"), "choices": [choice], "usage": _usage(pending.call)}


def _streamed(pending: Pending) -> Response:
    assert pending.call
    frame = _frame("chat.completion.chunk")
    said = {"index": 0, "delta": {"role": "assistant", "content": pending.text}, "finish_reason": None}
    ended = {"index": 0, "delta": {}, "finish_reason": pending.finish}
    parts = [{**frame, "choices": [said]}, {**frame, "choices": [ended]}]
    parts.append({**frame, "choices": [], "usage": _usage(pending.call)})
    payload = "".join(f"data: {json.dumps(part)}\n\n" for part in parts) + "data: [DONE]\n\n"
    return Response(payload, media_type="text/event-stream")


def main() -> None:
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, help="where each call is written as a line of JSON")
    parser.add_argument(
        "--tied", action="store_true", help="end when standard input does, as the parent ends"
    )
    args = parser.parse_args()
    if args.tied:
        threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    # With the protocol named, asyncio switches off the delay of small packets: 40 ms a call otherwise.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(512)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(Stub(args.log).app(), log_level="warning", access_log=False, lifespan="off")
    asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
