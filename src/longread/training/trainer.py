"""A stage in a folder: steps, metrics and checkpoints, from its first step or from where it was killed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from filelock import FileLock, Timeout
from pydantic import ValidationError
from torch.utils.tensorboard import SummaryWriter
from transformers.utils import logging as transformers_logging

from longread.errors import LongreadError, UsageError
from longread.models.base import PROMPTS, ChatModel
from longread.models.local import checked, end_ids, load_checkpoint
from longread.models.turns import Turns
from longread.reading.prompts import BUILT_IN
from longread.training import checkpoints
from longread.training.data import read_cases, within
from longread.training.learner import Learner
from longread.training.muon import Muon
from longread.training.network import Network
from longread.training.reinforce import Reinforcer, attempt
from longread.training.rollouts import Case, length, plain_length, room
from longread.training.selection import select
from longread.training.stage import CHECKPOINTS, MODEL, Reinforcement, Supervised
from longread.training.supervised import Imitator
from longread.whole import share

METRICS = "metrics.jsonl"
STAGE = "stage.json"
_LOCK = "lock"


class Progress(NamedTuple):
    """A step that was made."""

    step: int
    of: int
    metrics: Mapping[str, Any]
    """Those of `metrics.jsonl`."""


class Steps(Protocol):
    """A way to learn, step by step."""

    async def step(self, number: int) -> dict[str, Any]:
        """Makes the step of that number, from 0; what came of it."""
        ...

    @property
    def state(self) -> dict[str, Any]:
        """What must last between steps; plain JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on from a state."""
        ...


async def train(
    stage: Reinforcement | Supervised, out: Path, *, resume: bool = False, judge: ChatModel | None = None
) -> AsyncIterator[Progress]:
    """Trains a stage in the folder `out`, and leaves `out/model`, a checkpoint for plain transformers.

    With `resume` it goes on from the last checkpoint, and gives the weights that an uninterrupted run gives. Raises
    LongreadError when the stage cannot begin, training diverges or the disk is full; the last checkpoint is whole.
    """
    with _locked(out):
        _claim(stage, out, resume)
        if not (resume and (out / MODEL).is_dir()):
            if isinstance(stage, Reinforcement) and stage.cluster:
                from longread.training.cluster.run import train_on_cluster

                work = train_on_cluster(stage, stage.cluster, out)
            else:
                work = _train(stage, out, judge)
            async for progress in work:
                yield progress


async def _train(
    stage: Reinforcement | Supervised, out: Path, judge: ChatModel | None
) -> AsyncIterator[Progress]:
    assert stage.model is not None, "stages.py fills it in"
    folder = checked(Path(stage.model))
    tokenizer, model = load_checkpoint(folder)
    dtype = model.dtype
    model.float().to("cuda" if torch.cuda.is_available() else "cpu")
    if stage.lora:
        model = _adapted(model, stage.lora.model_dump())
    network = Network(model, _precision(stage.precision))
    turns = Turns(f"local:{folder}", tokenizer, end_ids(tokenizer, model))
    optimizers = _optimizers(model, stage)
    learner = Learner(
        network,
        optimizers,
        temperature=stage.temperature if isinstance(stage, Reinforcement) else 1.0,
        pass_tokens=stage.pass_tokens,
        max_norm=stage.max_grad_norm,
        explodes=stage.explodes,
    )
    cases = usable_cases(stage, turns)
    if isinstance(stage, Reinforcement) and stage.select:
        trying = stage.model_copy(update={"attempts": stage.select.k})
        cases = await select(
            stage.select,
            stage,
            cases,
            lambda some, number: attempt(trying, some, network, turns, number, judge),
            out,
        )
    work: Steps = (
        Reinforcer(stage, cases, learner, turns, judge)
        if isinstance(stage, Reinforcement)
        else Imitator(stage, cases, learner, turns)
    )
    done = 0
    if (last := checkpoints.latest(out / CHECKPOINTS)) is not None:
        state = checkpoints.load(last, model, optimizers)
        work.restore(state)
        done = state["step"]
    cut_metrics(out, done)
    board = SummaryWriter(str(out), purge_step=done + 1)
    for number in range(done, stage.steps):
        begun = time.monotonic()
        metrics = {"step": number + 1, **await work.step(number)}
        metrics["seconds"] = round(time.monotonic() - begun, 3)
        append_metrics(out, metrics)
        add_scalars(board, metrics)
        if (number + 1) % stage.save_every == 0 or number + 1 == stage.steps:
            checkpoints.save(out / CHECKPOINTS, number + 1, model, optimizers, work.state)
        yield Progress(number + 1, stage.steps, metrics)
    board.close()
    _finish(model, tokenizer, out / MODEL, dtype, stage.sizes.prompts)


def usable_cases(stage: Reinforcement | Supervised, turns: Turns) -> list[Case]:
    """The cases that a stage can read; InputError when there are none."""
    cases = read_cases(Path(stage.data), stage.split)
    if stage.sizes.input:
        cases = within(cases, stage.sizes.input, plain_length(turns))
    if stage.sizes.mode == "full" and not (isinstance(stage, Supervised) and stage.target != "replies"):
        cases = within(cases, room(stage.sizes.reads, turns), length(stage.sizes.reads, turns))
    return cases


def has_begun(out: Path) -> bool:
    """Whether a run has left anything in the folder; one that could not begin leaves its settings alone."""
    return out.is_dir() and any(path.name not in (STAGE, _LOCK) for path in out.iterdir())


def _locked(out: Path) -> AbstractContextManager[object]:
    """Keeps other processes out of the folder; UsageError when one is there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        return FileLock(out / _LOCK).acquire(timeout=0)
    except Timeout:
        raise UsageError(f"another process trains in {out}; wait for it, or give another --out") from None
    except OSError as error:
        raise _unwritable(out, error) from error


def _same(stage: Reinforcement | Supervised, kept: Path) -> bool:
    """Whether it is what a run was begun with; settings newer than that run had what is their default now."""
    with suppress(OSError, ValidationError):
        return type(stage).model_validate_json(kept.read_text("utf-8")) == stage
    return False


def _unwritable(out: Path, error: OSError) -> UsageError:
    return UsageError(f"{out} cannot be written to: {error.strerror}; give another --out")


def _claim(stage: Reinforcement | Supervised, out: Path, resume: bool) -> None:
    """Keeps the resolved stage beside the results; UsageError when another stage's are there."""
    resolved = json.dumps(stage.model_dump(mode="json"), indent=2) + "\n"
    kept = out / STAGE
    if not has_begun(out):
        try:
            kept.write_text(resolved, "utf-8")
        except OSError as error:
            raise _unwritable(out, error) from error
    elif not resume:
        raise UsageError(f"{out} holds a run; go on with it by --resume, or give another --out")
    elif not _same(stage, kept):
        raise UsageError(
            f"{out} was begun with other settings ({kept}); take them back, or give another --out"
        )


def _optimizers(model: Any, stage: Reinforcement | Supervised) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the matrices between the embeddings and AdamW for the rest."""
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    matrices = (
        {
            name
            for name, value in trained.items()
            if value.ndim == 2 and "embed" not in name and "lm_head" not in name
        }
        if stage.optimizer == "muon"
        else set()
    )
    made: list[torch.optim.Optimizer] = []
    rate = stage.learning_rate
    if matrices:
        inner = [trained[name] for name in sorted(matrices)]
        made.append(Muon(inner, lr=rate))
    rest = [value for name, value in trained.items() if name not in matrices]
    return [*made, torch.optim.AdamW(rest, lr=rate, weight_decay=0.0, betas=(0.9, 0.95))]


def _precision(name: str) -> torch.dtype:
    if name == "auto":
        fast = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
        return torch.bfloat16 if fast else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def _adapted(model: Any, settings: Mapping[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    return get_peft_model(
        model,
        LoraConfig(
            r=settings["rank"],
            lora_alpha=settings["alpha"],
            target_modules=settings["targets"],
            task_type="CAUSAL_LM",
        ),
    )


def append_metrics(out: Path, metrics: Mapping[str, Any]) -> None:
    """Adds a step's line to the metrics of a run; LongreadError when the disk is full."""
    path = out / METRICS
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(metrics) + "\n")
    except OSError as error:
        raise LongreadError(
            f"{path} cannot be written: {error.strerror}; make room and go on with --resume"
        ) from error


def add_scalars(board: SummaryWriter, metrics: Mapping[str, Any]) -> None:
    """Shows the same in TensorBoard."""
    for name, value in metrics.items():
        parts = (
            {f"{name}/{key}": one for key, one in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
        for part, one in parts.items():
            board.add_scalar(part, float(one), metrics["step"])


def cut_metrics(out: Path, steps: int) -> None:
    """Drops metrics of steps after the checkpoint: they are made again."""
    path = out / METRICS
    if not path.is_file():
        return
    lines = path.read_text("utf-8").splitlines(keepends=True)[:steps]
    part = path.with_name(path.name + ".part")
    part.write_text("".join(lines), "utf-8")
    part.replace(path)


def _finish(model: Any, tokenizer: Any, folder: Path, dtype: torch.dtype, prompts: str) -> None:
    """The trained model, adapters merged in."""
    if hasattr(model, "merge_and_unload"):
        model = model.merge_and_unload()
    transformers_logging.disable_progress_bar()
    with whole_model(folder, prompts) as part:
        model.to(dtype).save_pretrained(part)
        tokenizer.save_pretrained(part)


@contextmanager
def whole_model(folder: Path, prompts: str) -> Iterator[Path]:
    """Where to write the model of a stage, so that it is in `folder` whole or not at all; with the prompt set, unless
    that is built in. LongreadError when the disk is full.
    """
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        yield part
        if prompts not in BUILT_IN:
            shutil.copyfile(prompts, part / PROMPTS)
        share(part)
        part.rename(folder)
    except OSError as error:
        raise LongreadError(
            f"{folder} cannot be written: {error.strerror}; make room and go on with --resume"
        ) from error
