"""What a user wishes of a data set, in a TOML file or as options, which have the last word."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longread.config import CAPS
from longread.errors import UsageError
from longread.project import EXTRACTIVE
from longread.synth.pipeline import Recipe
from longread.synth.types import TYPES, VIEWPOINT
from longread.worlds.lengths import check_length, parse_length

CALLS, TRIES = 200, 4
"""Of a model, where nothing else is wished."""
_ASKED = ("max_calls", "max_total_tokens", "max_cost", "paraphrase", "tries", "tried", "balance")
"""What is wished of a model."""
_ANSWERED = ("paraphrase", "tries", "tried", "balance")
"""What a stand-in cannot do."""


class Wishes(BaseModel):
    """The names of a file's keys, with `-` for `_`, are those of the options."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        alias_generator=lambda name: name.replace("_", "-"),
    )

    target_tokens: str = "32K,64K,128K"
    size: Annotated[int, Field(ge=1)] = 1_000
    seed: int = 0
    types: str | None = None
    rename: bool = False
    avoid: list[str] = []
    model: str | None = None
    base_url: str | list[str] | None = None
    max_calls: Annotated[int, Field(ge=1)] | None = None
    max_total_tokens: Annotated[int, Field(ge=1)] | None = None
    max_cost: Annotated[float, Field(gt=0)] | None = None
    paraphrase: bool | None = None
    tries: Annotated[int, Field(ge=0, le=64)] | None = None
    tried: Annotated[int, Field(ge=1)] | None = None
    balance: bool | None = None

    @property
    def recipe(self) -> Recipe:
        """As the pipeline takes it. UsageError for a length or type that there is not, or not without a model."""
        lengths = tuple(parse_length(part) for part in self.target_tokens.split(","))
        for tokens in lengths:
            check_length(tokens)
        types = (
            tuple(part.strip() for part in self.types.split(",")) if self.types is not None else tuple(TYPES)
        )
        if not self.asks and self.types is not None and VIEWPOINT in types:
            raise UsageError(f"questions of type '{VIEWPOINT}' need --model")
        return Recipe(self.size, lengths, self.seed, types, self.rename)

    @property
    def asks(self) -> bool:
        """Whether a model or a stand-in is to be asked. UsageError where only what is wished of one is given."""
        if "" in (self.model, self.base_url):
            raise UsageError(
                "--model and --base-url cannot be empty; name a model, or extractive for stand-ins"
            )
        given = [name.replace("_", "-") for name in _ASKED if getattr(self, name)]
        if not self.model and not self.base_url:
            if given:
                instead = "" if given[0] in _ANSWERED else ", or extractive for stand-ins"
                raise UsageError(f"--{given[0]} needs --model{instead}")
            return False
        if self.model == EXTRACTIVE and (wanted := [name for name in given if name in _ANSWERED]):
            raise UsageError(f"--{wanted[0]} needs a model that replies; extractive is none")
        if self.tries == 0 and (idle := [name for name in ("balance", "tried") if name in given]):
            raise UsageError(f"--{idle[0]} goes by tries; give --tries 1 or more")
        return True

    @property
    def settings(self) -> dict[str, Any]:
        """Those of a model that are wished."""
        named = {name: getattr(self, name) for name in ("model", "base_url", *CAPS)}
        return {name: value for name, value in named.items() if value is not None}


def wishes(file: str | None, given: Mapping[str, Any]) -> Wishes:
    """Those of `file`, changed by what is `given` (None is not). UsageError says what is wrong with the file."""
    told = {name.replace("_", "-"): value for name, value in given.items() if value is not None}
    try:
        stated = tomllib.loads(Path(file).read_text(encoding="utf-8")) if file else {}
        return Wishes.model_validate(stated | told)
    except OSError as error:
        raise UsageError(f"--config {file}: it cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        known = ", ".join(sorted(field.replace("_", "-") for field in Wishes.model_fields))
        what = f"is none; there are {known}" if first["type"] == "extra_forbidden" else first["msg"]
        place = f"--{name}" if name in told else f"--config {file}: '{name}'"
        raise UsageError(f"{place} {what}") from None
    except ValueError as error:
        raise UsageError(f"--config {file}: it is no TOML: {error}") from error
