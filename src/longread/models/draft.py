"""A reply under construction, from the payloads of a chat-completions server."""

from __future__ import annotations

from typing import Any, Literal

from longread.models.base import Delta, OnDelta, Reply
from longread.models.faults import Fault, ServerError, error_in
from longread.models.thinking import ThinkSplitter
from longread.models.usage import Prices, read_usage


class Draft:
    """Collects chunks of a stream, or one whole message, into a Reply; hands deltas out as they come."""

    def __init__(self, on_delta: OnDelta, most: int) -> None:
        """`most` characters are taken; a server that goes on beyond has lost its way."""
        self._on_delta = on_delta
        self._left = most
        self._splitter = ThinkSplitter()
        self._usage: object = None
        self.finish: Literal["stop", "length"] | None = None
        """None until the server said why it stopped."""

    def take(self, payload: object) -> None:
        """Takes one chunk, or the whole reply.

        Raises:
            ServerError: It holds an error.
            Fault: It is no chat payload, or generation broke off.
        """
        if not isinstance(payload, dict):
            raise Fault("a payload that is no object")
        if error_in(payload):
            raise ServerError(200, payload)
        self._usage = payload.get("usage") or self._usage
        choices = payload.get("choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        if not isinstance(choice, dict):
            return
        whole = isinstance(choice.get("message"), dict)
        part = choice["message"] if whole else choice.get("delta")
        if isinstance(part, dict):
            self._take_part(part)
        self._take_finish(choice.get("finish_reason") or ("stop" if whole else None))

    def reply(self, price: Prices | None) -> Reply:
        """The finished reply; Fault when the server never finished it."""
        if self.finish is None:
            raise Fault("a reply that ended before it was finished")
        self._emit(self._splitter.finish())
        return Reply(
            text=self._splitter.text,
            thinking=self._splitter.thinking,
            finish=self.finish,
            usage=read_usage(self._usage, price),
        )

    def _take_part(self, part: dict[str, Any]) -> None:
        thinking, content = _content(part.get("content"))
        for reasoning in (part.get("reasoning_content") or part.get("reasoning"), thinking):
            if isinstance(reasoning, str) and reasoning:
                self._emit(self._splitter.think(reasoning))
        if not content and isinstance(part.get("refusal"), str):
            content = part["refusal"]
        if content:
            self._emit(self._splitter.feed(content))

    def _take_finish(self, reason: object) -> None:
        if not reason:
            return
        if reason in ("error", "abort"):
            raise Fault(f"a reply that the server broke off ({reason})")
        self.finish = "length" if reason in ("length", "max_tokens") else "stop"

    def _emit(self, deltas: list[Delta]) -> None:
        for delta in deltas:
            self._left -= len(delta.text) + len(delta.thinking)
            self._on_delta(delta)
        if self._left < 0:
            raise Fault("a reply far longer than was asked for")


def _content(content: object) -> tuple[str, str]:
    """Content as (thinking, text): a string, or a list of typed parts."""
    if isinstance(content, str):
        return "", content
    if not isinstance(content, list):
        return "", ""
    thinking, text = "", ""
    for part in content:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thinking += inner if isinstance(inner, str) else _content(inner)[1]
        elif isinstance(part.get("text"), str):
            text += part["text"]
    return thinking, text
