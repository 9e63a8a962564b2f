"""Which API key goes with an endpoint: a key goes to the host it was set for and to no other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

OPENAI = "https://api.openai.com/v1"
_PORTS = {"http": 80, "https": 443}


class Chosen(NamedTuple):
    """A key, if there is one, and where it was found."""

    key: Any
    place: str
    remark: str | None
    """When a key was set that is not sent."""


def openai_home(env: Mapping[str, str]) -> tuple[str, str] | None:
    """The endpoint that OpenAI's own variables stand for, and the variable that says so."""
    if url := env.get("OPENAI_BASE_URL"):
        return url, "OPENAI_BASE_URL"
    return (OPENAI, "OPENAI_API_KEY") if env.get("OPENAI_API_KEY") else None


def choose(layers: Sequence[tuple[str, Mapping[str, Any]]], url: object, env: Mapping[str, str]) -> Chosen:
    """The latest key that was set for the host of `url`, or for no host in particular.

    Args:
        layers: Where an `api_key` would come from, and the settings given there. A key is set for the hosts of the
            `base_url`, an address or a list of them, that is in force at its layer.
        url: The endpoint in use.
        env: For OPENAI_API_KEY, which goes to the host of OpenAI's variables.
    """
    host, homes = _host(url), None
    found = []
    for place, values in layers:
        homes = _hosts(values["base_url"]) if "base_url" in values else homes
        if "api_key" in values:
            found.append((place, values["api_key"], homes))
    for place, key, homes in reversed(found):
        # The latest may be for no host in particular; an older one was replaced unless it is for this host.
        anywhere = host is None or place == found[-1][0]
        if key and (anywhere if homes is None else host in homes):
            return Chosen(key, place, None)
    openai, stands_for = env.get("OPENAI_API_KEY"), openai_home(env)
    if openai and stands_for and host and host == _host(stands_for[0]):
        return Chosen(openai, "OPENAI_API_KEY", None)
    unsent = [
        f"the api_key of {place} was set for {', '.join(map(_named, homes or ())) or 'no address'}"
        for place, key, homes in found[-1:]
        if key
    ]
    return Chosen(
        None, "default", f"{unsent[0]} and is not sent to {_named(host)}" if unsent and host else None
    )


_Host = tuple[str, str | None, int | None] | str
"""Scheme, host and port, which a key is tied to; the address itself where it has none."""


def _hosts(urls: object) -> list[_Host] | None:
    """Of an address or a list of them; None where none is named."""
    if not urls and urls != []:
        return None
    return [host for url in (urls if isinstance(urls, list | tuple) else [urls]) if (host := _host(url))]


def _host(url: object) -> _Host | None:
    if not url:
        return None
    try:
        parts = urlsplit(str(url).strip())
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return str(url)


def _named(host: _Host | None) -> str:
    """A host as it may be shown: an address that cannot be read may hold a password."""
    if not isinstance(host, tuple) or not host[1]:
        return "an address that cannot be read"
    scheme, name, port = host
    return f"{scheme}://{name}" + (f":{port}" if port != _PORTS.get(scheme) else "")
