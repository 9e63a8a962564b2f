"""Settings: defaults < user file < project file < environment < flags. Nothing else reads the environment.

The user file is `config.toml` in the user's configuration folder; the project file is described in project.py; an
environment variable is `LONGREAD_` and the setting's name in capitals. An unknown name is an error, so that a
typing mistake never passes in silence.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr, ValidationError, field_validator

from longread import keys, project
from longread.errors import UsageError
from longread.servers import Server, is_file, listed

_PREFIX = "LONGREAD_"
_MOST_TOKENS = 10**9
_ENVIRONMENT = "the environment"
_COMMAND = "the command"
CAPS = ("max_calls", "max_total_tokens", "max_cost")
"""Settings that limit what a run may use."""


class Price(BaseModel):
    """What a model costs per million tokens, in any one currency."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(None, ge=0)
    """Of input tokens that the server took from its cache; the input price where it is not given."""


class Settings(BaseModel):
    """All settings. Each may stand in the user file or the environment, or be given as `--set NAME=VALUE`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    model: str | None = None
    """A model's name at `base_url`, `local:PATH` for a checkpoint, `nano` (the tiny one for its own small world), or
    `extractive`."""
    base_url: str | tuple[str, ...] | None = None
    """An OpenAI-compatible endpoint, up to and with `/v1`; a list of several that share the calls; or a TOML file of
    them with their weights."""
    api_key: SecretStr | None = None
    """Sent to `base_url` and nowhere else."""
    discover: bool = True
    """Whether to look for a model server on this machine when no model is named."""
    strategy: str = "auto"
    """auto, full, sequential, speculative, rounds or search."""
    revisits: int = Field(2, ge=0, le=100)
    """How often chunks may be read again for what the notes lack in the end: 1/8 of them each time, or four."""
    early_exit: bool = False
    """Whether `rounds` may leave chunks unread when the notes suffice; not for counts, orders or "all"."""
    prompts: str | None = None
    """A built-in prompt set (ledger, text) or the path of one; the checkpoint's own, else ledger, where not given."""
    chunk_first: bool = False
    """Whether a chunk stands before question and notes, for a server's prefix cache to hold it for all that is
    asked about it."""
    pdf: Literal["text", "docling"] = "text"
    """How PDF files are read: `text` takes their text layer, `docling` recognises scanned pages and tables too."""
    window: int | None = Field(None, ge=2048, le=_MOST_TOKENS)
    """Tokens the model can take; asked of the server where it is not given."""
    chunk_tokens: int | None = Field(None, ge=64, le=_MOST_TOKENS)
    """Tokens read at once; the prompt set's or a quarter of the window, at most 32,768, where not given."""
    notes_tokens: int | None = Field(None, ge=64, le=_MOST_TOKENS)
    """Tokens that notes may take in a prompt; the prompt set's or an eighth of the window, at most 15,000, where not
    given."""
    answer_tokens: int | None = Field(None, ge=16, le=_MOST_TOKENS)
    """Tokens of the answer; the prompt set's or an eighth of the window, at most 8,192, where not given."""
    thinking_tokens: int | None = Field(None, ge=0, le=_MOST_TOKENS)
    """Tokens a model may think before it writes; the prompt set's or an eighth of the window, at most 16,384,
    where not given."""
    temperature: float | None = Field(0.7, ge=0, le=2)
    """The paper's; 0 for greedy decoding."""
    top_p: float | None = Field(0.95, gt=0, le=1)
    """The paper's."""
    concurrency: int | None = Field(None, ge=1, le=4096)
    """Calls in flight at once; what the servers say, or 16 for each that does not, where not given. A model in this
    process takes 1."""
    seed: int | None = Field(0, ge=-(2**63), lt=2**63)
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
    prices: dict[str, Price] = {}
    """Prices by a model's exact name, each before `price`."""
    max_calls: int | None = Field(None, ge=1, le=10**9)
    """Calls that a run may make; at this cap it stops and can be resumed with a higher one."""
    max_total_tokens: int | None = Field(None, ge=1, le=10**15)
    """Tokens, input and output together, that a run may use."""
    max_cost: float | None = Field(None, gt=0)
    """What a run may cost, in the currency of `price`, which it needs."""
    keep_days: float | None = Field(None, gt=0)
    """Days after which a run is deleted from the journal; all are kept where not given."""
    keep_runs: int | None = Field(None, ge=1)
    """How many runs the journal keeps, the latest; all where not given."""
    state_dir: Path = Field(default_factory=lambda: platformdirs.user_state_path("longread"))
    """Where the journal lives."""
    _servers: tuple[Server, ...] = PrivateAttr(())

    @property
    def servers(self) -> tuple[Server, ...]:
        """Where the model is, each with the key that goes there. UsageError where a file of them cannot be read."""
        if self._servers:
            return self._servers
        return tuple(_keyed(server, self.api_key) for server in listed(self.base_url))

    def unaliased(self) -> Settings:
        """The same for another model than the servers' own names are meant for: each is asked for `model` itself."""
        made = self.model_copy()
        made._servers = tuple(server.model_copy(update={"model": None}) for server in self.servers)
        return made

    @field_validator("base_url")
    @classmethod
    def _addresses(cls, given: str | tuple[str, ...] | None) -> str | tuple[str, ...] | None:
        if given is None or isinstance(given, str):
            return str(Path(given).expanduser().absolute()) if given and is_file(given) else given
        if not given or not all(given):
            raise ValueError("an address in the list is empty" if given else "the list is empty")
        if files := [url for url in given if is_file(url)]:
            raise ValueError(f"{files[0]} is a file of servers: give it alone, with all addresses in it")
        if len(set(given)) < len(given):
            raise ValueError("give each address once; a TOML file of servers can have weights")
        return given if len(given) > 1 else given[0]

    @field_validator("state_dir")
    @classmethod
    def _expand(cls, path: Path) -> Path:
        if not path.parts:
            raise ValueError("it is empty; name a folder")
        try:
            return path.expanduser().absolute()
        except RuntimeError as error:
            raise ValueError("~ stands for no home folder that is known") from error

    def price_of(self, model: str) -> Price | None:
        """The price of a model: its own entry in `prices`, else `price`; None where it is unknown."""
        return self.prices.get(model, self.price)


@dataclass(frozen=True)
class Resolved:
    """The settings in force, and how they came about."""

    settings: Settings
    origin: Mapping[str, str]
    """Where each setting comes from: `default`, a file, a variable, or `the command`."""
    remarks: tuple[str, ...]
    """What the user should know: what a project file decides, what is ignored. One line each, without secrets."""
    user_file: Path
    project_file: project.Found | None
    capped: bool
    """Whether the user set a cap; one of the project file alone is not theirs."""


class _Layer(NamedTuple):
    place: str
    values: Mapping[str, Any]

    def origin(self, name: str) -> str:
        return f"{_PREFIX}{name.upper()}" if self.place == _ENVIRONMENT else self.place


def load_settings(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings in force. UsageError names the place and the setting that is wrong."""
    return resolve_settings(overrides, environment).settings


def resolve_settings(
    overrides: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None
) -> Resolved:
    """The settings in force, with the origin of each.

    Args:
        overrides: What the command gives; the last word.
        environment: Instead of the process's.

    Raises:
        UsageError: A setting is wrong, or a file cannot be read; the place is named.
    """
    env = os.environ if environment is None else environment
    path, found = user_file(env), project.find()
    if found and _same_file(found.path, path):
        found = None  # what the user names as their own file is theirs
    user = _Layer(str(path), _user_values(path))
    mine = _valid(user)
    later = (_Layer(_ENVIRONMENT, _environment(env)), _Layer(_COMMAND, dict(overrides or {})))
    own: dict[str, Any] = dict(user.values)
    for layer in later:
        _valid(layer)
        own |= layer.values
    theirs, remarks = _project_layer(found, mine, user.values, endpoint=bool(own.get("base_url")))
    layers = (user, theirs, *later)
    values: dict[str, Any] = {}
    origin = dict.fromkeys(Settings.model_fields, "default")
    for layer in layers:
        values |= layer.values
        origin |= {name: layer.origin(name) for name in layer.values}
    if in_force := [name for name in theirs.values if origin[name] == theirs.place]:
        remarks.append(f"{theirs.place} sets {', '.join(in_force)}")
    if _lacks_endpoint(values) and (home := keys.openai_home(env)):
        values["base_url"], origin["base_url"] = home
    values |= _valid_address(values)
    servers, chosen = _with_keys(listed(values.get("base_url")), layers, env)
    values["api_key"], origin["api_key"] = chosen.key, chosen.place
    settings = Settings.model_validate(values)
    settings._servers = servers
    if origin["model"] == theirs.place and origin["price"] != _COMMAND and not _priced(settings):
        settings, origin["price"] = settings.model_copy(update={"price": None}), "default"
        remarks.append(f"price is not used: {theirs.place} names another model; give its price in `prices`")
    if chosen.remark:
        remarks.append(one_line(chosen.remark))
    capped = any(own.get(cap) is not None for cap in CAPS)
    return Resolved(settings, origin, tuple(remarks), path, found, capped)


def user_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where the user's file is, or would be."""
    env = os.environ if environment is None else environment
    return Path(env.get(f"{_PREFIX}CONFIG", "") or platformdirs.user_config_path("longread") / "config.toml")


def no_such_setting(name: str, place: str) -> UsageError:
    """The error for a setting that does not exist, with the one that may be meant."""
    close = difflib.get_close_matches(name.lower(), Settings.model_fields, 1)
    hint = f"did you mean '{close[0]}'?" if close else "`longread config show` lists them all"
    return UsageError(f"setting '{one_line(name, 60)}' in {place}: there is no such setting; {hint}")


def one_line(text: str, most: int = 300) -> str:
    """Text from outside as a message quotes it: not long, and nothing that could pass for another message."""
    clean = "".join(c if c.isprintable() else "\ufffd" for c in text[: most + 1])
    return clean if len(clean) <= most else f"{clean[:most]}…"


def parse_value(name: str, value: str) -> Any:
    """A setting given as text: tables and lists as TOML (`price={input=1, output=2}`), `none` for no value."""
    if value.lower() in ("none", "null"):
        return None
    if name in ("price", "prices") or (name == "base_url" and value.startswith("[")):
        try:
            return tomllib.loads(f"{name} = {value}")[name]
        except (ValueError, RecursionError) as error:
            raise UsageError(f"setting '{name}' is {one_line(value)!r}: {error}") from error
    return value


def _valid(layer: _Layer) -> Settings:
    """A layer by itself, so that an error can name its place."""
    for name in layer.values:
        if name not in Settings.model_fields:
            raise no_such_setting(name, layer.place)
    try:
        return Settings.model_validate(layer.values)
    except ValidationError as error:
        first = error.errors()[0]
        name = one_line(".".join(str(part) for part in first["loc"]))
        extra = first["type"] == "extra_forbidden"
        told = first["msg"].removeprefix("Value error, ")
        what = "a price has input, output and cached only" if extra else told
        raise UsageError(f"setting '{name}' in {layer.place}: {what}") from None


def _user_values(path: Path) -> dict[str, Any]:
    try:
        return _toml(path.read_bytes(), str(path))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"the configuration {path} cannot be read: {error.strerror}") from error


def _project_layer(
    found: project.Found | None, mine: Settings, given: Mapping[str, Any], *, endpoint: bool
) -> tuple[_Layer, list[str]]:
    """What holds of a project file, and remarks on what does not. `given` is what the user's own file sets."""
    if found is None or not found.exists:
        return _Layer("no project file", {}), []
    raw, why = project.read(found)
    if why:
        return _Layer(found.shown, {}), [why]
    values, remarks, own = _toml(raw, found.shown), [], dict(mine)
    if refused := [name for name in values if name in own and name not in project.TUNABLE]:
        remarks.append(f"{found.shown}: ignored what a project file may not set: {', '.join(refused)}")
    valid = dict(_valid(_Layer(found.shown, {n: v for n, v in values.items() if n not in refused})))
    tuned = {name: valid[name] for name in values if name not in refused}
    kept, whys = project.screen(tuned, own, endpoint=endpoint)
    remarks += [f"{found.shown}: {why}" for why in whys]
    news = {name: tuned[name] for name in kept if name not in given or own[name] != tuned[name]}
    return _Layer(found.shown, news), remarks


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _toml(raw: bytes, shown: str) -> dict[str, Any]:
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"line {line} is not UTF-8"
    except RecursionError:
        what = "it nests too deeply"
    except ValueError as error:  # of TOML, or a number too long to convert
        what = one_line(str(error))
    raise UsageError(f"the configuration {shown} cannot be read: {what}")


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    values = {
        name.removeprefix(_PREFIX).lower(): value
        for name, value in env.items()
        if name.startswith(_PREFIX) and name != f"{_PREFIX}CONFIG" and value
    }
    return {name: parse_value(name, value) for name, value in values.items()}


def _lacks_endpoint(values: Mapping[str, Any]) -> bool:
    return not values.get("base_url") and not project.in_process(values.get("model") or project.EXTRACTIVE)


def _priced(settings: Settings) -> bool:
    """Whether the cost is certain although someone else than the user named the model."""
    price = settings.price
    return price is None or settings.model in settings.prices or not (price.input or price.output)


def _with_keys(
    servers: tuple[Server, ...], layers: Sequence[_Layer], env: Mapping[str, str]
) -> tuple[tuple[Server, ...], keys.Chosen]:
    """The servers, each with its key, and the key that all of them share, if they do."""
    told = [(layer.origin("api_key"), _with_addresses(layer.values)) for layer in layers]
    if not servers:
        return (), keys.choose(told, None, env)
    chosen = [keys.choose(told, server.base_url, env) for server in servers]
    keyed = tuple(_keyed(server, one.key) for server, one in zip(servers, chosen, strict=True))
    shared = chosen[0].key if all(one.key == chosen[0].key for one in chosen) else None
    unsent = {
        one.remark: None for one, own in zip(chosen, servers, strict=True) if one.remark and not own.api_key
    }
    place = next((one.place for one in chosen if one.key), "default")
    return keyed, keys.Chosen(shared, place, "; ".join(unsent) or None)


def _keyed(server: Server, key: Any) -> Server:
    """With `key`, unless it has one of its own."""
    if server.api_key or not key:
        return server
    return Server.model_validate(server.model_dump() | {"api_key": key})


def _valid_address(values: Mapping[str, Any]) -> dict[str, Any]:
    """`base_url` as the setting has it: the path of a file made absolute."""
    given = values.get("base_url")
    return {"base_url": Settings.model_validate({"base_url": given}).base_url} if given else {}


def _with_addresses(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A layer with the addresses that stand in its file of servers: what its key is tied to."""
    found = _valid_address(values)
    if not found:
        return values
    try:
        servers = listed(found["base_url"])
    except UsageError:  # of a layer that another overrides, or it would have been told
        servers = ()
    return {**values, "base_url": [server.base_url for server in servers]}
