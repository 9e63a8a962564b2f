"""Any OpenAI-compatible /v1/chat/completions endpoint."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import tenacity

from longread.errors import ModelError
from longread.models.base import Delta, Message, OnDelta, Reply, Sampling
from longread.models.draft import Draft
from longread.models.faults import LONGEST_WAIT, Fault, ServerError
from longread.models.tokens import Estimator, calibrate, utf8_length
from longread.models.transport import Transport
from longread.models.usage import Prices
from longread.printable import printable

_log = logging.getLogger(__name__)

_LONG_PAUSE = 2.0
"""Seconds of silence from which on the user is told why."""
_TRIES_TO_REACH = 3
"""Attempts at a server that was never reached: a wrong address should not take minutes to show."""
_CHARACTERS_A_TOKEN = 32
_LEAST_CHARACTERS = 100_000
"""What a reply may hold, generously; a stream without end must end somewhere."""
_REFUSED: dict[tuple[str, str], set[str]] = {}
"""Parameters that (base_url, model) refused, for the rest of the process."""


class OpenAIModel:
    """A model behind an OpenAI-compatible endpoint.

    Args:
        name: The server's name for the model.
        base_url: Up to and with `/v1`. The only host that the key is sent to; redirects are not followed.
        api_key: Sent as a bearer token; None for servers that need none.
        window: Tokens that prompt and reply may take together, when known.
        structured: Whether the server enforces JSON schemas.
        stream: Whether to have replies streamed. A stream is watched for stalls while the model writes.
        timeout: Seconds without a byte after which a call is tried again.
        retries: How often a call is tried again.
        price: For the cost in `Reply.usage`, unless the server reports it.
        estimator: Counts tokens; learns from the server's reports.
        note: What the user should know of this endpoint, kept as `note`.
        sleep: Waits between attempts.

    Raises:
        UsageError: `base_url` is no http address, or the key cannot be sent.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        api_key: str | None = None,
        window: int | None = None,
        structured: bool = False,
        stream: bool = True,
        timeout: float = 600.0,
        retries: int = 8,
        price: Prices | None = None,
        estimator: Estimator | None = None,
        note: str | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.window = window
        self.note = note
        self.estimator = estimator or Estimator()
        self._transport = Transport(base_url, api_key, timeout)
        self._structured = structured
        self._stream = stream
        self._retries = retries
        self._price = price
        self._sleep = sleep
        self._refused = _REFUSED.setdefault((self._transport.base_url, name), set())
        self._reached = False

    @property
    def base_url(self) -> str:
        """The endpoint, without a slash at its end."""
        return self._transport.base_url

    @property
    def structured(self) -> bool:
        """Whether `Sampling.schema` is honoured; false once the server refused one."""
        return self._structured and "response_format" not in self._refused

    @property
    def ratio(self) -> float:
        """Tokens for each four bytes of UTF-8, as estimated at present."""
        return self.estimator.ratio

    def count(self, text: str) -> int:
        """Tokens in `text`, estimated."""
        return self.estimator.count(text)

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        """One reply. See ChatModel.

        Raises:
            ModelError: The server refuses the request, or did not give a reply in all attempts.
        """
        prompt = [{"role": message.role, "content": _encodable(message.text)} for message in messages]
        handed_out = False

        def hand_out(delta: Delta) -> None:
            nonlocal handed_out
            handed_out = not delta.restart
            if on_delta:
                on_delta(delta)

        async def attempt() -> Reply:
            if handed_out:
                hand_out(Delta(restart=True))
            return await self._attempt(prompt, sampling, hand_out)

        try:
            reply = await attempt()
        except Fault as fault:
            reply = await self._again(attempt, fault)
        if reply.usage.input_tokens is not None:
            size = sum(utf8_length(message["content"]) for message in prompt)
            self.estimator.observe(size, reply.usage.input_tokens)
        return reply

    async def _again(self, attempt: Callable[[], Awaitable[Reply]], first: Fault) -> Reply:
        """The reply of a later attempt. Most calls need none, so the first is made without what this costs."""
        faults = [first]

        async def attempted() -> Reply:
            if faults:
                raise faults.pop()
            return await attempt()

        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            wait=_wait,
            stop=self._give_up,
            retry=tenacity.retry_if_exception_type(Fault),
            before_sleep=self._tell,
            reraise=True,
        )
        try:
            reply: Reply = await retrying(attempted)
        except Fault as fault:
            attempts = retrying.statistics["attempt_number"]
            raise self._error(
                f"no reply in {attempts} attempt{'s' * (attempts > 1)}, the last time {fault}",
                "see whether the server runs and answers there",
            ) from fault
        return reply

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Sets the estimate by the server's own tokenizer (vLLM, SGLang, llama.cpp); False where it has none.

        Args:
            samples: Pieces of the text to be read, a few thousand characters each.
        """
        url = self.base_url.removesuffix("/v1") + "/tokenize"

        async def tokenize(text: str) -> int | None:
            text = _encodable(text)
            body = {"model": self.name, "prompt": text, "content": text, "add_special_tokens": False}
            try:
                answer = await self._transport.post(url, body)
            except (Fault, ServerError):
                return None
            tokens = answer.get("tokens") if isinstance(answer, dict) else None
            return len(tokens) if isinstance(tokens, list) else None

        return await calibrate(self.estimator, tokenize, samples)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def _attempt(self, prompt: list[dict[str, str]], sampling: Sampling, on_delta: OnDelta) -> Reply:
        """One attempt; requests that only find out which parameters the server takes are not counted."""
        while True:
            body = self._body(prompt, sampling)
            draft = Draft(on_delta, max(_LEAST_CHARACTERS, _CHARACTERS_A_TOKEN * sampling.max_tokens))
            try:
                await self._transport.complete(body, draft)
                self._reached = True
                return draft.reply(self._price)
            except Fault as fault:
                self._reached |= fault.reached
                raise
            except ServerError as error:
                self._reached = True
                if error.too_long:
                    raise self._error(
                        f"the prompt is longer than the server's window ({error.message})",
                        "set `window` to what the server was started with, or a smaller `chunk_tokens`",
                    ) from error
                if name := error.refused(body):
                    self._refused.add(name)
                elif error.passing:
                    raise Fault(str(error), retry_after=error.retry_after) from error
                else:
                    raise self._error(str(error), _advice(error.status)) from error

    def _body(self, prompt: list[dict[str, str]], sampling: Sampling) -> dict[str, Any]:
        schema = sampling.schema if self.structured else None
        optional = {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            "stream_options": {"include_usage": True} if self._stream else None,
            "response_format": schema
            and {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}},
        }
        body: dict[str, Any] = {"model": self.name, "messages": prompt, "stream": self._stream}
        body |= {k: v for k, v in optional.items() if v is not None and k not in self._refused}
        if "max_tokens" in self._refused:
            body["max_completion_tokens"] = sampling.max_tokens
        return body

    def _tell(self, state: tenacity.RetryCallState) -> None:
        """Says why nothing comes for a while."""
        seconds = state.next_action.sleep if state.next_action else 0.0
        if seconds >= _LONG_PAUSE:
            fault = state.outcome and state.outcome.exception()
            what = f"no reply from {self._transport.host} ({fault}); trying again in {seconds:.0f} s"
            _log.warning("%s", printable(what))

    def _give_up(self, state: tenacity.RetryCallState) -> bool:
        most = self._retries if self._reached else min(self._retries, _TRIES_TO_REACH - 1)
        return state.attempt_number > most

    def _error(self, what: str, advice: str) -> ModelError:
        told = f"{self.name} at {self._transport.host}: {what}"
        key = self._transport.key
        return ModelError(f"{told.replace(key, '…') if key else told}; {advice}")


def _wait(state: tenacity.RetryCallState) -> float:
    """Seconds: what the server asks for, else 0.5, 1, 2, ... 30; up to a quarter more spreads the load."""
    fault = state.outcome and state.outcome.exception()
    asked = fault.retry_after if isinstance(fault, Fault) else None
    base = min(0.5 * 2 ** (state.attempt_number - 1), 30.0) if asked is None else asked
    return min(base * (1 + random.random() / 4), LONGEST_WAIT)  # noqa: S311


def _encodable(text: str) -> str:
    """`text` without lone surrogates, which have no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _advice(status: int) -> str:
    if status in (401, 403):
        return "give the API key that this server knows, or ask for access to the model"
    if status in (402, 429):
        return "see the account's balance and limits"
    if status == 404:
        return "check the model's name, and whether base_url ends in /v1"
    if 300 <= status < 400:
        return "set base_url to where the server really is"
    return "change the setting that it names"
