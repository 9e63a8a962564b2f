"""Any OpenAI-compatible /v1/chat/completions endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from longread.errors import ModelError
from longread.models.base import OnDelta, Reply, Sampling
from longread.models.draft import Draft
from longread.models.endpoint import Endpoint, inspect_endpoint
from longread.models.faults import Fault, ServerError, ServerRefusalError
from longread.models.retrying import Prompt, RetryingModel, encodable
from longread.models.tokens import Estimator, calibrate
from longread.models.transport import Transport
from longread.models.usage import Prices

_CHARACTERS_A_TOKEN = 32
_LEAST_CHARACTERS = 100_000
"""What a reply may hold, generously; a stream without end must end somewhere."""
_REFUSED: dict[tuple[str, str], set[str]] = {}
"""Parameters that (base_url, model) refused, for the rest of the process."""


class OpenAIModel(RetryingModel):
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
        self._transport = Transport(base_url, api_key, timeout)
        super().__init__(name, self._transport.host, retries, estimator, sleep)
        self.window = window
        self.note = note
        self._structured = structured
        self._stream = stream
        self._price = price
        self._refused = _REFUSED.setdefault((self._transport.base_url, name), set())

    @property
    def base_url(self) -> str:
        """The endpoint, without a slash at its end."""
        return self._transport.base_url

    @property
    def structured(self) -> bool:
        """Whether `Sampling.schema` is honoured; false once the server refused one."""
        return self._structured and "response_format" not in self._refused

    async def calibrate(self, samples: Sequence[str]) -> bool:
        """Sets the estimate by the server's own tokenizer (vLLM, SGLang, llama.cpp); False where it has none.

        Args:
            samples: Pieces of the text to be read, a few thousand characters each.
        """
        url = self.base_url.removesuffix("/v1") + "/tokenize"

        async def tokenize(text: str) -> int | None:
            text = encodable(text)
            body = {"model": self.name, "prompt": text, "content": text, "add_special_tokens": False}
            try:
                answer = await self._transport.post(url, body)
            except (Fault, ServerError):
                return None
            tokens = answer.get("tokens") if isinstance(answer, dict) else None
            return len(tokens) if isinstance(tokens, list) else None

        return await calibrate(self.estimator, tokenize, samples)

    async def alive(self) -> bool:
        """Whether the server answers at all, asked without a model's work. Never raises."""
        return await self._transport.alive()

    async def inspect(self) -> Endpoint:
        """What the server says of itself now."""
        return await inspect_endpoint(self.base_url, self.name, self._transport.key)

    def adapt(self, window: int | None, *, structured: bool) -> None:
        """Takes the server as it turned out to be since."""
        self.window, self._structured = window, structured

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def attempt(self, prompt: Prompt, sampling: Sampling, on_delta: OnDelta) -> Reply:
        """One attempt; requests that only find out which parameters the server takes are not counted.

        Raises:
            Fault: It may succeed when tried again.
            ServerRefusalError: This server will not take it; another may.
            ModelError: It cannot succeed as it is.
        """
        while True:
            body = self._body(prompt, sampling)
            draft = Draft(on_delta, max(_LEAST_CHARACTERS, _CHARACTERS_A_TOKEN * sampling.max_tokens))
            try:
                await self._transport.complete(body, draft)
                return draft.reply(self._price)
            except Fault as fault:
                raise Fault(
                    self._hidden(str(fault)), retry_after=fault.retry_after, reached=fault.reached
                ) from fault
            except ServerError as error:
                if error.too_long:
                    raise self._error(
                        f"the prompt is longer than the server's window ({self._hidden(error.message)})",
                        "set `window` to what the server was started with, or a smaller `chunk_tokens`",
                    ) from error
                if name := error.refused(body):
                    self._refused.add(name)
                elif error.passing:
                    raise Fault(self._hidden(str(error)), retry_after=error.retry_after) from error
                else:
                    kind = ServerRefusalError if error.own else ModelError
                    raise self._error(self._hidden(str(error)), _advice(error.status), kind) from error

    def _hidden(self, told: str) -> str:
        """What the server said, without a key that it says again."""
        return told.replace(self._transport.key, "…") if self._transport.key else told

    def _body(self, prompt: Prompt, sampling: Sampling) -> dict[str, Any]:
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
