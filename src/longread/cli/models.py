"""`longread models`: what can be used, and which of it `ask` would take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from longread.config import Resolved
    from longread.models.endpoint import Endpoint
    from longread.servers import Server as Address

EXAMPLES = """\b
Examples:
  longread models
  longread models --base-url http://localhost:8000/v1
  longread models --json | jq -r .chosen.model
"""
_LISTED = 20
"""Models named for each server; a hub has hundreds."""


@dataclass(frozen=True)
class Server:
    """A model server that was asked for its models."""

    base_url: str
    models: list[Endpoint]
    error: str | None = None


@dataclass(frozen=True)
class Choice:
    """The model that `ask` would take, or why it would take none."""

    model: str | None
    places: dict[str, str]
    """Addresses of its servers, and what each calls it; none for a model in this process."""
    why: str


@dataclass(frozen=True)
class Listing:
    """All that can be used."""

    servers: list[Server]
    local: bool
    """Whether `local:` checkpoints can be used."""
    choice: Choice
    remarks: list[str] = field(default_factory=list)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("models", epilog=EXAMPLES)(models)


def models(
    base_url: Annotated[
        list[str] | None,
        typer.Option(
            help="An OpenAI-compatible endpoint to list instead of the configured one; may be repeated, or a TOML "
            "file of endpoints."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the models that can be used, and mark the one that ask would take.

    Asked are the model servers at their usual ports on this machine, without a key, and the configured endpoint.
    Exit codes: 0 ask has a model to take, 1 it has none, 2 wrong usage.
    """
    import asyncio

    from longread.cli.output import print_json
    from longread.cli.overrides import address, given
    from longread.config import resolve_settings

    listing = asyncio.run(survey_all(resolve_settings(given({"base_url": address(base_url)}))))
    if as_json:
        print_json(as_object(listing))
    else:
        _print(listing)
    raise typer.Exit(0 if listing.choice.model else 1)


async def survey_all(resolved: Resolved) -> Listing:
    """Asks all servers that `ask` might use."""
    import asyncio

    from longread.models.discover import has_local_extra, survey

    settings = resolved.settings
    configured, found = await asyncio.gather(
        asyncio.gather(*map(_configured, settings.servers)), survey() if settings.discover else _nothing()
    )
    named = {_port(server.base_url) for server in configured}
    others = [Server(models[0].base_url, models) for models in found]
    servers = [*configured, *(server for server in others if _port(server.base_url) not in named)]
    choice = await _choose(resolved, configured)
    remarks = list(resolved.remarks)
    if not settings.discover:
        remarks.append("this machine's usual ports were not asked: discover is off")
    return Listing(servers, has_local_extra(), choice, remarks)


async def _nothing() -> list[list[Endpoint]]:
    return []


async def _configured(server: Address) -> Server:
    from longread.errors import ModelError
    from longread.models.endpoint import list_models

    key = server.api_key.get_secret_value() if server.api_key else None
    try:
        found = await list_models(server.base_url, key)
    except ModelError as error:
        return Server(server.base_url, [], str(error))
    return Server(found[0].base_url if found else server.base_url, found)


async def _choose(resolved: Resolved, configured: Sequence[Server]) -> Choice:
    """What `ask` would open. A checkpoint is not loaded for it."""
    from longread.errors import LongreadError
    from longread.models.discover import require_local_extra
    from longread.project import LOCAL_PREFIX, NANO
    from longread.reading.opening import open_policy

    settings, origin = resolved.settings, resolved.origin
    name = settings.model
    try:
        if name and (name == NANO or name.startswith(LOCAL_PREFIX)):
            require_local_extra()
            return Choice(name, {}, f"{name}, as {origin['model']} says")
        opened = await open_policy(settings)
        await opened.close()
    except LongreadError as error:
        return Choice(None, {}, str(error))
    why = opened.choice.removeprefix("model: ")
    if name:
        why += f"; as {origin['model']} says"
    elif configured:
        why += f"; the first chat model of the base_url that {origin['base_url']} gives"
    elif opened.resolved.get("base_url"):
        why += "; the first chat model that was found on this machine"
    if (
        name
        and len(configured) == 1
        and configured[0].models
        and (settings.servers[0].model or name) not in [m.model for m in configured[0].models]
    ):
        why += "; the server does not list it"
    found = opened.resolved.get("base_url")
    model = opened.resolved["model"]
    places = {
        server.base_url: given.model or model
        for server, given in zip(configured, settings.servers, strict=True)
    }
    return Choice(model, places or ({found: model} if found else {}), why)


def _port(base_url: str) -> object:
    """What tells servers apart: a loopback address has many names."""
    from urllib.parse import urlsplit

    from longread.models.transport import is_loopback

    parts = urlsplit(base_url)
    return parts.port if is_loopback(base_url) else base_url


def as_object(listing: Listing) -> dict[str, Any]:
    """The JSON object of `--json`; docs/models.md describes it."""
    from longread.reading.objects import SCHEMA_VERSION

    choice = listing.choice
    return {
        "schema_version": SCHEMA_VERSION,
        "servers": [
            {
                "base_url": server.base_url,
                "server": server.models[0].server if server.models else None,
                "error": server.error,
                "models": [
                    {
                        "model": m.model,
                        "window": m.window,
                        "structured": m.structured,
                        "note": m.note,
                        "chosen": _chosen(m, choice),
                    }
                    for m in server.models
                ],
            }
            for server in listing.servers
        ],
        "local": listing.local,
        "chosen": {"model": choice.model, "base_url": _given(tuple(choice.places)), "why": choice.why},
        "remarks": listing.remarks,
    }


def _given(places: tuple[str, ...]) -> str | tuple[str, ...] | None:
    """An address as such; several as a list."""
    return places if len(places) > 1 else next(iter(places), None)


def _chosen(model: Endpoint, choice: Choice) -> bool:
    return choice.places.get(model.base_url) == model.model


def _print(listing: Listing) -> None:
    from longread.printable import printable

    lines, chosen = [], listing.choice.model or ""
    for server in listing.servers:
        lines += [*_server(server, listing.choice), ""]
    if not listing.servers:
        lines += ["no model server was found", ""]
    needs = "" if listing.local else "; needs: pip install 'longread[local]'"
    lines += [
        "in this process",
        _row(
            "extractive",
            "no language model: quotes the passages that match best",
            chosen == "extractive",
        ),
        _row("nano", f"a tiny model for its own small world, to see how all works{needs}", chosen == "nano"),
        _row("local:PATH", f"a folder with a transformers checkpoint{needs}", chosen.startswith("local:")),
        "",
        *(f"remark: {remark}" for remark in listing.remarks),
        f"{'* ask takes' if listing.choice.model else 'ask would fail:'} {listing.choice.why}",
    ]
    print("\n".join(printable(" ".join(line.splitlines())) for line in lines))


def _server(server: Server, choice: Choice) -> list[str]:
    from longread.models.endpoint import KINDS

    if server.error:
        return [server.base_url, f"  {server.error}"]
    if not server.models:
        return [server.base_url, "  lists no model that can chat"]
    kind = KINDS.get(server.models[0].server)
    lines = [f"{kind} at {server.base_url}" if kind else server.base_url]
    ranked = sorted(server.models, key=lambda m: not _chosen(m, choice))
    lines += [_row(m.model, _window(m), _chosen(m, choice)) for m in ranked[:_LISTED]]
    if len(ranked) > _LISTED:
        lines.append(f"  and {len(ranked) - _LISTED:,} more (all with --json)")
    return lines


def _window(model: Endpoint) -> str:
    if model.window is None:
        return "window unknown"
    return f"window {model.window:,}" + (" (assumed)" if model.note else "")


def _row(name: str, what: str, chosen: bool) -> str:
    return f"{'*' if chosen else ' '} {name:<34} {what}"
