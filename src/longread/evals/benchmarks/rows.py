"""Rows of data files, one at a time: JSON lists, JSON Lines and Parquet, known by their content.

Some sets have rows of 40 MB and files of 13 GB, so no file is ever held. Of Parquet, the least that can be read is a
page, which writers make of many rows: at worst, a row group is held.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from longread.errors import UsageError

HELP = "take the file as it is published, or see docs/benchmarks-data.md for what it must hold"
_SNIFFED = 64
_BOM = b"\xef\xbb\xbf"


class Table(NamedTuple):
    """A file of rows."""

    path: Path
    member: str = ""
    """The file within a zip archive."""

    def __str__(self) -> str:
        return f"{self.path}, {self.member}" if self.member else str(self.path)


class Row(BaseModel):
    """What a row must hold. Nothing is converted; other fields may be there too."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True)


R = TypeVar("R", bound=Row)


def paired(text: str) -> str:
    """`text` with U+FFFD for halves of surrogate pairs, which nothing could write."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


Words = Annotated[str, BeforeValidator(lambda value: paired(value) if isinstance(value, str) else value)]


def _filled(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("empty", "holds no text")
    return text


Filled = Annotated[Words, AfterValidator(_filled)]
"""A text that a question is asked over."""


def rows(table: Table, model: type[R]) -> Iterator[tuple[int, R]]:
    """The rows of a table with their numbers: lines of JSON Lines, else places from 1.

    Raises:
        UsageError: The file cannot be read, or a row does not fit.
    """
    number = 0
    for number, value in _values(table):
        try:
            yield number, model.model_validate(value)
        except ValidationError as error:
            raise broken(table, number, _fault(error, value)) from None
    if not number:
        raise UsageError(f"{table} holds no rows; {HELP}")


def broken(table: Table, number: int, fault: str) -> UsageError:
    """What is wrong with a row, as one sentence."""
    return UsageError(f"{table}, row {number}, {fault}; {HELP}")


def _values(table: Table) -> Iterator[tuple[int, Any]]:
    with _opened(table) as file:
        start = file.read(_SNIFFED).removeprefix(_BOM).lstrip()
    if start.startswith(b"PAR1"):
        yield from _parquet(table)
        return
    with _opened(table) as file:
        yield from _list(table, file) if start.startswith(b"[") else _lines(table, file)


@contextmanager
def _opened(table: Table) -> Iterator[IO[bytes]]:
    try:
        if not table.member:
            with table.path.open("rb") as file:
                yield file
            return
        with zipfile.ZipFile(table.path) as archive, archive.open(table.member) as member:
            yield member
    except OSError as error:
        raise UsageError(f"{table} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise UsageError(f"{table} cannot be read from the archive ({error}); {HELP}") from error


def _lines(table: Table, file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    for number, line in enumerate(file, 1):
        if line := line.removeprefix(_BOM).strip():
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                raise broken(table, number, "is not JSON") from None
            yield number, value


def _list(table: Table, file: IO[bytes]) -> Iterator[tuple[int, Any]]:
    import ijson  # type: ignore[import-untyped, unused-ignore]

    number = 0
    try:
        for number, value in enumerate(ijson.items(file, "item", use_float=True), 1):
            yield number, value
    except ijson.JSONError:
        raise broken(table, number + 1, "is not JSON, or the file is cut off there") from None


def _parquet(table: Table) -> Iterator[tuple[int, Any]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError(f"{table} is a Parquet file; install longread[eval] to read it") from error
    number = 0
    try:
        # Without a buffer size, whole column chunks would be read at once.
        with pq.ParquetFile(table.path, buffer_size=1 << 20, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=1, use_threads=False):
                for value in batch.to_pylist():
                    number += 1
                    yield number, value
    except (pa.ArrowException, OSError) as error:
        raise broken(table, number + 1, "cannot be read as Parquet") from error


def _fault(error: ValidationError, value: Any) -> str:
    """The one that lies deepest: of alternatives, it belongs to the one that was meant."""
    found = [(_place(each, value), each) for each in error.errors(include_url=False)]
    place, first = max(found, key=lambda pair: len(pair[0]))
    if not place:
        return "is no JSON object"
    name = ".".join(place)
    if first["type"] == "missing":
        return f"lacks the field '{name}'"
    said = first["msg"].removeprefix("Input ")
    given = type(first["input"]).__name__
    return f"has a field '{name}' that {said[:1].lower() + said[1:]} (it is of type {given})"


def _place(error: ErrorDetails, value: Any) -> list[str]:
    """The path to a fault in the row, without the names pydantic gives to alternatives."""
    place: list[str] = []
    for step in error["loc"]:
        if isinstance(step, str) and isinstance(value, dict) and step in value:
            place, value = [*place, step], value[step]
        if isinstance(step, int) and isinstance(value, list):
            place, value = [*place, str(step)], value[step]
    return [*place, str(error["loc"][-1])] if error["type"] == "missing" else place
