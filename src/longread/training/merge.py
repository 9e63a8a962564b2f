"""Checkpoints trained from one base become one, by SCE.

One tensor of each is in memory at a time, besides the shard that is being filled, so that a model of any size merges.
Only safetensors are read, and no code of a checkpoint runs. Left out are quantised weights, adapters and embeddings
of different sizes, all of which are refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from longread.errors import InputError, UsageError
from longread.models.base import PROMPTS
from longread.training.sce import FLOOR, SELECT, sce
from longread.whole import made_whole, share

_SHARD_BYTES = 4 * 10**9
_WEIGHTS = "model.safetensors"
_INDEX = f"{_WEIGHTS}.index.json"
_PICKLES = (".bin", ".pt", ".pth", ".ckpt")
_COPIED = (".json", ".jinja", ".txt", ".model", ".tiktoken", ".py")
"""What stands beside the weights of the base and belongs to the model."""
_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Types of numbers that can be merged."""


def merge(
    base: Path,
    experts: Sequence[Path],
    out: Path,
    select: float = SELECT,
    floor: float = FLOOR,
    on_shard: Callable[[int, int], object] = lambda _done, _of: None,
    shard_bytes: int = _SHARD_BYTES,
) -> Path:
    """Writes the checkpoint `out`, which is there as a whole or not at all; files beside the weights are the base's.

    Errors: UsageError where `out` exists or the models cannot be merged; InputError where one cannot be read;
    RunBusyError while another process makes `out`; LongreadError where it cannot be written.
    """
    if not experts:
        raise UsageError("there is no expert to merge; give the folders of one or more")
    if not 0 < select <= 1 or not floor >= 0:
        raise UsageError(f"select {select}, floor {floor}: it is 0 < select <= 1 and 0 <= floor")
    if out.exists() or out.is_symlink():
        raise UsageError(f"{out} exists; give another folder as --out, or remove it")
    origin, *others = (_Checkpoint(folder) for folder in (base, *experts))
    _check(origin, others, select)
    with made_whole(out, sum(map(origin.size, origin.shapes)), "--out") as part:
        part.mkdir()
        index: dict[str, str] = {}
        shards = list(_shards({name: origin.size(name) for name in origin.shapes}, shard_bytes))
        for number, names in enumerate(shards, 1):
            held = {}
            for name in names:
                held[name] = sce(origin[name], [other[name] for other in others], select, floor)
                if not held[name].isfinite().all():
                    raise InputError(f"{name} of the base or an expert holds what is no finite number")
            shard = f"model-{number:05}-of-{len(shards):05}.safetensors" if len(shards) > 1 else _WEIGHTS
            _save(held, part / shard)
            index |= dict.fromkeys(names, shard)
            on_shard(number, len(shards))
        if len(shards) > 1:
            total = {"total_size": sum(map(origin.size, index))}
            (part / _INDEX).write_text(json.dumps({"metadata": total, "weight_map": index}, indent=2))
        made = [part / shard for shard in dict.fromkeys(index.values())]
        (part / "README.md").write_text(_card(out, made, origin, others, select, floor), encoding="utf-8")
        for file in origin.beside():
            shutil.copyfile(file, part / file.name)
        if prompts := _prompts(others):
            (part / PROMPTS).write_bytes(prompts)
        share(part)
    return out


def _prompts(experts: Sequence[_Checkpoint]) -> bytes | None:
    """The prompt set that all experts bring; None when they bring none, or different ones."""
    files = [expert.folder / PROMPTS for expert in experts]
    sets = {file.read_bytes() if file.is_file() else None for file in files}
    return sets.pop() if len(sets) == 1 else None


class _Checkpoint:
    """The tensors of a folder, by name, each read when it is asked for.

    Errors: UsageError where it is none, InputError where it is broken.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise UsageError(f"{folder}: there is no such folder; give the path of a transformers checkpoint")
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
            self.architecture = " ".join([config["model_type"], *(config.get("architectures") or ())])
            self.files = self._files()
            self._in: dict[str, Path] = {}
            self.shapes: dict[str, tuple[int, ...]] = {}
            self._types: dict[str, str] = {}
            for file in self.files:
                self._open(file)
                for name in self._tensors.keys():  # noqa: SIM118 -- it is no mapping
                    self._in[name] = file
                    self.shapes[name] = tuple(self._tensors.get_slice(name).get_shape())
                    self._types[name] = self._tensors.get_slice(name).get_dtype()
        except FileNotFoundError as error:
            name = Path(error.filename or str(error)).name
            raise UsageError(f"{folder}: {name} is missing; give a whole transformers checkpoint") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as error:
            raise InputError(f"{folder}: cannot be read as a checkpoint: {error!r}") from error
        if other := next((name for name, type_ in self._types.items() if type_ not in _BYTES), None):
            raise UsageError(
                f"{folder}: {other} is {self._types[other]}; merge models that are not quantised"
            )

    def __getitem__(self, name: str) -> Tensor:
        if self._in[name] != self._opened:
            self._open(self._in[name])
        tensor: Tensor = self._tensors.get_tensor(name)
        return tensor

    def _open(self, file: Path) -> None:
        """One file is open at a time, as what was read of it stays in memory until it is closed."""
        self._opened = file
        self._tensors: Any = safe_open(file, framework="pt")

    def size(self, name: str) -> int:
        """Bytes of a tensor."""
        return math.prod(self.shapes[name]) * _BYTES[self._types[name]]

    def beside(self) -> list[Path]:
        """Configuration, tokenizer and licence."""
        named = (file for file in sorted(self.folder.iterdir()) if not file.name.endswith(".index.json"))
        return [f for f in named if f.is_file() and (f.suffix in _COPIED or f.name.startswith("LICENSE"))]

    def equals(self, other: _Checkpoint) -> bool:
        """Whether all tensors are the same; ends at the first that is not."""
        return all(torch.equal(self[name].float(), other[name].float()) for name in self.shapes)

    def _files(self) -> list[Path]:
        if (self.folder / _INDEX).is_file():
            index = json.loads((self.folder / _INDEX).read_text(encoding="utf-8"))
            return [self.folder / name for name in sorted(set(index["weight_map"].values()))]
        if (self.folder / _WEIGHTS).is_file():
            return [self.folder / _WEIGHTS]
        if any(self.folder.glob("adapter_model.*")):
            why = "it is an adapter; join it with its model first"
        elif any(file.suffix in _PICKLES for file in self.folder.iterdir()):
            why = "its weights are pickled, and a pickle is never loaded; convert it"
        else:
            why = "give the path of a transformers checkpoint"
        raise UsageError(f"{self.folder}: no {_WEIGHTS} in it, in one file or with an index: {why}")


def _check(base: _Checkpoint, experts: Sequence[_Checkpoint], select: float) -> None:
    """UsageError unless the models fit together and differ."""
    for expert in experts:
        what = f"{expert.folder} cannot be merged over {base.folder}"
        if expert.architecture != base.architecture:
            raise UsageError(f"{what}: it is {expert.architecture}, the base {base.architecture}")
        for one, other in ((base, expert), (expert, base)):
            if lacking := sorted(set(one.shapes) - set(other.shapes)):
                raise UsageError(
                    f"{what}: {len(lacking)} tensors are missing in {other.folder}, the first is {lacking[0]}"
                )
        for name, shape in base.shapes.items():
            if expert.shapes[name] != shape:
                raise UsageError(
                    f"{what}: {name} has the shape {expert.shapes[name]}, that of the base {shape}"
                )
        if base.equals(expert):
            raise UsageError(
                f"{what}: both are the same, so that only the other experts would count; give as --base the model "
                "that all experts were trained from, not one of them"
            )
    if select < 1 and all(experts[0].equals(expert) for expert in experts[1:]):
        raise UsageError(
            "there is one expert, or all are the same, so that nothing varies to select; give others, or --select 1"
        )


def _shards(sizes: Mapping[str, int], most: int) -> Iterator[list[str]]:
    """Names of tensors in order, in groups of at most `most` bytes or one tensor."""
    group: list[str] = []
    held = 0
    for name, size in sizes.items():
        if group and held + size > most:
            yield group
            group, held = [], 0
        group.append(name)
        held += size
    yield group


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        save_file(dict(tensors), path, metadata={"format": "pt"})
    except SafetensorError as error:  # a full disk
        raise OSError(str(error)) from error


def _card(
    out: Path,
    made: Sequence[Path],
    base: _Checkpoint,
    experts: Sequence[_Checkpoint],
    select: float,
    floor: float,
) -> str:
    """What was merged, how, and the digests of all weights."""
    rows = [
        f"| {role} | `{folder}` | `{file.name}` | `{_digest(file)}` |"
        for role, folder, files in [
            ("base", base.folder, base.files),
            *(("expert", expert.folder, expert.files) for expert in experts),
            ("merged", out, made),
        ]
        for file in files
    ]
    return (
        "---\nlibrary_name: transformers\ntags: [merge, sce]\n---\n\n"
        f"# {out.name}\n\nMade by `longread merge`: {len(experts)} experts over `{base.folder}` by SCE (Select, "
        f"Calculate, Erase; arXiv 2408.07990), with select {select} and floor {floor}. Configuration and tokenizer "
        "are the base's.\n\n| | folder | file | SHA-256 |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
