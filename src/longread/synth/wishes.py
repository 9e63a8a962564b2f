"""What a user wishes of a data set, in a TOML file or as options, which have the last word."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from longread.errors import UsageError
from longread.synth.pipeline import Recipe
from longread.synth.types import TYPES
from longread.worlds.lengths import parse_length


class Wishes(BaseModel):
    """The names of a file's keys, with `-` for `_`, are those of the options."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=lambda name: name.replace("_", "-")
    )

    target_tokens: str = "32K,64K,128K"
    size: Annotated[int, Field(ge=1)] = 1_000
    seed: int = 0
    types: str = ",".join(TYPES)
    rename: bool = False
    avoid: list[str] = []

    @property
    def recipe(self) -> Recipe:
        """As the pipeline takes it. UsageError for a length or type that there is not."""
        lengths = tuple(parse_length(part) for part in self.target_tokens.split(","))
        types = tuple(part.strip() for part in self.types.split(","))
        return Recipe(self.size, lengths, self.seed, types, self.rename)


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
        raise UsageError(f"--config {file}: '{name}' {what}") from None
    except ValueError as error:
        raise UsageError(f"--config {file}: it is no TOML: {error}") from error
