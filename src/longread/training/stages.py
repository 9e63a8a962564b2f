"""A recipe: the stage files of a folder in the order of their names, each beginning where the one before ended.

Every stage leaves its model in `OUT/NAME/model`, and a later stage may refer to it by that name. Stages that are
finished are passed over, so that a killed recipe goes on where it was.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from longread.errors import InputError, UsageError
from longread.models.base import ChatModel
from longread.training.cluster.config import check
from longread.training.stage import MODEL, Merge, Reinforcement, Supervised, read_stage

if TYPE_CHECKING:
    from longread.training.trainer import Progress

Judge = Callable[[str, str | None], Awaitable[ChatModel]]
"""Opens a judge by its name and address."""


class Planned(NamedTuple):
    """A stage with where its results go."""

    name: str
    stage: Supervised | Reinforcement | Merge
    out: Path


def plan(path: Path, out: Path) -> list[Planned]:
    """The stages that a file or folder describes, their paths resolved.

    Raises:
        InputError: There is none.
        UsageError: One is wrong, or begins with a model that nothing before it made.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no stage files (*.toml)")
    planned: list[Planned] = []
    for file in files:
        stage = read_stage(file)
        made = {one.name: one.out / MODEL for one in planned}
        own = out / file.stem if path.is_dir() else out

        def resolve(name: str, made: dict[str, Path] = made, folder: Path = file.parent) -> str:
            return str(made.get(name) or (folder / name))

        if isinstance(stage, Merge):
            experts = [resolve(expert) for expert in stage.experts]
            stage = stage.model_copy(update={"base": resolve(stage.base), "experts": experts})
        else:
            if stage.model is None and not planned:
                raise UsageError(f"{file}: the first stage must name the `model` that it begins with")
            model = str(planned[-1].out / MODEL) if stage.model is None else resolve(stage.model)
            prompts = stage.sizes.prompts
            if prompts.endswith(".toml"):
                prompts = str(file.parent / prompts)
            stage = stage.model_copy(
                update={
                    "model": model,
                    "data": str(file.parent / stage.data),
                    "sizes": stage.sizes.model_copy(update={"prompts": prompts}),
                }
            )
        planned.append(Planned(file.stem, stage, own))
    return planned


async def run(
    path: Path, out: Path, *, resume: bool = False, judge: Judge | None = None
) -> AsyncIterator[tuple[str, Progress]]:
    """Runs all stages, telling each step with its stage's name. Errors are those of `plan`, `train` and `merge`."""
    from longread.training.merge import merge
    from longread.training.trainer import has_begun, train

    planned = plan(path, out)
    if not resume and (begun := [one.out for one in planned if has_begun(one.out)]):
        raise UsageError(f"{begun[0]} holds a run; go on with it by --resume, or give another --out")
    for _, stage, _ in planned:
        if isinstance(stage, Reinforcement) and stage.cluster:
            check(stage, stage.cluster)
    for name, stage, own in planned:
        if isinstance(stage, Merge):
            if not (own / MODEL).is_dir():
                own.mkdir(parents=True, exist_ok=True)
                merge(Path(stage.base), [Path(expert) for expert in stage.experts], own / MODEL, stage.select)
            continue
        model = None
        if judge and isinstance(stage, Reinforcement) and stage.judge:
            model = await judge(stage.judge, stage.judge_url)
        async for progress in train(stage, own, resume=resume, judge=model):
            yield name, progress
