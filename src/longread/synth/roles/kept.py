"""What a model said that a data set rests on, in files beside it; all of it is checked again when it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from longread.errors import InputError
from longread.synth.roles.asking import NO_REPLY
from longread.synth.roles.finishing import Step
from longread.synth.roles.paraphrase import Reworded
from longread.synth.roles.triples import Stated
from longread.synth.roles.views import Held

TRIPLES, VIEWS, PARAPHRASES = "triples.json", "views.json", "paraphrases.json"
Told = TypeVar("Told", bound=BaseModel)


class Found(NamedTuple):
    """What a model found in documents."""

    stated: Stated = Stated()
    held: Held = Held()

    @property
    def steps(self) -> dict[str, Step]:
        """What came of asking for it."""
        return {
            "facts in prose": Step(len(self.stated.triples), self.stated.rejected),
            "views": Step(len(self.held.views), self.held.rejected),
        }

    def unheard(self) -> Iterator[str]:
        """Names of files that failed calls alone have made: what they would have told is not known."""
        for name, kept, rejected in (
            (TRIPLES, self.stated.triples, self.stated.rejected),
            (VIEWS, self.held.views, self.held.rejected),
        ):
            if not kept and rejected.keys() == {NO_REPLY}:
                yield name


class _Paraphrases(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    paraphrases: tuple[Reworded, ...] = ()


def write_found(folder: Path, extract: Callable[[], Stated], listen: Callable[[], Held]) -> Found:
    """What there is in the files of a data set, made where there is none yet."""
    if not (folder / TRIPLES).exists():
        _write(folder / TRIPLES, extract())
    if not (folder / VIEWS).exists() and (held := listen()) != Held():
        _write(folder / VIEWS, held)
    return read_found(folder)


def read_found(folder: Path) -> Found:
    """What was found; nothing where no model was asked. InputError for a file that cannot be read."""
    return Found(_read(folder / TRIPLES, Stated), _read(folder / VIEWS, Held))


def write_reworded(folder: Path, reworded: Sequence[Reworded]) -> None:
    """Paraphrases, where there are any."""
    if reworded:
        _write(folder / PARAPHRASES, _Paraphrases(paraphrases=tuple(reworded)))


def read_reworded(folder: Path) -> tuple[Reworded, ...]:
    """The paraphrases of a data set. InputError for a file that cannot be read."""
    return _read(folder / PARAPHRASES, _Paraphrases).paraphrases


def _read(path: Path, model: type[Told]) -> Told:
    try:
        return model.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return model()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise InputError(f"{path} cannot be read: {error.errors()[0]['msg']}") from error


def _write(path: Path, told: BaseModel) -> None:
    """A file, whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_text(told.model_dump_json(indent=1) + "\n", encoding="utf-8")
    part.replace(path)
