"""A key goes to the host it was set for, and to no other."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from longread.config import Resolved, resolve_settings
from longread.keys import OPENAI

A, B = "https://a.example/v1", "https://b.example/v1"
LAYERS = ("file", "env", "command")


def resolve(folder: Path, urls: dict, keys: dict, **env: str) -> Resolved:
    """`urls` and `keys` by layer."""
    lines = [f'base_url = "{urls["file"]}"'] if "file" in urls else []
    lines += [f'api_key = "{keys["file"]}"'] if "file" in keys else []
    (folder / "config.toml").write_text("\n".join(lines))
    env |= {"LONGREAD_CONFIG": str(folder / "config.toml")}
    env |= {"LONGREAD_BASE_URL": urls["env"]} if "env" in urls else {}
    env |= {"LONGREAD_API_KEY": keys["env"]} if "env" in keys else {}
    given = {"model": "m"} | ({"base_url": urls["command"]} if "command" in urls else {})
    return resolve_settings(given | ({"api_key": keys["command"]} if "command" in keys else {}), env)


def sent(resolved: Resolved) -> str | None:
    return resolved.settings.api_key.get_secret_value() if resolved.settings.api_key else None


def some_layers(values: tuple) -> list[dict]:
    """All ways in which some layers hold one of `values`, or nothing."""
    chosen = product((None, *values), repeat=len(LAYERS))
    return [{layer: v for layer, v in zip(LAYERS, way, strict=True) if v} for way in chosen]


@pytest.mark.parametrize("openai", [{}, {"OPENAI_API_KEY": "openai"}])
@pytest.mark.parametrize("openai_url", [None, A])
@pytest.mark.parametrize("urls", some_layers((A, B)), ids=str)
def test_no_combination_of_layers_sends_a_key_elsewhere(
    tmp_path: Path, urls: dict, openai: dict, openai_url: str | None
) -> None:
    env = openai | ({"OPENAI_BASE_URL": openai_url} if openai_url else {})
    for layers in some_layers(("key",)):
        keys = {layer: f"key-of-{layer}" for layer in layers}
        resolved = resolve(tmp_path, urls, keys, **env)
        url, key = resolved.settings.base_url, sent(resolved)
        set_for = {}
        for number, layer in enumerate(LAYERS):
            set_for[f"key-of-{layer}"] = next((urls[up] for up in LAYERS[number::-1] if up in urls), None)
        set_for["openai"] = openai_url or OPENAI
        latest = next((keys[layer] for layer in reversed(LAYERS) if layer in keys), None)
        if key is not None:
            assert set_for[key] == url or (set_for[key] is None and key == latest)
        if latest and set_for[latest] in (None, url):
            assert key == latest
        if latest and url and key is None:
            assert "is not sent to" in "".join(resolved.remarks)
            assert latest not in "".join(resolved.remarks)
        else:
            assert resolved.remarks == ()
        if openai and url == set_for["openai"] and not keys:
            assert key == "openai"


@pytest.mark.parametrize(
    ("url", "same"),
    [
        ("https://a.example/other", True),
        ("https://a.example:443/v1", True),
        ("HTTPS://A.example/v1", True),
        ("http://a.example/v1", False),
        ("https://a.example:8443/v1", False),
        ("https://a.example.evil.example/v1", False),
        ("https://a.example@evil.example/v1", False),
        ("https://evil.example/?https://a.example/v1", False),
        ("https://a.example:port/v1", False),
    ],
)
def test_scheme_host_and_port_make_the_host(tmp_path: Path, url: str, same: bool) -> None:
    resolved = resolve(tmp_path, {"file": A, "command": url}, {"file": "secret"})
    assert sent(resolved) == ("secret" if same else None)


def test_a_key_that_is_not_sent_is_remarked_on_with_its_place_and_hosts(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, {"file": A, "command": "http://b.example:8000/v1"}, {"env": "secret"})
    (remark,) = resolved.remarks
    assert remark == (
        "the api_key of LONGREAD_API_KEY was set for https://a.example and is not sent to http://b.example:8000"
    )
    assert resolved.origin["api_key"] == "default"


def test_an_address_with_a_password_is_not_quoted(tmp_path: Path) -> None:
    for bad in ("https://me:secret@[broken/v1", "https://me:secret@a.example/v1", "secret:x@[y"):
        resolved = resolve(tmp_path, {"file": bad, "command": B}, {"file": "key"})
        assert "not sent" in resolved.remarks[0]
        assert "secret" not in resolved.remarks[0]


def test_a_replaced_key_for_any_host_is_not_brought_back(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, {"env": A, "command": B}, {"file": "old", "env": "new"})
    assert sent(resolved) is None


def test_a_key_comes_back_with_its_host(tmp_path: Path) -> None:
    resolved = resolve(tmp_path, {"file": A, "env": B, "command": A}, {"file": "a", "env": "b"})
    assert sent(resolved) == "a"
    assert resolved.origin["api_key"] == str(tmp_path / "config.toml")
