"""A data set on disk: documents once, samples that refer to them, and a card, all in plain Parquet and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from longread.errors import InputError
from longread.types import Document, Evidence, Part, Sample

DOCUMENTS = "documents.parquet"
SAMPLES = "samples-{:05}.parquet"
_NOTES = b"longread"
TRIES = ("of", "closed", "required", "context")
"""Tries of each kind, and how many were right without documents, with those required, and with all."""
SHARD = 1_000
"""Samples of a file."""

_EVIDENCE = pa.list_(
    pa.struct([("doc", pa.string()), ("start", pa.int64()), ("end", pa.int64()), ("role", pa.string())])
)
_LISTS = {"documents": pa.list_(pa.string()), "aliases": pa.list_(pa.string()), "evidence": _EVIDENCE}
_SAMPLE = pa.schema(
    [
        *(
            (f.name, _LISTS.get(f.name, pa.int64() if f.name == "seed" else pa.string()))
            for f in fields(Sample)
        ),
        ("quotes", pa.list_(pa.string())),
    ]
)
_TRIED = pa.field("tries", pa.struct([(name, pa.int64()) for name in TRIES]))
_DOCUMENT = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "source", "kind", "split", "text")),
        ("parts", pa.list_(pa.struct([("start", pa.int64()), ("label", pa.string())]))),
    ]
)


class Made(NamedTuple):
    """A sample with the text of its evidence."""

    sample: Sample
    quotes: tuple[str, ...]


def write_samples(
    path: Path,
    made: Iterable[Made],
    notes: Mapping[str, Any] | None = None,
    tries: Mapping[str, tuple[int, ...]] | None = None,
) -> None:
    """A Parquet file of samples, with what else is to be noted as JSON, whole or not at all.

    `tries`, in the order of `TRIES` by id, are a column more, which is null for a sample that was not tried.
    """
    rows = []
    for sample, quotes in made:
        row = asdict(sample)
        row["evidence"] = [piece._asdict() for piece in sample.evidence]
        rows.append({**row, "quotes": list(quotes)})
        if tries:
            known = tries.get(sample.id)
            rows[-1]["tries"] = dict(zip(TRIES, known, strict=True)) if known else None
    schema = _SAMPLE.with_metadata({_NOTES: json.dumps(notes)}) if notes is not None else _SAMPLE
    if tries:
        schema = schema.append(_TRIED)
    _write(path, pa.Table.from_pylist(rows, schema=schema))


def read_tries(path: Path) -> dict[str, dict[str, int]]:
    """How often a model was right, by sample; empty where none was tried."""
    if "tries" not in _opened(path, pq.read_schema).names:
        return {}
    rows = _read(path, pa.schema([_SAMPLE.field("id"), _TRIED]), optional="tries")
    return {row["id"]: row["tries"] for row in rows if row["tries"]}


def read_notes(path: Path) -> dict[str, Any]:
    """What was noted with samples."""
    noted: dict[str, Any] = json.loads((pq.read_schema(path).metadata or {}).get(_NOTES, b"{}"))
    return noted


def read_samples(path: Path) -> list[Made]:
    """The samples of a file."""
    made = []
    for row in _read(path, _SAMPLE):
        quotes = tuple(row.pop("quotes"))
        evidence = tuple(Evidence(**piece) for piece in row.pop("evidence"))
        documents, aliases = tuple(row.pop("documents")), tuple(row.pop("aliases"))
        made.append(Made(Sample(**row, documents=documents, aliases=aliases, evidence=evidence), quotes))
    return made


def write_documents(path: Path, documents: Sequence[Document], splits: Mapping[str, str]) -> None:
    """A Parquet file of documents, whole or not at all."""
    rows = [
        {
            "id": d.id,
            "source": d.source,
            "kind": d.kind,
            "split": splits[d.id],
            "text": d.text,
            "parts": [part._asdict() for part in d.parts],
        }
        for d in documents
    ]
    _write(path, pa.Table.from_pylist(rows, schema=_DOCUMENT))


def read_documents(path: Path) -> list[tuple[Document, str]]:
    """The documents of a file, each with its split. InputError where two have one id."""
    rows = _read(path, _DOCUMENT)
    id_, count = Counter(row["id"] for row in rows).most_common(1)[0] if rows else ("", 0)
    if count > 1:
        raise InputError(f"{path} holds document {id_} {count} times")
    return [
        (
            Document(row["id"], row["source"], row["text"], row["kind"], parts=_parts(row["parts"])),
            row["split"],
        )
        for row in rows
    ]


def _parts(rows: Iterable[Mapping[str, Any]]) -> tuple[Part, ...]:
    return tuple(Part(row["start"], row["label"]) for row in rows)


def shards(folder: Path) -> Iterator[Path]:
    """The sample files of a data set, in order."""
    yield from sorted(folder.glob("samples-*.parquet"))


def _write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    pq.write_table(table, part, compression="zstd")
    part.replace(path)


def _read(path: Path, schema: pa.Schema, optional: str = "") -> list[dict[str, Any]]:
    """Rows of these columns, in which nothing but what is `optional` may be null."""
    table = _opened(path, pq.read_table)
    if absent := [name for name in schema.names if name not in table.column_names]:
        raise InputError(f"{path} has no column '{absent[0]}': it is not a data set of `longread synth`")
    columns: dict[str, list[Any]] = {}
    for name in schema.names:
        try:
            columns[name] = values = table.column(name).cast(schema.field(name).type).to_pylist()
        except (ValueError, pa.ArrowException) as error:
            raise InputError(
                f"{path}: column '{name}' cannot be read: {str(error).splitlines()[0]}"
            ) from error
        if any(_lacks(value) for value in values if value is not None or name != optional):
            raise InputError(f"{path}: column '{name}' has an empty value")
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _opened(path: Path, read: Callable[[Path], Any]) -> Any:
    try:
        return read(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _lacks(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_lacks, value.values() if isinstance(value, dict) else value))
    return value is None
