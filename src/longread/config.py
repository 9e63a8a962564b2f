"""Settings: defaults < user file < environment < flags. Nothing else reads the environment.

The user file is `config.toml` in the user's configuration folder; an environment variable is `LONGREAD_` and
the setting's name in capitals. An unknown name is an error, so that a typing mistake never passes in silence.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from longread.errors import UsageError

_PREFIX = "LONGREAD_"
_OPENAI = "https://api.openai.com/v1"


class Price(BaseModel):
    """What a model costs per million tokens, in any one currency."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    """Of input tokens that the server took from its cache; the input price where it is not given."""


class Settings(BaseModel):
    """All settings. Each may stand in the user file, in the environment, or be given as `--set NAME=VALUE`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str | None = None
    """A model's name at `base_url`, `local:PATH` for a checkpoint, or `extractive`."""
    base_url: str | None = None
    """An OpenAI-compatible endpoint, up to and with `/v1`."""
    api_key: SecretStr | None = None
    """Sent to `base_url` and nowhere else."""
    discover: bool = True
    """Whether to look for a model server on this machine when no model is named."""
    strategy: str = "auto"
    """auto, full, sequential or search."""
    prompts: str = "ledger"
    """A built-in prompt set (ledger, text) or the path of one."""
    window: int | None = Field(None, ge=2048)
    """Tokens the model can take; asked of the server where it is not given."""
    chunk_tokens: int | None = Field(None, ge=64)
    """Tokens read at once; a quarter of the window, at most 32,768, where not given."""
    notes_tokens: int | None = Field(None, ge=64)
    """Tokens that notes may take in a prompt; an eighth of the window, at most 15,000, where not given."""
    answer_tokens: int | None = Field(None, ge=16)
    """Tokens of the answer; an eighth of the window, at most 8,192, where not given."""
    thinking_tokens: int | None = Field(None, ge=0)
    """Tokens a model may think before it writes; an eighth of the window, at most 16,384, where not given."""
    temperature: float | None = Field(0.7, ge=0, le=2)
    """The paper's; 0 for greedy decoding."""
    top_p: float | None = Field(0.95, gt=0, le=1)
    """The paper's."""
    seed: int | None = 0
    """Sent with each call."""
    attempts: int = Field(3, ge=1, le=10)
    """How often a reply that breaks the form is asked for."""
    stream: bool = True
    """Whether replies are streamed."""
    structured: bool | None = None
    """Whether the server enforces JSON schemas; guessed from its kind where not given."""
    timeout: float = Field(600.0, gt=0)
    """Seconds without a byte after which a call is tried again."""
    retries: int = Field(8, ge=0, le=100)
    """How often a call that failed is tried again."""
    price: Price | None = None
    """For the cost in `usage`; unknown where not given. `{input=0, output=0}` for a server that costs nothing."""
    max_calls: int | None = Field(None, ge=1)
    """Calls that a run may make; at this cap it stops and can be resumed with a higher one."""
    max_total_tokens: int | None = Field(None, ge=1)
    """Tokens, input and output together, that a run may use."""
    max_cost: float | None = Field(None, gt=0)
    """What a run may cost, in the currency of `price`, which it needs."""
    keep_days: float | None = Field(None, gt=0)
    """Days after which a run is deleted from the journal; all are kept where not given."""
    keep_runs: int | None = Field(None, ge=1)
    """How many runs the journal keeps, the latest; all where not given."""
    state_dir: Path = Field(default_factory=lambda: platformdirs.user_state_path("longread"))
    """Where the journal lives."""

    @field_validator("state_dir")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        if not path.parts:
            raise ValueError("it is empty; name a folder")
        return path.expanduser().absolute()


def load_settings(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force. UsageError names the place and the setting that is wrong."""
    env = os.environ if environment is None else environment
    given = dict(overrides or {})
    path = Path(env.get(f"{_PREFIX}CONFIG", "") or platformdirs.user_config_path("longread") / "config.toml")
    layers = [(str(path), _user_file(path)), ("the environment", _environment(env)), ("the command", given)]
    merged: dict[str, Any] = {}
    key_home: tuple[object, ...] | None = None
    for place, values in layers:
        try:
            Settings.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(str(part) for part in first["loc"])
            what = "there is no such setting" if first["type"] == "extra_forbidden" else first["msg"]
            raise UsageError(f"setting '{name}' in {place}: {what}") from None
        merged |= values
        home = _origin(merged.get("base_url"))
        if "api_key" in values:
            key_home = home
        elif key_home and home != key_home:
            merged.pop("api_key", None)  # a key stays with the host it was configured for
    return Settings.model_validate(_with_openai(merged, env))


def _origin(url: object) -> tuple[object, ...] | None:
    """Scheme, host and port: what a key is tied to."""
    if not url:
        return None
    try:
        parts = urlsplit(str(url))
        return parts.scheme, parts.hostname, parts.port
    except ValueError:
        return (url,)


def _user_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the configuration {path} cannot be read: {error}") from error


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    values = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(_PREFIX) and name != f"{_PREFIX}CONFIG" and value
    }
    return {name: parse_value(name, value) for name, value in values.items()}


def parse_value(name: str, value: str) -> Any:
    """A setting given as text: tables as TOML (`price={input=1, output=2}`), `none` for no value."""
    if value.lower() in ("none", "null"):
        return None
    if name == "price":
        try:
            return tomllib.loads(f"price = {value}")["price"]
        except tomllib.TOMLDecodeError as error:
            raise UsageError(f"setting 'price' is {value!r}: {error}") from error
    return value


def _with_openai(values: dict[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """OpenAI's own variables: they name an endpoint for a named model, and the key goes to that host alone."""
    model, key = values.get("model"), env.get("OPENAI_API_KEY")
    home = env.get("OPENAI_BASE_URL") or (_OPENAI if key else None)
    if (
        home
        and not values.get("base_url")
        and model
        and model != "extractive"
        and not model.startswith("local:")
    ):
        values = {**values, "base_url": home}
    url = values.get("base_url")
    same = bool(url and home) and _origin(url) == _origin(home)
    return {**values, "api_key": key} if key and same and not values.get("api_key") else values
