"""What a stage will take before it is begun: whether it fits, its tokens, its hours, and where the memory goes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from longread.errors import UsageError
from longread.training.cluster.config import check_settings
from longread.training.memory import GIB, Part, on_cluster, one_process, trained
from longread.training.pace import EAGER, H100, SINGLE, TWO_CORES, Crew, Seconds, step_seconds
from longread.training.shapes import Shape, read_shape
from longread.training.stage import MODEL, Cluster, Merge, Reinforcement, Supervised, read_stage
from longread.training.stages import Planned
from longread.training.stages import plan as read_stages
from longread.training.workload import Alike, questions_in, workload

FILL = 0.285
"""Mean over longest input of the paper's data, 34,231 of 119,932 tokens (recipe §6); assumed of replies too."""
EFFICIENCY = 0.3
"""Share of a processor's best that is reached. Published for long texts on H100: 0.21 to 0.35 (Qwen3-8B, 1M tokens,
huggingface/transformers#48324), 0.39 (Qwen3-32B, 4K tokens, pytorch/torchtitan#1690)."""
SPARSE = 0.2
"""The same for a mixture of experts: under 0.2 to 0.3 (Qwen3-30B-A3B on H800, alibaba/Pai-Megatron-Patch#643)."""
_GPU = 80 * GIB
_GPUS = re.compile(r"(?:(\d+)x)?(\d+)x(\d+)(?:GB|GiB|G)", re.IGNORECASE)


class Gpus(NamedTuple):
    """Machines with GPUs."""

    nodes: int
    each: int
    """GPUs of a node."""
    memory: int
    """Bytes of a GPU."""


class Selection(NamedTuple):
    """Attempts at all questions of the data, before a stage draws its own."""

    questions: int | None
    """None where the data is not there."""
    attempts: int
    """At each."""
    seconds: float
    """Of all of them; 0 where they are not known."""


@dataclass(frozen=True)
class Plan:
    """What a stage will take."""

    name: str
    shape: Shape
    trained: int
    """Parameters with gradients."""
    where: str
    processors: int
    """GPUs, or 1 on the CPU."""
    room: int | None
    """Bytes of each GPU, or of the machine; None where it does not tell."""
    parts: tuple[Part, ...]
    cached: int
    """Tokens of keys and values that one copy of the model holds while replies are drawn."""
    longest: int
    """Tokens of the longest conversation."""
    conversations: int
    """Of a step."""
    tokens: int
    """Of a step, as far as texts and replies fill what they may take."""
    most_tokens: int
    """Of a step where they fill all of it."""
    steps: int
    seconds: Seconds
    """Of a step."""
    selection: Selection | None
    assumed: tuple[str, ...]

    @property
    def drawing(self) -> int:
        """Bytes while replies are drawn."""
        return sum(part.drawing for part in self.parts)

    @property
    def learning(self) -> int:
        """Bytes while the model learns."""
        return sum(part.learning for part in self.parts)

    @property
    def host(self) -> int:
        """Bytes of each node's own memory; how much it has is not known."""
        return sum(part.host for part in self.parts)

    @property
    def faults(self) -> list[str]:
        """Why it does not fit; none where it does."""
        faults = [
            f"{gib(size)} GiB are needed while {phase}, {gib(size - self.room)} more than there are"
            for size, phase in ((self.drawing, "replies are drawn"), (self.learning, "the model learns"))
            if self.room is not None and size > self.room
        ]
        if self.drawing and self.cached < self.longest:
            faults.append(
                f"the KV cache holds {self.cached:,} tokens, and a conversation may take {self.longest:,}"
            )
        return faults

    @property
    def fits(self) -> bool | None:
        """Whether it does; None where the machine does not tell its memory."""
        return None if self.room is None and not self.faults else not self.faults

    @property
    def hours(self) -> float:
        """Of all steps, and of selection where its time is known."""
        before = self.selection.seconds if self.selection else 0
        return (before + self.steps * sum(self.seconds)) / 3600


def plans(
    path: Path,
    gpus: str | None = None,
    *,
    fill: float = FILL,
    efficiency: float | None = None,
    questions: int | None = None,
) -> Iterator[Plan]:
    """What the stages of a file or folder will take, merges left out; files but for `config.json` of models are not
    needed.

    Args:
        gpus: `8x80GB`, or `4x8x80GB` for four nodes, in place of the stage's own.
        fill: share of what a stage allows that texts and replies take on average.
        efficiency: share of a processor's best that is reached.
        questions: that a stage selects from; those of its data where not given, as far as it is there.

    Raises:
        InputError: There are no stages, the shape of a model is not known, or data cannot be read.
        UsageError: A stage or `gpus` is wrong.
    """
    if not 0 < fill <= 1 or (efficiency is not None and not 0 < efficiency <= 1):
        raise UsageError("fill and efficiency are shares: above 0, at most 1")
    if questions is not None and questions < 1:
        raise UsageError("--questions: at least 1")
    machines = parse_gpus(gpus) if gpus else None
    for planned, shape in _with_shapes(path):
        if not isinstance(planned.stage, Merge):
            share = efficiency or (SPARSE if shape.experts else EFFICIENCY)
            yield _plan(planned.name, planned.stage, shape, machines, fill, share, questions)


def parse_gpus(text: str) -> Gpus:
    """`8x80GB` or `4x8x80GB`; a GB of a GPU's name is taken for a GiB. UsageError for other texts."""
    found = _GPUS.fullmatch(text.strip())
    nodes, each, size = (int(found[at] or 1) for at in (1, 2, 3)) if found else (0, 0, 0)
    if not nodes * each * size:
        raise UsageError(f"--gpus {text}: give GPUs and their memory as 8x80GB, or 4x8x80GB for four nodes")
    return Gpus(nodes, each, size * GIB)


def gib(size: float) -> str:
    """Bytes as GiB with one digit."""
    return f"{size / GIB:,.1f}"


def as_object(plan: Plan) -> dict[str, Any]:
    """A plan as JSON; docs/training.md describes it."""
    return {
        "stage": plan.name,
        "fits": plan.fits,
        "faults": plan.faults,
        "where": plan.where,
        "processors": plan.processors,
        "room": plan.room,
        "parameters": plan.shape.parameters,
        "active": plan.shape.active,
        "trained": plan.trained,
        "memory": [part._asdict() for part in plan.parts],
        "drawing": plan.drawing,
        "learning": plan.learning,
        "host": plan.host,
        "cached_tokens": plan.cached,
        "longest": plan.longest,
        "conversations": plan.conversations,
        "tokens": plan.tokens,
        "most_tokens": plan.most_tokens,
        "steps": plan.steps,
        "seconds": plan.seconds._asdict(),
        "selection": plan.selection._asdict() if plan.selection else None,
        "hours": plan.hours,
        "assumed": list(plan.assumed),
        "shape": asdict(plan.shape),
    }


def _with_shapes(path: Path) -> Iterator[tuple[Planned, Shape]]:
    """The stages asked for, each with the shape of the model that it begins with."""
    whole = path if path.is_dir() or getattr(read_stage(path), "model", None) else path.parent
    out = Path("out")
    made: dict[str, Shape] = {}
    for planned in read_stages(whole, out):
        model = planned.stage.base if isinstance(planned.stage, Merge) else planned.stage.model
        assert model is not None, "stages.py fills it in"
        shape = made.get(model) or read_shape(model)
        made[str(planned.out / MODEL)] = shape
        if whole == path or planned.name == path.stem:
            yield planned, shape


class _Machine(NamedTuple):
    """What a stage runs on, and what it holds there."""

    where: str
    room: int | None
    parts: list[Part]
    crew: Crew


def _plan(
    name: str,
    stage: Reinforcement | Supervised,
    shape: Shape,
    gpus: Gpus | None,
    fill: float,
    efficiency: float,
    questions: int | None,
) -> Plan:
    work, usual = workload(stage), workload(stage, fill)
    cluster = _cluster(stage, gpus)
    if cluster and isinstance(stage, Reinforcement):
        try:
            check_settings(stage, cluster, shape.heads)
        except UsageError as error:
            raise UsageError(f"{name}: {error}") from error
        machine = _together(shape, stage, cluster, gpus.memory if gpus else _GPU, efficiency)
    else:
        machine = _alone(shape, stage, work, gpus, efficiency)
    return Plan(
        name=name,
        shape=shape,
        trained=trained(shape, stage),
        where=machine.where,
        processors=machine.crew.processors,
        room=machine.room,
        parts=tuple(machine.parts),
        cached=machine.crew.cached,
        longest=_longest(work),
        conversations=sum(one.number for one in usual),
        tokens=sum(one.tokens for one in usual),
        most_tokens=sum(one.tokens for one in work),
        steps=stage.steps,
        seconds=step_seconds(shape, usual, machine.crew, draws=isinstance(stage, Reinforcement)),
        selection=_selection(shape, stage, machine.crew, fill, questions),
        assumed=tuple(_assumed(machine.crew, fill)),
    )


def _selection(
    shape: Shape, stage: Reinforcement | Supervised, crew: Crew, fill: float, questions: int | None
) -> Selection | None:
    """Of batches as large as a step's (selection.py)."""
    if isinstance(stage, Supervised) or stage.select is None:
        return None
    if questions is None:
        questions = questions_in(Path(stage.data), stage.split)
    batch = workload(stage.model_copy(update={"attempts": stage.select.k}), fill)
    seconds = step_seconds(shape, batch, crew, draws=True).drawing
    return Selection(questions, stage.select.k, (questions or 0) / stage.questions * seconds)


def _assumed(crew: Crew, fill: float) -> Iterator[str]:
    yield f"texts and replies take {fill:g} of what the stage allows (--fill)"
    yield f"{crew.pace.name} are reached (--efficiency)"
    if crew.learns != crew.pace:
        yield f"{crew.learns.name} are reached while the model learns (--efficiency)"
    yield "checkpoints and a judge take no time"


def _cluster(stage: Reinforcement | Supervised, gpus: Gpus | None) -> Cluster | None:
    """What the stage is for, or the GPUs given in its place; none where it runs in one process."""
    if isinstance(stage, Supervised):
        return None
    if gpus is None or (stage.cluster is None and gpus.nodes * gpus.each == 1):
        return stage.cluster
    own = stage.cluster.model_dump() if stage.cluster else {}
    return Cluster.model_validate({**own, "nodes": gpus.nodes, "gpus": gpus.each})


def _together(shape: Shape, stage: Reinforcement, cluster: Cluster, room: int, efficiency: float) -> _Machine:
    single = stage.precision == "float32"
    parts = on_cluster(shape, stage, cluster, room, width=4 if single else 2)
    cache = next(part.drawing for part in parts if part.name == "KV cache")
    # Where there are fewer heads than GPUs, each holds a copy of one.
    cached = cache * min(cluster.tensor_parallel, shape.kv_heads) // shape.kv_bytes(2)
    world = cluster.nodes * cluster.gpus
    nodes = f" on {cluster.nodes} nodes" if cluster.nodes > 1 else ""
    pace = H100.at(efficiency)
    learns = H100._replace(flops=SINGLE).at(efficiency) if single else pace
    crew = Crew(world, pace, learns, cluster.tensor_parallel, cached, 2, 3 * stage.updates + 1, False)
    return _Machine(f"{world} GPUs of {gib(room)} GiB{nodes}", room, parts, crew)


def _alone(
    shape: Shape,
    stage: Reinforcement | Supervised,
    work: Sequence[Alike],
    gpus: Gpus | None,
    efficiency: float,
) -> _Machine:
    width = 4 if stage.precision == "float32" or (stage.precision == "auto" and not gpus) else 2
    parts = one_process(shape, stage, work, width=width, gpu=bool(gpus))
    cached, updates = _longest(work), 1
    if isinstance(stage, Reinforcement):
        cached, updates = max(cached, stage.cache_tokens), stage.updates
    best = TWO_CORES if not gpus else EAGER if width == 2 else EAGER._replace(flops=SINGLE)
    pace = best.at(efficiency)
    crew = Crew(1, pace, pace, 1, cached, width, 3 * updates, True)
    if gpus:
        return _Machine(f"one GPU of {gib(gpus.memory)} GiB", gpus.memory, parts, crew)
    where = "one process on the CPU"
    if not hasattr(os, "sysconf"):  # Windows
        return _Machine(where, None, parts, crew)
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _Machine(f"{where}, {gib(room)} GiB", room, parts, crew)


def _longest(work: Sequence[Alike]) -> int:
    return max(one.prompt + one.reply for one in work)
