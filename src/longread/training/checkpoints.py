"""What a killed run goes on from: weights, optimizer, sampler and modes, written whole or not at all, no pickles."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim import Optimizer

from longread.errors import InputError, LongreadError

_KEPT = 2
_WEIGHTS, _OPTIMIZER, _STATE = "weights.safetensors", "optimizer.safetensors", "state.json"


def save(
    folder: Path, step: int, model: nn.Module, optimizers: Sequence[Optimizer], state: Mapping[str, Any]
) -> Path:
    """Writes the checkpoint of a step and drops all but the last two. LongreadError when the disk is full."""
    final = folder / f"{step:06}"
    part = folder / f"{step:06}.part"
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        save_file(_trained(model), part / _WEIGHTS)
        moments = {
            f"{number}.{at}.{name}": torch.as_tensor(value).contiguous()
            for number, optimizer in enumerate(optimizers)
            for at, held in optimizer.state_dict()["state"].items()
            for name, value in held.items()
        }
        save_file(moments, part / _OPTIMIZER)
        (part / _STATE).write_text(json.dumps({"step": step, **state}), "utf-8")
        for file in part.iterdir():
            with file.open("rb") as opened:
                os.fsync(opened.fileno())
        shutil.rmtree(final, ignore_errors=True)
        part.rename(final)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        full = (isinstance(error, OSError) and error.errno == errno.ENOSPC) or "No space left" in str(error)
        last = latest(folder)
        raise LongreadError(
            f"the checkpoint of step {step} cannot be written to {folder}: "
            f"{'the disk is full' if full else error}; the last good one is "
            f"{last.name if last else 'none'}; make room and go on with --resume"
        ) from error
    for old in _all(folder)[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return final


def latest(folder: Path) -> Path | None:
    """The last checkpoint that was written whole."""
    return next(reversed(_all(folder)), None)


def load(path: Path, model: nn.Module, optimizers: Sequence[Optimizer]) -> dict[str, Any]:
    """Puts weights and optimizer back as they were; the rest of the state. InputError when they do not fit."""
    try:
        weights, moments = load_file(path / _WEIGHTS), load_file(path / _OPTIMIZER)
        state: dict[str, Any] = json.loads((path / _STATE).read_text("utf-8"))
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"the checkpoint {path} cannot be read: {error}") from error
    own = _trained(model)
    if {name: value.shape for name, value in own.items()} != {n: v.shape for n, v in weights.items()}:
        raise InputError(f"the checkpoint {path} is that of another model")
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
    for number, optimizer in enumerate(optimizers):
        held = optimizer.state_dict()
        held["state"] = {}
        for key, value in moments.items():
            of, at, name = key.split(".", 2)
            if int(of) == number:
                held["state"].setdefault(int(at), {})[name] = value
        optimizer.load_state_dict(held)
    return state


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    """The parameters that are trained, each once."""
    return {name: value.data for name, value in model.named_parameters() if value.requires_grad}


def _all(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.name.isdigit() and (path / _STATE).is_file())
