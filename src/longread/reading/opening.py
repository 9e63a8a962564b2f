"""From settings to a policy: which model is used, and why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from longread.config import CAPS, Settings
from longread.errors import UsageError
from longread.models.base import ChatModel
from longread.project import EXTRACTIVE, in_process
from longread.reading.extractive import ExtractivePolicy
from longread.reading.language import ASSUMED_WINDOW, CONCURRENCY, LanguagePolicy
from longread.reading.policy import Policy
from longread.reading.prompts import LEDGER, load_prompts


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
    from longread.models.discover import connect, discover, open_model
    from longread.models.endpoint import inspect_endpoint
    from longread.models.transport import host_of, is_loopback

    key = settings.api_key.get_secret_value() if settings.api_key else None
    resolved: dict[str, Any] = {}
    if name is None and url is None:
        key = None  # whoever listens here was not given it
        resolved["api_key"] = ""  # nor will they be when the run goes on
        found = await discover()
        if found is None:
            why = "no model is configured and no model server runs on this machine"
            return _extractive(settings, f"model: extractive, since {why}")
        name, url = found.model, found.base_url
    if url is None or (name and in_process(name)):
        model, host, price = await open_model(name, window=settings.window), None, None
        concurrency: int | None = 1
    else:
        endpoint = await inspect_endpoint(url, name, key)
        host = None if is_loopback(url) else host_of(url)
        concurrency = settings.concurrency or endpoint.slots
        price = settings.price_of(endpoint.model)
        if settings.max_cost is not None and price is None:
            raise UsageError(
                f"max_cost needs the price of {endpoint.model}: set `price` (see `longread config`), such as "
                "--set 'price={input=0.5, output=2}' for a million tokens each"
            )
        model = connect(
            endpoint,
            api_key=key,
            window=settings.window,
            structured=settings.structured,
            stream=settings.stream,
            timeout=settings.timeout,
            retries=settings.retries,
            price=price,
        )
    policy = _language(model, settings, concurrency)
    place = f" at {url}" if url else ""
    window = (
        f"window {policy.budgets.window:,}"
        if settings.window or model.window
        else f"its window is unknown, {ASSUMED_WINDOW:,} assumed (--window sets it)"
    )
    name = name if name and in_process(name) else model.name
    resolved |= {"model": name, "base_url": url}
    note = getattr(model, "note", None)
    choice = f"model: {name}{place}, {window}" + (f"; {note}" if note else "")
    free = host is None or (price is not None and not (price.input or price.output))
    return Opened(policy, choice, host, free, resolved, model.close)


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
