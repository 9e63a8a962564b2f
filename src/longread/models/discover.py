"""Which model to use: the one the user names, or a server that already runs on this machine.

What a model needs is imported only when that model is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longread.errors import ModelError, UsageError
from longread.models.base import ChatModel
from longread.models.usage import Prices
from longread.project import LOCAL_PREFIX, NANO
from longread.servers import Server

if TYPE_CHECKING:
    from longread.models.endpoint import Endpoint
    from longread.models.openai import OpenAIModel

LOCAL_SERVERS = (
    "http://127.0.0.1:11434/v1",  # Ollama
    "http://127.0.0.1:8080/v1",  # llama.cpp
    "http://127.0.0.1:8000/v1",  # vLLM
    "http://127.0.0.1:30000/v1",  # SGLang
    "http://127.0.0.1:1234/v1",  # LM Studio
)
"""Where they listen unless told otherwise."""
NANO_FOLDER = Path(__file__).parent / NANO
"""The checkpoint that comes along."""


async def discover(servers: Sequence[str] | None = None, *, seconds: float = 0.4) -> Endpoint | None:
    """The first of `servers` (LOCAL_SERVERS), in their order, that lists a chat model; None when none does.

    All are asked at once, without a key and without a proxy. Each question may take `seconds`.
    """
    from longread.models.endpoint import inspect_endpoint

    async def probe(base_url: str) -> Endpoint | None:
        try:
            return await inspect_endpoint(base_url, seconds=seconds)
        except ModelError:
            return None

    found = await asyncio.gather(*map(probe, LOCAL_SERVERS if servers is None else servers))
    return next((endpoint for endpoint in found if endpoint), None)


async def survey(servers: Sequence[str] | None = None, *, seconds: float = 2.0) -> list[list[Endpoint]]:
    """All chat models of each of `servers` (LOCAL_SERVERS) that lists some. Asked as by `discover`."""
    from longread.models.endpoint import list_models

    async def ask(base_url: str) -> list[Endpoint]:
        try:
            return await list_models(base_url, seconds=seconds)
        except ModelError:
            return []

    found = await asyncio.gather(*map(ask, LOCAL_SERVERS if servers is None else servers))
    return [endpoints for endpoints in found if endpoints]


def has_local_extra() -> bool:
    """Whether what `local:` models need is installed. Imports nothing heavy."""
    return all(find_spec(name) for name in ("torch", "transformers"))


def require_local_extra() -> None:
    """UsageError unless what `local:` models need is installed."""
    if not has_local_extra():
        raise UsageError("a model in this process needs the extra: pip install 'longread[local]'")


async def open_model(
    name: str | None,
    base_url: str | None = None,
    *,
    api_key: str | None = None,
    window: int | None = None,
    structured: bool | None = None,
    stream: bool = True,
    timeout: float = 600.0,  # noqa: ASYNC109 -- the model's, not this call's
    retries: int = 8,
    price: Prices | None = None,
) -> ChatModel:
    """The model that `name` and `base_url` say.

    Args:
        name: `nano`, `local:PATH` for a transformers checkpoint, else the server's name for the model; None takes the
            server's first chat model.
        base_url: An OpenAI-compatible endpoint.
        api_key: Sent to that host alone.
        window: Asked of the server or the checkpoint where not given.
        structured: Guessed from the server's kind where not given.
        stream: Whether to have replies streamed.
        timeout: Seconds without a byte after which a call is tried again.
        retries: How often a call is tried again.
        price: For the cost in usage.

    Raises:
        UsageError: Something is missing: the endpoint, the extra.
        ModelError: There is no such checkpoint, or the server has no model that can chat.
    """
    if name and (name == NANO or name.startswith(LOCAL_PREFIX)):
        require_local_extra()
        from longread.models.local import LocalModel

        path = NANO_FOLDER if name == NANO else name.removeprefix(LOCAL_PREFIX)
        return await asyncio.to_thread(LocalModel, path, name=name, window=window)
    if base_url is None:
        raise UsageError(f"model {name!r} needs an endpoint: give --base-url, or name it local:PATH")
    from longread.models.endpoint import inspect_endpoint

    return connect(
        await inspect_endpoint(base_url, name, api_key),
        api_key=api_key,
        window=window,
        structured=structured,
        stream=stream,
        timeout=timeout,
        retries=retries,
        price=price,
    )


async def inspect_servers(servers: Sequence[Server], model: str | None = None) -> tuple[str, list[Endpoint]]:
    """The model's name, and what each server is, all asked at once.

    A server that has a name of its own for the model is asked by that, which is nobody else's. With no model named,
    it is the first chat model of the first of the others that has one.

    Raises:
        ModelError: No model is named, and no server names one that can chat.
        UsageError: An address is none.
    """
    from longread.models.endpoint import inspect_endpoint

    async def inspect(server: Server, model: str | None) -> Endpoint:
        key = server.api_key.get_secret_value() if server.api_key else None
        return await inspect_endpoint(server.base_url, server.model or model, key)

    if model is None and len(servers) > 1:
        troubles = []
        for server in (one for one in servers if not one.model):
            try:
                model = (await inspect(server, None)).model
                break
            except ModelError as error:
                troubles.append(str(error))
        else:
            if troubles:
                raise ModelError("; ".join(troubles))
    endpoints = await asyncio.gather(*(inspect(server, model) for server in servers))
    return model or endpoints[0].model, endpoints


def connect_all(
    name: str,
    endpoints: Sequence[Endpoint],
    servers: Sequence[Server],
    *,
    prices: Sequence[Prices | None] | None = None,
    window: int | None = None,
    structured: bool | None = None,
    retries: int = 8,
    **options: Any,
) -> ChatModel:
    """The model at one server, or at several that share the calls.

    Args:
        name: The model's.
        endpoints: What `inspect_servers` found.
        servers: With their keys and weights.
        prices: For the cost in usage, by server.
        window: As for `connect`, as are the others.
        structured: Whether the servers enforce JSON schemas.
        retries: How often a call is tried again.
        options: What else `connect` takes.
    """
    models = [
        connect(
            endpoint,
            api_key=server.api_key.get_secret_value() if server.api_key else None,
            price=prices[at] if prices else None,
            window=window,
            structured=structured,
            retries=retries,
            **options,
        )
        for at, (endpoint, server) in enumerate(zip(endpoints, servers, strict=True))
    ]
    if len(models) == 1:
        return models[0]
    from longread.models.pool import PoolModel

    return PoolModel(
        models,
        name=name,
        weights=[server.weight for server in servers],
        endpoints=endpoints,
        window=window,
        structured=structured,
        retries=retries,
    )


def connect(
    endpoint: Endpoint,
    *,
    api_key: str | None = None,
    window: int | None = None,
    structured: bool | None = None,
    stream: bool = True,
    timeout: float = 600.0,
    retries: int = 8,
    price: Prices | None = None,
) -> OpenAIModel:
    """The model at an endpoint that was inspected or discovered. Arguments as for `open_model`."""
    from longread.models.openai import OpenAIModel

    return OpenAIModel(
        endpoint.model,
        endpoint.base_url,
        api_key=api_key,
        window=window or endpoint.window,
        structured=endpoint.structured if structured is None else structured,
        stream=stream,
        timeout=timeout,
        retries=retries,
        price=price,
        note=endpoint.note,
    )
