"""A model server: a function from prompt to reply behind HTTP, with faults on demand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tests.servers.scripted import Answer, End, Request, ScriptServer, chunk, http, message, sse, usage

FAULTS = ("429", "500", "broken json", "empty", "untagged", "thinking", "drop", "stall", "reset")


def no_fault(number: int, prompt: str) -> str | None:
    """For a server that always works."""
    return None


class ModelServer(ScriptServer):
    """Serves one model, named `scripted`.

    `reply` gets the first message. `fault(number, prompt)` names a fault of FAULTS for the call of that number
    (from 1), or returns None. A prompt is all messages of a call, joined.
    """

    def __init__(
        self, reply: Callable[[str], str], fault: Callable[[int, str], str | None] = no_fault
    ) -> None:
        models = {"object": "list", "data": [{"id": "scripted", "object": "model"}]}
        super().__init__(routes={"/v1/models": models})
        self.reply = reply
        self.fault = fault
        self.received: Counter[str] = Counter()
        """Prompt -> how often it was received."""
        self.replied: Counter[str] = Counter()
        """Prompt -> how often it was replied to without a fault."""
        self.refuses = ""
        """A parameter that this server does not take."""
        self.on_call: Callable[[int], None] = lambda number: None

    @property
    def calls(self) -> int:
        """Calls received."""
        return self.received.total()

    def _answer(self, request: Request) -> Answer:
        if not request.path.endswith("/chat/completions"):
            return super()._answer(request)
        if self.refuses in request.body:
            return http({"error": {"message": f"{self.refuses} is not supported"}}, 400)
        messages = request.body["messages"]
        self.requests[-1] = request._replace(body=None)  # millions of tokens would pile up
        prompt = "\n".join(m["content"] for m in messages)
        self.received[prompt] += 1
        self.on_call(self.calls)
        fault = self.fault(self.calls, prompt)
        match fault:
            case "429":
                return http({"error": {"message": "slow down"}}, 429, retry_after="0")
            case "500":
                return http({"error": {"message": "out of order"}}, 500)
            case "broken json":
                return http('{"choices": [{"mess')
            case "reset":
                return (End.DROP,)
            case "drop" | "stall":
                return sse(chunk("NOTE: half a"), end=End.DROP if fault == "drop" else End.STALL)
            case "empty":
                text, finish = "", "stop"
            case "untagged":
                text, finish = "Well, this is a long section about a great many things.", "stop"
            case "thinking":
                text, finish = "<think>Let me see. The section says", "length"
            case _:
                text, finish = self.reply(messages[0]["content"]), "stop"
                self.replied[prompt] += 1
        tokens = usage(len(prompt.encode()) // 4, len(text.encode()) // 4 + 1)
        if not request.body.get("stream"):
            return http(message(text, finish, usage=tokens["usage"]))
        pieces = [chunk(text[i : i + 40]) for i in range(0, len(text), 40)]
        return sse(*pieces, chunk(finish=finish), tokens)
