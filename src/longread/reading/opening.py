"""From settings to a policy: which model is used, and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from longread.config import CAPS, Settings
from longread.errors import UsageError
from longread.models.base import ChatModel
from longread.project import EXTRACTIVE, in_process
from longread.reading.extractive import ExtractivePolicy
from longread.reading.language import ASSUMED_WINDOW, CONCURRENCY, LanguagePolicy
from longread.reading.policy import Policy
from longread.reading.prompts import LEDGER, load_prompts
from longread.servers import Server

if TYPE_CHECKING:
    from longread.models.endpoint import Endpoint


class Opened(NamedTuple):
    """A policy ready to use."""

    policy: Policy
    choice: str
    """Which model was chosen and why, in one line."""
    host: str | None
    """The other machine that would get the text; None when it stays on this one."""
    free: bool
    """Whether it is known that calls cost nothing."""
    resolved: dict[str, Any]
    """Settings that lead to the same model again without a search."""
    close: Callable[[], Awaitable[None]]

    def kept(self, settings: Settings, given: Mapping[str, Any]) -> dict[str, Any]:
        """All settings as a run keeps them, to go on in the same way wherever it is resumed; never a key.

        Of caps only those that the command `given` had: the others may be raised where they were set.
        """
        left_out = {"api_key", "state_dir", "keep_days", "keep_runs", *CAPS}
        kept = settings.model_dump(mode="json", exclude=left_out)
        kept |= {cap: given[cap] for cap in CAPS if cap in given}
        return kept | {name: value for name, value in self.resolved.items() if value is not None}


async def open_policy(settings: Settings) -> Opened:
    """The policy that settings ask for. With no model named, a model server on this machine, else extractive.

    Raises:
        UsageError: The settings do not fit together, or an extra is missing.
        ModelError: The model cannot be reached or loaded.
    """
    name, url = settings.model, settings.base_url
    prompts = load_prompts(settings.prompts or LEDGER)  # a wrong name is told even where no prompt is needed
    if settings.chunk_first:
        prompts.chunk_first()
    if name == EXTRACTIVE:
        return _extractive(settings, "model: extractive (no language model)")
    if name is None and url is None and not settings.discover:
        return _extractive(settings, "model: extractive, since none is configured")
    if name is not None and url is None and not in_process(name):
        raise UsageError(
            f"model '{name}' needs an endpoint: give --base-url (or LONGREAD_BASE_URL), "
            "local:PATH for a checkpoint, or extractive for no model"
        )
    from longread.models.discover import discover, open_model

    if name is not None and in_process(name):
        model = await open_model(name, window=settings.window)
        policy = _language(model, settings, 1)
        return Opened(
            policy, _choice(name, model, policy, settings), None, True, {"model": name}, model.close
        )
    if settings.servers:
        return await _remote(settings, name, settings.servers, {"base_url": settings.base_url})
    found = await discover()
    if found is None:
        why = "no model is configured and no model server runs on this machine"
        return _extractive(settings, f"model: extractive, since {why}")
    # Whoever listens here was not given the key, nor will they be when the run goes on.
    server = Server(base_url=found.base_url)
    return await _remote(settings, found.model, (server,), {"base_url": found.base_url, "api_key": ""})


async def _remote(
    settings: Settings, name: str | None, servers: Sequence[Server], resolved: dict[str, Any]
) -> Opened:
    """A model at one server or several."""
    from longread.models.discover import connect_all, inspect_servers
    from longread.models.transport import host_of, is_loopback

    name, endpoints = await inspect_servers(servers, name)
    prices = [settings.price_of(endpoint.model) for endpoint in endpoints]
    if settings.max_cost is not None and None in prices:
        unknown = endpoints[prices.index(None)].model
        raise UsageError(
            f"max_cost needs the price of {unknown}: set `price` (see `longread config`), such as "
            "--set 'price={input=0.5, output=2}' for a million tokens each"
        )
    model = connect_all(
        name,
        endpoints,
        servers,
        prices=prices,
        window=settings.window,
        structured=settings.structured,
        stream=settings.stream,
        timeout=settings.timeout,
        retries=settings.retries,
    )
    answering = [endpoint for endpoint in endpoints if not endpoint.trouble] or endpoints
    slots = sum(endpoint.slots or CONCURRENCY for endpoint in answering)
    policy = _language(model, settings, settings.concurrency or slots)
    choice = _choice(f"{model.name} at {_place(servers, endpoints)}", model, policy, settings)
    hosts = [host_of(server.base_url) for server in servers if not is_loopback(server.base_url)]
    free = not hosts or all(price and not (price.input or price.output) for price in prices)
    return Opened(policy, choice, ", ".join(hosts) or None, free, {"model": name} | resolved, model.close)


def _place(servers: Sequence[Server], endpoints: Sequence[Endpoint]) -> str:
    """Where a model is; of several servers also which do not answer."""
    if len(servers) == 1:
        return servers[0].base_url
    troubles = [f"{one.base_url} {one.trouble}" for one in endpoints if one.trouble]
    return "; ".join([f"{len(servers)} servers ({', '.join(one.base_url for one in endpoints)})", *troubles])


def _choice(what: str, model: ChatModel, policy: LanguagePolicy, settings: Settings) -> str:
    window = (
        f"window {policy.budgets.window:,}"
        if settings.window or model.window
        else f"its window is unknown, {ASSUMED_WINDOW:,} assumed (--window sets it)"
    )
    note = getattr(model, "note", None)
    return f"model: {what}, {window}" + (f"; {note}" if note else "")


def policy_for(model: ChatModel | Policy, settings: Settings) -> Policy:
    """A policy over a model that is already there; a policy is returned as it is."""
    return model if isinstance(model, Policy) else _language(model, settings, settings.concurrency)


def _extractive(settings: Settings, choice: str) -> Opened:
    async def close() -> None: ...

    policy = ExtractivePolicy(settings.chunk_tokens or 5_000, settings.notes_tokens or 4_000)
    return Opened(policy, choice, None, True, {"model": EXTRACTIVE}, close)


def _language(model: ChatModel, settings: Settings, concurrency: int | None) -> LanguagePolicy:
    policy = LanguagePolicy.over(
        model,
        settings.prompts or getattr(model, "prompts", None) or LEDGER,
        window=settings.window,
        chunk_first=settings.chunk_first,
        chunk=settings.chunk_tokens,
        notes=settings.notes_tokens,
        answer=settings.answer_tokens,
        thinking=settings.thinking_tokens,
    )
    return replace(
        policy,
        temperature=settings.temperature,
        top_p=settings.top_p,
        seed=settings.seed,
        attempts=settings.attempts,
        concurrency=concurrency or CONCURRENCY,
    )
