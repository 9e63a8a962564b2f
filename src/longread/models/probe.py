"""How fast a model reads and writes, by one small call."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import NamedTuple

from longread.models.base import ChatModel, Delta, Message, Sampling

OUTPUT_TOKENS = 32
"""The most that a probe has the model write."""
_ASK = "\n\nTell in three sentences what the text above is about."
_FASTEST = 10_000
"""Tokens a second that no model writes to one reader: the pieces were held back and came at once."""
_TEMPLATE = 100
"""Tokens that a chat template adds at most, about."""
_HIDDEN = 2
"""So many times the tokens that were seen are too many: the model thought without showing it."""


class Speed(NamedTuple):
    """What one call took. Prefill and decode are None where the reply did not show when reading ended."""

    seconds: float
    """Of the whole call."""
    prompt_tokens: int
    output_tokens: int
    """Thinking included."""
    reported: bool
    """Whether the server said both token counts; else they are estimates."""
    prefill_seconds: float | None
    """Until the first piece of the reply, thinking or text."""
    decode_seconds: float | None
    """From the first piece to the end."""
    counted_tokens: int
    """What the model counted of the prompt before it was sent; a chat template comes on top."""

    @property
    def prefill_rate(self) -> float | None:
        """Tokens read a second."""
        return self.prompt_tokens / self.prefill_seconds if self.prefill_seconds else None

    @property
    def decode_rate(self) -> float | None:
        """Tokens written a second, after the first."""
        return (self.output_tokens - 1) / self.decode_seconds if self.decode_seconds else None

    def seconds_for(self, prompt_tokens: int, output_tokens: int) -> float:
        """What a call of that size would take, roughly; where the rates are unknown, as if all tokens cost alike."""
        if self.prefill_rate and self.decode_rate:
            return prompt_tokens / self.prefill_rate + output_tokens / self.decode_rate
        own = max(self.prompt_tokens + self.output_tokens, 1)
        return self.seconds * (prompt_tokens + output_tokens) / own


async def probe(model: ChatModel, text: str, *, clock: Callable[[], float] = time.monotonic) -> Speed:
    """Has the model read `text` (some 1,500 tokens tell enough) and write a little, and takes the time.

    Of a text too long for the model's window, the beginning is read.

    The first call to a server may wait until it has loaded the model: ask something small before. A random word
    stands first, so that the text is in no prefix cache.

    Raises:
        ModelError: No reply could be had.
    """
    while True:
        prompt = secrets.token_hex(8) + "\n" + text + _ASK
        counted = model.count(prompt)
        if not text or not model.window or counted + OUTPUT_TOKENS + _TEMPLATE <= model.window:
            break
        text = text[: len(text) * 3 // 4]
    start = clock()
    pieces: list[float] = []

    def on_delta(delta: Delta) -> None:
        nonlocal start
        if delta.restart:
            start = clock()
            pieces.clear()
        elif delta.text or delta.thinking:
            pieces.append(clock())

    sampling = Sampling(OUTPUT_TOKENS, temperature=None, top_p=None)
    reply = await model.chat((Message.of("user", prompt),), sampling, on_delta)
    end = clock()
    usage = reply.usage
    seen = model.count(reply.thinking + reply.text)
    given = model.count(prompt) if usage.input_tokens is None else usage.input_tokens
    written = seen if usage.output_tokens is None else usage.output_tokens
    reported = usage.input_tokens is not None and usage.output_tokens is not None
    speed = Speed(end - start, given, written, reported, None, None, counted)
    if written <= 1:
        return speed._replace(prefill_seconds=speed.seconds)
    if len(pieces) < 2 or written > _HIDDEN * seen + 8:
        return speed
    split = speed._replace(prefill_seconds=pieces[0] - start, decode_seconds=end - pieces[0])
    return split if split.decode_rate and split.decode_rate < _FASTEST else speed
