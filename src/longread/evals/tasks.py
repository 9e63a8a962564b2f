"""Benchmarks as Inspect tasks: the reader as a solver, `longread.grading` as the scorer.

`inspect eval longread/longbook --model … --solver longread/reader -S strategy=sequential` runs the same code as
`longread eval run`; the judge is the model of role `grader`. Texts are opened when an item is read and
never stand in the log.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, metric, scorer
from inspect_ai.solver import Generate, Solver, TaskState, solver

from longread.config import load_settings
from longread.evals.benchmarks import Benchmark, Item, Options, benchmarks, get_benchmark
from longread.evals.judging import Bench
from longread.evals.model import InspectModel
from longread.evals.scoring import score
from longread.evals.sitting import DIRECT, OUTCOME, Sitting
from longread.reading.journal import Journal
from longread.reading.opening import policy_for
from longread.reading.policy import Policy
from longread.reading.store import Store
from longread.worlds.lengths import parse_length

GRADER = "grader"
"""The role of the judge under Inspect."""

_items: dict[str, dict[str, Item]] = {}


def make_task(
    benchmark: Benchmark,
    items: Iterable[Item],
    *,
    solve: Solver | None = None,
    bench: Bench | None = None,
    **metadata: Any,
) -> Task:
    """A task of these items. `bench` is the judge; None asks Inspect's model of role `grader`, if there is one."""
    known = _items.setdefault(benchmark.name, {})
    samples = []
    for item in items:
        known[item.id] = item
        samples.append(
            Sample(
                input=item.question or item.id,
                target=list(item.gold.answers),
                id=item.id,
                metadata={"benchmark": benchmark.name, "groups": dict(item.groups), "twin": item.twin},
            )
        )
    return Task(
        dataset=MemoryDataset(samples, name=benchmark.name),
        solver=solve or reader(),
        scorer=graded(bench),
        name=benchmark.name,
        metadata={"benchmark": benchmark.name, **metadata},
    )


def choose(items: Sequence[Item], limit: int | None, seed: int) -> list[Item]:
    """At most `limit` items, spread evenly over their groups and drawn by `seed`; twins stay together."""
    if limit is None or limit >= len(items):
        return list(items)
    groups: defaultdict[tuple[str, ...], dict[str, list[Item]]] = defaultdict(dict)
    for item in items:
        units = groups[tuple(item.groups.values())]
        units.setdefault(item.twin or item.id, []).append(item)
    rng = random.Random(f"choose-{seed}")  # noqa: S311
    drawn = [rng.sample(list(units.values()), len(units)) for units in groups.values()]
    drawn.sort(key=lambda units: len(units[0]))  # where a pair and a single cannot both be had, the single is
    chosen: set[str] = set()
    for turn in range(max(map(len, drawn))):
        for unit in (group[turn] for group in drawn if turn < len(group)):
            if len(chosen) + len(unit) <= limit:
                chosen.update(item.id for item in unit)
    return [item for item in items if item.id in chosen]


@solver
def reader(strategy: str = DIRECT, kept: str | None = None, **settings: Any) -> Solver:
    """Answers by reading, with Inspect's model.

    Args:
        strategy: `direct` sends the benchmark's own prompt; sequential, search, full and auto read as `longread ask`.
        kept: Folder where outcomes and calls are kept, so that repeating a run repeats no finished call; the
            state folder's `evals` where it is not given.
        settings: Any of `longread.config.Settings`, such as `window` or `chunk_tokens`.
    """
    sitting: Sitting | None = None

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        nonlocal sitting
        if sitting is None:
            loaded = load_settings(dict(settings))
            folder = Path(kept) if kept else loaded.state_dir / "evals"

            async def policy() -> Policy:
                return policy_for(InspectModel(get_model(), loaded.window), loaded)

            sitting = Sitting(policy, loaded, strategy, Store(folder), Journal(folder))
        return await answered(sitting, state)

    return solve


@solver
def sat(sitting: Sitting) -> Solver:
    """The same with a model of our own, and its calls kept where its run is."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        return await answered(sitting, state)

    return solve


async def answered(sitting: Sitting, state: TaskState) -> TaskState:
    """The state with an item's outcome."""
    benchmark, item = _asked(state)
    outcome = await sitting.take(benchmark, item, state.epoch)
    state.metadata["outcome"] = OUTCOME.dump_python(outcome, mode="json")
    # Inspect's mock of a tokenizer would be asked for usage that is not set.
    state.output = ModelOutput.from_content(sitting.strategy, outcome.response)
    state.completed = True
    return state


@metric
def paired() -> Metric:
    """Mean score, twins counted once and only when all of them are right."""

    def mean(scores: list[SampleScore]) -> float:
        units: defaultdict[str, list[float]] = defaultdict(list)
        for number, one in enumerate(scores):
            result = (one.score.metadata or {}).get("result", {})
            units[result.get("twin") or f"-{number}"].append(one.score.as_float())
        return float(np.mean([min(unit) for unit in units.values()])) if units else 0.0

    return mean


@metric
def done() -> Metric:
    """How many items have a response; the rest failed and count as wrong."""

    def count(scores: list[SampleScore]) -> float:
        return float(sum((s.score.metadata or {}).get("result", {}).get("failure") is None for s in scores))

    return count


@scorer(metrics=[paired(), done()])
def graded(bench: Bench | None = None) -> Scorer:
    """The benchmark's grader, and its judge where there is one."""

    async def grade(state: TaskState, target: Target) -> Score:
        nonlocal bench
        benchmark, item = _asked(state)
        if bench is None and benchmark.judge and (model := _role()):
            bench = Bench(model, Store(load_settings({}).state_dir / "evals"))
        outcome = OUTCOME.validate_python(state.metadata["outcome"])
        scored = await score(benchmark, item, state.epoch, outcome, bench)
        judged = scored.judgement
        return Score(
            value=scored.result.score,
            answer=scored.result.answer,
            explanation=scored.result.failure,
            metadata={"result": asdict(scored.result), "judgement": judged._asdict() if judged else None},
        )

    return grade


def _role() -> InspectModel | None:
    """Inspect's model of role `grader`, if one was given."""
    model = get_model("none/none", role=GRADER)
    return None if str(model).startswith("none/") else InspectModel(model)


def _asked(state: TaskState) -> tuple[Benchmark, Item]:
    benchmark = get_benchmark(state.metadata["benchmark"])
    return benchmark, _items[benchmark.name][str(state.sample_id)]


def _register(benchmark: Benchmark) -> None:
    @task(name=benchmark.name)
    def build(
        data: str | None = None,
        lengths: str = "",
        seed: int = 0,
        filler: str | None = None,
        samples: int | None = None,
    ) -> Task:
        options = Options(
            data=Path(data) if data else None,
            lengths=tuple(parse_length(one) for one in str(lengths).split(",") if one),
            seed=seed,
            filler=Path(filler) if filler else None,
            samples=samples,
        )
        return make_task(benchmark, benchmark.items(options), seed=seed)


for _benchmark in benchmarks():
    _register(_benchmark)
