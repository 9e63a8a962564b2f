"""A stage on a Ray cluster: verl is started, followed by its metrics, and its last checkpoint becomes a model."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter
from transformers import AutoConfig

from longread.errors import LongreadError, UsageError
from longread.models.local import checked, load_turns
from longread.models.turns import Turns
from longread.reading.prompts import BUILT_IN
from longread.training.cluster.config import PLUGIN, check, needs, settings
from longread.training.reinforce import sampler
from longread.training.stage import CHECKPOINTS, MODEL, Cluster, Reinforcement
from longread.training.trainer import (
    METRICS,
    Progress,
    add_scalars,
    cut_metrics,
    usable_cases,
    whole_model,
)

_MODULES = "VERL_USE_EXTERNAL_MODULES"


async def train_on_cluster(stage: Reinforcement, cluster: Cluster, out: Path) -> AsyncIterator[Progress]:
    """Trains a stage in verl; `trainer.train` says what it leaves, and keeps others out of the folder.

    Raises:
        UsageError: The stage asks for what is not done on a cluster, or for more than the cluster has.
        LongreadError: As for other stages, or verl failed.
    """
    stage, out = _absolute(stage, out)
    model = checked(Path(stage.model or ""))
    check(stage, cluster, AutoConfig.from_pretrained(model).get_text_config().num_attention_heads)
    turns = load_turns(model)
    sampler(stage, usable_cases(stage, turns))  # what is wrong with the data is said before GPUs are taken
    done = _last(out / CHECKPOINTS)
    cut_metrics(out, done)
    if done < stage.steps:
        with SummaryWriter(str(out), purge_step=done + 1) as board, _ray(cluster) as ray:
            async for metrics in _followed(ray, stage, cluster, out):
                add_scalars(board, metrics)
                yield Progress(metrics["step"], stage.steps, metrics)
    _convert(out / CHECKPOINTS / f"global_step_{stage.steps}" / "actor", out / MODEL, turns, stage)


def _absolute(stage: Reinforcement, out: Path) -> tuple[Reinforcement, Path]:
    """The same wherever a process begins."""
    prompts = stage.sizes.prompts
    if prompts not in BUILT_IN:
        prompts = str(Path(prompts).resolve())
    sizes = stage.sizes.model_copy(update={"prompts": prompts})
    paths = {"model": str(Path(stage.model or "").resolve()), "data": str(Path(stage.data).resolve())}
    return stage.model_copy(update={**paths, "sizes": sizes}), out.resolve()


def _last(checkpoints: Path) -> int:
    """The step of the last whole checkpoint; 0 where there is none."""
    tracker = checkpoints / "latest_checkpointed_iteration.txt"
    return int(tracker.read_text("utf-8")) if tracker.is_file() else 0


@contextmanager
def _ray(cluster: Cluster) -> Iterator[Any]:
    """Ray: the cluster that is there, or one of this machine. UsageError when it has too little."""
    import ray
    from verl.utils.device import get_resource_name

    gpus, cpus = needs(cluster)
    started = not ray.is_initialized()
    if started:
        quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
        try:
            ray.init("auto", **quiet)
        except ConnectionError:
            ray.init(num_cpus=max(cpus, os.cpu_count() or 1), include_dashboard=False, **quiet)
    try:
        has = ray.cluster_resources()
        for name, of, wanted in ((get_resource_name(), "GPUs", gpus), ("CPU", "logical CPUs", cpus)):
            if has.get(name, 0) < wanted:
                raise UsageError(
                    f"[cluster] needs {wanted} {of}, the Ray cluster has {has.get(name, 0):.0f}; start more nodes, "
                    "or change `nodes` and `gpus`"
                )
        yield ray
    finally:
        if started:
            ray.shutdown()


async def _followed(
    ray: Any, stage: Reinforcement, cluster: Cluster, out: Path
) -> AsyncIterator[dict[str, Any]]:
    """Runs verl's trainer, and gives each line that it adds to the metrics."""
    from verl.trainer.main_ppo import TaskRunnerV1, get_ppo_ray_runtime_env

    others = [name for name in os.environ.get(_MODULES, "").split(",") if name]
    environment = get_ppo_ray_runtime_env()["env_vars"]
    environment |= {_MODULES: ",".join([*others, PLUGIN]), "TRANSFER_QUEUE_ENABLE": "1"}
    runner = TaskRunnerV1.options(runtime_env={"env_vars": environment}).remote()
    seen = (out / METRICS).stat().st_size if (out / METRICS).is_file() else 0
    work = runner.run.remote(_composed(settings(stage, cluster, out)))
    try:
        ended: list[Any] = []
        while not ended:
            ended, _ = await asyncio.to_thread(ray.wait, [work], timeout=1.0)
            for line in _lines(out / METRICS, seen):
                seen += len(line)
                yield json.loads(line)
        ray.get(ended[0])
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, LongreadError):
            raise error.cause from None
        said = f"{type(error.cause).__name__}: {error.cause}".splitlines()[0]
        raise LongreadError(f"verl failed: {said[:300]}; Ray's logs say more; go on with --resume") from error
    except ray.exceptions.RayError as error:
        raise LongreadError(
            f"verl died: {str(error).splitlines()[0][:300]}; Ray's logs say more; go on with --resume"
        ) from error
    finally:
        ray.kill(runner)


def _lines(path: Path, start: int) -> list[bytes]:
    """Whole lines from a byte on."""
    if not path.is_file():
        return []
    with path.open("rb") as file:
        file.seek(start)
        return [line for line in file if line.endswith(b"\n")]


def _composed(own: dict[str, Any]) -> Any:
    """verl's settings with ours in them."""
    from hydra import compose, initialize_config_module
    from omegaconf import OmegaConf

    with initialize_config_module("verl.trainer.config", version_base=None):
        config = compose("ppo_trainer")
    OmegaConf.set_struct(config, False)
    return OmegaConf.merge(config, own)


def _convert(shards: Path, folder: Path, turns: Turns, stage: Reinforcement) -> None:
    """verl's last checkpoint as safetensors in bfloat16, with the tokenizer that the stage began with."""
    from verl.model_merger.base_model_merger import ModelMergerConfig
    from verl.model_merger.fsdp_model_merger import FSDPModelMerger

    with whole_model(folder, stage.sizes.prompts) as part:
        config = ModelMergerConfig(
            "merge",
            "fsdp",
            target_dir=str(part),
            local_dir=str(shards),
            hf_model_config_path=str(shards / "huggingface"),
        )
        with redirect_stdout(StringIO()):
            FSDPModelMerger(config).merge_and_save()
        turns.tokenizer.save_pretrained(part)
