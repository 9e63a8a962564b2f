"""Data sets of `longread synth run` as cases to train on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from longread.errors import InputError
from longread.training.rollouts import Case
from longread.types import Document, Evidence, Sample

_FIELDS = [field.name for field in fields(Sample)]


def read_cases(folder: Path, split: str) -> list[Case]:
    """The samples of a split with their documents, in the order of the files; InputError when there are none."""
    files = sorted(folder.glob("samples-*.parquet"))
    if not files:
        raise InputError(
            f"{folder} holds no samples-*.parquet; give the folder that `longread synth run` made"
        )
    held = {
        row["id"]: Document(row["id"], row["source"], row["text"], row["kind"])
        for row in _rows(folder / "documents.parquet", ["id", "source", "kind", "text"])
    }
    cases = []
    for row in (row for file in files for row in _rows(file, _FIELDS)):
        if row["split"] != split:
            continue
        row["evidence"] = tuple(Evidence(**piece) for piece in row["evidence"])
        row["documents"], row["aliases"] = tuple(row["documents"]), tuple(row["aliases"])
        if absent := [id for id in row["documents"] if id not in held]:
            raise InputError(
                f"{folder}: sample {row['id']} refers to document {absent[0]}, which is not there"
            )
        cases.append(Case(Sample(**row), tuple(held[id] for id in row["documents"])))
    if not cases:
        raise InputError(f"{folder} holds no samples of the split '{split}'")
    return cases


def within(cases: Sequence[Case], tokens: int, length: Callable[[Case], int]) -> list[Case]:
    """Cases of at most so many tokens; InputError when none is left."""
    lengths = [length(case) for case in cases]
    kept = [case for case, own in zip(cases, lengths, strict=True) if own <= tokens]
    if not kept:
        raise InputError(
            f"no sample has {tokens:,} tokens or fewer, the shortest has {min(lengths):,}; "
            "set a larger `sizes.input` or `sizes.window`"
        )
    return kept


def _rows(path: Path, columns: list[str]) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=columns).to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
    return rows
