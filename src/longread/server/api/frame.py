"""OpenAI's objects around a reply, whole or in pieces."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from longread.server.api.errors import error_object

DONE = b"data: [DONE]\n\n"


class Frame:
    """The objects around the pieces of one reply."""

    def __init__(self, model: str) -> None:
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": model,
        }  # fmt: skip

    def whole(
        self, message: dict[str, Any], finish: str, usage: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        """A reply in one piece."""
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        return self._head | {"object": "chat.completion", "choices": [choice], "usage": usage} | more

    def piece(self, delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
        """A piece of a stream."""
        return self._event([{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}], more)

    def usage(self, usage: dict[str, Any]) -> bytes:
        """The piece that says what a stream took."""
        return self._event([], {"usage": usage})

    def error(self, message: str, code: str) -> bytes:
        """The end of a stream that failed; OpenAI's clients raise it."""
        return b"data: " + json.dumps(error_object(message, 500, code)).encode() + b"\n\n"

    def _event(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> bytes:
        made = self._head | {"object": "chat.completion.chunk", "choices": choices} | more
        return b"data: " + json.dumps(made).encode() + b"\n\n"


def usage_object(input: int | None, output: int | None, cached: int | None) -> dict[str, Any]:
    """What a reply took, as OpenAI says it; null is unknown."""
    total = None if input is None or output is None else input + output
    details = {"cached_tokens": cached}
    return {
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": total,
        "prompt_tokens_details": details,
    }
