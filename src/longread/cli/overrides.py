"""Options of several commands, as settings."""

from __future__ import annotations

from typing import Any

from longread.config import Settings, no_such_setting, parse_value
from longread.errors import UsageError


def given(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings without those that were left out."""
    return {name: value for name, value in settings.items() if value is not None}


def address(urls: list[str] | None) -> str | list[str] | None:
    """`--base-url` as the setting: one address or file, or several addresses."""
    return urls[0] if urls and len(urls) == 1 else urls or None


def caps(max_calls: int | None, max_total_tokens: int | None, max_cost: float | None) -> dict[str, Any]:
    """The options that limit a run, as settings."""
    return given({"max_calls": max_calls, "max_total_tokens": max_total_tokens, "max_cost": max_cost})


def assignments(pairs: list[str]) -> dict[str, Any]:
    """`--set NAME=VALUE` as a mapping."""
    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals:
            raise UsageError(f"--set {pair}: give NAME=VALUE, such as --set seed=1")
        if name not in Settings.model_fields:
            raise no_such_setting(name, "--set")
        if name == "api_key":
            raise UsageError(
                "--set api_key: a key on the command line is seen by others; put it in LONGREAD_API_KEY "
                "or in the configuration file"
            )
        values[name] = parse_value(name, value)
    return values
