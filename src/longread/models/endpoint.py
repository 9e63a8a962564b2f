"""What a model server can do: its kind, its models, its window, whether it enforces schemas.

Every server tells this in its own place; a place that is not there is an answer too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

import anyio
import httpx2

from longread.errors import ModelError
from longread.models.faults import one_line
from longread.models.kinds import can_chat
from longread.models.transport import host_of, is_encrypted, is_loopback, sendable

_ASSUMED_WINDOW = 4096
"""What Ollama and LM Studio load a model with on most machines."""
_WINDOW_FIELDS = (
    "max_model_len",
    "context_length",
    "context_window",
    "max_context_length",
    "max_context_window",
)
KINDS = {
    "vllm": "vLLM",
    "llama.cpp": "llama.cpp",
    "sglang": "SGLang",
    "ollama": "Ollama",
    "lmstudio": "LM Studio",
    "openai": "OpenAI",
}
"""Servers that are recognised, and enforce JSON schemas, as people call them."""
_OWNERS = {"vllm": "vllm", "llamacpp": "llama.cpp", "sglang": "sglang", "library": "ollama"}


class Endpoint(NamedTuple):
    """A model at a server, and what is known of it."""

    base_url: str
    model: str
    window: int | None
    """Tokens that prompt and reply may take together."""
    structured: bool
    """Whether the server enforces JSON schemas."""
    server: str
    """One of KINDS, or unknown."""
    note: str | None = None
    """What the user should know, when the window is only assumed."""
    slots: int | None = None
    """Requests that it works on at once, where it says so."""
    trouble: str | None = None
    """Why the model may not be had there: the server does not answer with its models, or has no such one."""


async def inspect_endpoint(
    base_url: str, model: str | None = None, api_key: str | None = None, *, seconds: float = 5.0
) -> Endpoint:
    """Asks a server what it is; takes its first chat model when none is named.

    Args:
        base_url: With or without `/v1`.
        model: The server's name for the model.
        api_key: Sent to this host alone.
        seconds: How long each question may take.

    Raises:
        ModelError: No model is named, and the server names none that can chat.
        UsageError: `base_url` is no http address.
    """
    async with _connected(base_url, api_key, seconds) as server:
        entries = await server.models()
        chosen = _choose(entries, model)
        if chosen is None and model is None:
            listed = ", ".join(str(entry["id"]) for entry in entries or ())
            why = f"lists only {listed}, which cannot chat" if listed else server.silence
            raise ModelError(f"{host_of(base_url)} {why}; name one with --model, or check base_url")
        endpoint = await server.describe(chosen or {"id": model})
        if chosen:
            return endpoint
        return endpoint._replace(trouble=server.silence if entries is None else f"does not list {model}")


async def list_models(base_url: str, api_key: str | None = None, *, seconds: float = 5.0) -> list[Endpoint]:
    """Every chat model of a server, in its order. Arguments and errors as for `inspect_endpoint`."""
    async with _connected(base_url, api_key, seconds) as server:
        entries = await server.models()
        if entries is None:
            raise ModelError(f"{host_of(base_url)} {server.silence}; see whether it runs, or check base_url")
        chat = [entry for entry in entries if can_chat(entry)]
        first = [await server.describe(entry) for entry in chat[:1]]  # what holds for all is asked once
        return first + await asyncio.gather(*map(server.describe, chat[1:]))


@asynccontextmanager
async def _connected(base_url: str, api_key: str | None, seconds: float) -> AsyncIterator[_Server]:
    base_url = base_url.strip()
    host_of(base_url)
    key = sendable(api_key)
    base_url = base_url.rstrip("/").removesuffix("/chat/completions")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(
        timeout=seconds,
        headers=headers,
        follow_redirects=False,
        trust_env=not is_loopback(base_url),
        verify=is_encrypted(base_url),  # else certificates are read for nothing
    ) as http:
        yield _Server(http, base_url, seconds)


def _choose(entries: list[dict[str, Any]] | None, model: str | None) -> dict[str, Any] | None:
    fits = (entry for entry in entries or () if (entry["id"] == model if model else can_chat(entry)))
    return next(fits, None)


class _Server:
    """One server's answers."""

    def __init__(self, http: httpx2.AsyncClient, base_url: str, seconds: float) -> None:
        self._http = http
        self._base_url = base_url
        self._seconds = seconds
        self._answers: dict[str, dict[str, Any]] = {}
        self._trouble = ""

    @property
    def silence(self) -> str:
        """That it gave no list of models, and why."""
        return "does not answer with its models" + (f" ({self._trouble})" if self._trouble else "")

    @property
    def _root(self) -> str:
        return self._base_url.removesuffix("/v1")

    async def models(self) -> list[dict[str, Any]] | None:
        """The entries of a valid `/v1/models`; None where there is none. Finds a `/v1` that was left out."""
        entries = _entries(await self._ask(f"{self._base_url}/models"))
        if entries is None and not urlsplit(self._base_url).path.strip("/"):
            entries = _entries(await self._ask(f"{self._base_url}/v1/models"))
            if entries is not None:
                self._base_url += "/v1"
        return entries

    async def describe(self, entry: dict[str, Any]) -> Endpoint:
        """What is known of the model with this entry."""
        model = str(entry["id"])
        stated = _first(entry, *_WINDOW_FIELDS)
        kind = _OWNERS.get(str(entry.get("owned_by"))) or await self._kind(stated)
        window, note, slots = stated, None, None
        if kind == "llama.cpp":
            window, slots = await self._llamacpp(entry)
        elif kind == "ollama":
            window, note = await self._ollama_window(model)
        elif kind == "lmstudio":
            window, note = await self._lmstudio_window(model)
        elif kind == "sglang":
            window = await self._sglang_window(stated)
        return Endpoint(self._base_url, model, window, kind in KINDS, kind, note, slots)

    async def _kind(self, stated: int | None) -> str:
        host = urlsplit(self._base_url).hostname or ""
        if host == "api.openai.com":
            return "openai"
        if stated is not None:
            return "unknown"
        routes = ("/api/version", "/api/v0/models", "/props", "/model_info", "/get_model_info")
        asked = (self._ask(self._root + route) for route in routes)
        ollama, lmstudio, props, sglang, old_sglang = await asyncio.gather(*asked)
        if "default_generation_settings" in props:
            return "llama.cpp"
        if "model_path" in (sglang or old_sglang):
            return "sglang"
        if _entries(lmstudio):
            return "lmstudio"
        return "ollama" if isinstance(ollama.get("version"), str) else "unknown"

    async def _llamacpp(self, entry: dict[str, Any]) -> tuple[int | None, int | None]:
        """The window of one slot, which may be far less than the model was trained with, and the number of slots."""
        model = quote(str(entry["id"]), safe="")
        for route in ("/props", f"/props?model={model}"):  # one model; many behind a router
            props = await self._ask(self._root + route)
            settings = props.get("default_generation_settings")
            if isinstance(settings, dict) and (window := _first(settings, "n_ctx")):
                return window, _first(props, "total_slots")
        meta = entry.get("meta")
        return (_first(meta, "n_ctx", "n_ctx_train") if isinstance(meta, dict) else None), None

    async def _ollama_window(self, model: str) -> tuple[int, str | None]:
        """Ollama drops what does not fit its num_ctx without a word, so the trained window says nothing."""
        loaded = (await self._ask(f"{self._root}/api/ps")).get("models")
        for entry in loaded if isinstance(loaded, list) else ():
            if isinstance(entry, dict) and model in (entry.get("name"), entry.get("model")):
                window = _first(entry, "context_length")
                if window:
                    return window, None
        shown = await self._ask(f"{self._root}/api/show", {"model": model})
        for line in str(shown.get("parameters") or "").splitlines():
            name, _, value = line.strip().partition(" ")
            if name == "num_ctx" and value.strip().isdigit():
                return int(value), None
        return _ASSUMED_WINDOW, (
            f"Ollama has not loaded {model}; its usual {_ASSUMED_WINDOW} tokens are assumed. Start it with "
            "OLLAMA_CONTEXT_LENGTH set, load the model, or set `window` to what it was given"
        )

    async def _lmstudio_window(self, model: str) -> tuple[int, str | None]:
        for entry in _entries(await self._ask(f"{self._root}/api/v0/models")) or ():
            if entry["id"] == model and (window := _first(entry, "loaded_context_length")):
                return window, None
        return _ASSUMED_WINDOW, (
            f"LM Studio has not loaded {model}; its usual {_ASSUMED_WINDOW} tokens are assumed. Load the "
            "model with the context length you want, or set `window` to it"
        )

    async def _sglang_window(self, stated: int | None) -> int | None:
        """The context length, or all tokens that its memory holds where they are fewer: it refuses what is longer."""
        infos = await asyncio.gather(
            *(self._ask(self._root + route) for route in ("/server_info", "/get_server_info"))
        )
        info = infos[0] or infos[1]
        windows = (stated or _first(info, "context_length"), _first(info, "max_total_num_tokens"))
        return min((window for window in windows if window), default=None)

    async def _ask(self, url: str, body: object = None) -> dict[str, Any]:
        """The JSON object at `url`; an empty one when there is none, whatever the reason."""
        if body is None and url in self._answers:
            return self._answers[url]
        answer = None
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._http.request("GET" if body is None else "POST", url, json=body)
            if response.status_code == 200:
                answer = response.json()
            else:
                self._trouble = f"HTTP {response.status_code}"
        except (TimeoutError, httpx2.TimeoutException):
            self._trouble = f"nothing within {self._seconds:g} seconds"
        except (httpx2.HTTPError, ssl.SSLError, anyio.EndOfStream) as error:
            self._trouble = one_line(str(error)) or type(error).__name__
        except (ValueError, RecursionError):
            self._trouble = "no JSON"
        record: dict[str, Any] = answer if isinstance(answer, dict) else {}
        if body is None:
            self._answers[url] = record
        return record


def _entries(answer: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The models of an OpenAI model list; None when `answer` is none."""
    data = answer.get("data")
    if answer.get("object") != "list" or not isinstance(data, list):
        return None
    valid = all(isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in data)
    return data if valid else None


def _first(record: dict[str, Any], *names: str) -> int | None:
    """The first of the named fields that holds a positive whole number."""
    values = (record.get(name) for name in names)
    return next((v for v in values if isinstance(v, int) and not isinstance(v, bool) and v > 0), None)
