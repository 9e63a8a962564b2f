"""Where a model is: one address, several, or a TOML file that lists them.

[[server]]
base_url = "http://gpu1:8000/v1"
weight = 2                        # twice the calls of the others; 1 where not given

[[server]]
base_url = "https://api.example.com/v1"
model = "qwen3-large"             # its name there, where it is another
api_key = "..."                   # sent to this server alone
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from longread.errors import UsageError

_SUFFIX = ".toml"
_MOST_WEIGHT = 1_000


class Server(BaseModel):
    """One of the servers of a model."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)

    base_url: str = Field(min_length=1)
    weight: Annotated[float, Field(gt=0, le=_MOST_WEIGHT)] = 1.0
    """Its share of the calls beside the others'."""
    model: str | None = None
    """What this server calls the model, where that is another name."""
    api_key: SecretStr | None = None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    server: tuple[Server, ...] = Field(min_length=1)


def is_file(base_url: str) -> bool:
    """Whether it names a file of servers and is no address itself."""
    return base_url.endswith(_SUFFIX) and "://" not in base_url


def listed(base_url: str | Sequence[str] | None) -> tuple[Server, ...]:
    """The servers that a `base_url` stands for.

    Raises:
        UsageError: It names a file that cannot be read, or that is no list of servers.
    """
    if isinstance(base_url, str):
        return _read(Path(base_url)) if is_file(base_url) else (Server(base_url=base_url),)
    return tuple(Server(base_url=url) for url in base_url or ())


def _read(path: Path) -> tuple[Server, ...]:
    try:
        return _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8-sig"))).server
    except OSError as error:
        what = error.strerror or "it cannot be opened"
    except ValidationError as error:
        first = error.errors()[0]
        what = (
            f"'{'.'.join(map(str, first['loc']))}': {first['msg']}; "
            "a [[server]] has base_url and, as you like, weight, model, api_key"
        )
    except (ValueError, RecursionError) as error:
        what = f"it is no TOML: {error}"
    raise UsageError(f"the servers in {path} cannot be read: {what}")
