"""Runs benchmarks with one model: the strategy asked for and, beside it, retrieval as the baseline.

A run has a folder, named after what decides it: `run.json`, the outcomes and calls that are kept, and Inspect's logs.
The same command finds its folder again and goes on; nothing that was finished is done twice.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from inspect_ai import Task, eval_async
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.util import display_type

from longread.config import Settings
from longread.errors import LongreadError, UsageError
from longread.evals.benchmarks import Benchmark, Item, Options, benchmarks, get_benchmark
from longread.evals.benchmarks.general import GENERAL, SNAPSHOT
from longread.evals.data import revision
from longread.evals.judging import Bench
from longread.evals.logs import read_runs
from longread.evals.results import RunResults
from longread.evals.sitting import DIRECT, Outcome, Sitting, check_strategy, kept_as, seeded
from longread.evals.tasks import choose, make_task, sat
from longread.models.openai import OpenAIModel
from longread.models.pool import PoolModel
from longread.project import EXTRACTIVE
from longread.reading.journal import Journal
from longread.reading.opening import Opened, open_policy
from longread.reading.policy import Policy
from longread.reading.store import Store, key

SEARCH = "search"
_AT_ONCE = 8
"""Items answered at the same time by a model that is asked over a network."""


@dataclass(frozen=True)
class Plan:
    """What is to be run."""

    benchmarks: tuple[str, ...]
    settings: Settings
    strategy: str = "auto"
    options: Options = field(default_factory=Options)
    limit: int | None = None
    epochs: int = 1
    baseline: bool = True
    """Whether `search` is run too."""
    judge: Settings | None = None
    """Of the model that judges, where one is wanted."""
    variant: str = ""

    def __post_init__(self) -> None:
        check_strategy(self.strategy)
        for name in self.benchmarks:
            if name not in GENERAL:
                get_benchmark(name)
        if self.strategy == DIRECT and self.settings.model == EXTRACTIVE:
            raise UsageError(f"--strategy {DIRECT} needs a language model; extractive is none")

    @property
    def strategies(self) -> tuple[str, ...]:
        """The one asked for, and the baseline."""
        return tuple(dict.fromkeys((self.strategy, *([SEARCH] if self.baseline else []))))

    def decides(self, model: str) -> dict[str, Any]:
        """All that makes a run another run, without secrets."""
        hidden = {
            "api_key",
            "state_dir",
            "keep_days",
            "keep_runs",
            "stream",
            "timeout",
            "retries",
            "base_url",
        }
        return {
            "benchmarks": list(self.benchmarks),
            "model": model,
            "strategy": self.strategy,
            "limit": self.limit,
            "epochs": self.epochs,
            "baseline": self.baseline,
            "judge": self.judge.model if self.judge else None,
            "options": json.loads(json.dumps(self.options._asdict(), default=str)),
            "variant": self.variant,
            "settings": self.settings.model_dump(mode="json", exclude=hidden),
        }


@dataclass
class Progress:
    """How far a run has come."""

    total: int = 0
    done: int = 0
    failed: int = 0
    tell: Callable[[Progress], None] = field(default=lambda _: None)

    def add(self, outcome: Outcome) -> None:
        """Counts one."""
        self.done += 1
        self.failed += outcome.failure is not None
        self.tell(self)


@dataclass(frozen=True)
class Prepared:
    """A run that is ready to begin."""

    plan: Plan
    opened: Opened
    judge: Opened | None
    folder: Path
    items: dict[str, list[Item]]
    """By benchmark; the general ones have none."""

    @property
    def total(self) -> int:
        """Answers to be had."""
        return sum(map(len, self.items.values())) * self.plan.epochs * len(self.plan.strategies)

    @property
    def logs(self) -> Path:
        """Where Inspect's logs are."""
        return self.folder / "logs"

    @cached_property
    def kept(self) -> int:
        """Answers that there were when this was first asked."""
        store = Store(self.folder / "calls")
        try:
            return sum(
                store.get(kept_as(get_benchmark(name), item, epoch, strategy, policy)) is not None
                for epoch in range(1, self.plan.epochs + 1)
                for policy in [seeded(self.opened.policy, epoch)]
                for name, items in self.items.items()
                for item in items
                for strategy in self.plan.strategies
            )
        finally:
            store.close()

    def finished(self) -> list[RunResults]:
        """The results of a run that has nothing left to be done; empty for any other."""
        general = any(name in GENERAL for name in self.plan.benchmarks)
        if general or not any(self.logs.glob("*.eval")) or self.kept < self.total:
            return []
        results = read_runs([self.logs])
        whole = all(len(one.results) == one.total for one in results)
        failed = any(one.failure is not None for each in results for one in each.results)
        return results if whole and not failed and sum(one.total for one in results) == self.total else []


def _check(plan: Plan) -> None:
    """UsageError for a benchmark that there is not, or an option that none of them takes."""
    known = [*(benchmark.name for benchmark in benchmarks()), *GENERAL]
    if unknown := [name for name in plan.benchmarks if name not in known]:
        raise UsageError(f"there is no benchmark '{unknown[0]}'; choose among {', '.join(sorted(known))}")
    own = [get_benchmark(name) for name in plan.benchmarks if name not in GENERAL]
    options, named = plan.options, ", ".join(plan.benchmarks)
    if options.data and not any(benchmark.hub for benchmark in own):
        raise UsageError(f"--data {options.data}: {named} has no data to be read")
    if (options.samples or options.filler) and all(benchmark.hub for benchmark in own):
        raise UsageError(f"--samples and --filler are for generated benchmarks, which {named} is not")


async def prepare(plan: Plan, out: Path) -> Prepared:
    """Opens the model and loads the items.

    Raises:
        UsageError: Something does not fit together, or data cannot be had.
        ModelError: The model cannot be reached.
    """
    _check(plan)
    items = {
        name: choose(list(get_benchmark(name).items(plan.options)), plan.limit, plan.options.seed)
        for name in plan.benchmarks
        if name not in GENERAL
    }
    for name, found in items.items():
        if not found:
            raise UsageError(f"{name} has no items for these --lengths and --limit")
    opened = await open_policy(plan.settings)
    judge = await open_policy(plan.judge) if plan.judge else None
    if judge:
        _chat(judge)
    if any(name in GENERAL for name in plan.benchmarks):
        inspect_model(plan.settings, opened)
    decided = plan.decides(opened.policy.name)
    slug = re.sub(r"[^\w.-]+", "-", f"{'+'.join(plan.benchmarks)[:60]}-{opened.policy.name[-40:]}")
    folder = out / f"{slug}-{plan.strategy}-{key(decided)[:6]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "run.json").write_text(json.dumps(decided, indent=2) + "\n")
    except OSError as error:
        raise LongreadError(f"the folder {folder} cannot be written: {error.strerror}; give --out") from error
    return Prepared(plan, opened, judge, folder, items)


async def run(prepared: Prepared, progress: Progress) -> list[RunResults]:
    """Runs what was prepared. The model is closed at the end."""
    plan, opened, judge = prepared.plan, prepared.opened, prepared.judge
    journal, store = Journal(prepared.folder / "calls"), Store(prepared.folder / "calls")
    bench = Bench(_chat(judge), store) if judge else None
    progress.total = prepared.total

    async def policy() -> Policy:
        return opened.policy

    try:
        if results := prepared.finished():
            return results
        tasks: list[Task] = []
        for strategy in plan.strategies:
            also = tuple(other for other in plan.strategies if other != strategy)
            sitting = Sitting(policy, plan.settings, strategy, store, journal, progress.add, also)
            for name, items in prepared.items.items():
                benchmark = get_benchmark(name)
                tasks.append(_task(prepared, benchmark, items, sitting, bench))
        if tasks:
            await _evaluate(prepared, tasks, "none/none")
        for name in plan.benchmarks:
            if name in GENERAL:
                await _general(prepared, name)
    finally:
        await opened.close()
        if judge:
            await judge.close()
        journal.close()
        store.close()
    return read_runs([prepared.logs])


def inspect_model(settings: Settings, opened: Opened) -> Model:
    """The same model for benchmarks that Inspect runs by itself. UsageError where it has no endpoint."""
    model = getattr(opened.policy, "model", None)
    if isinstance(model, PoolModel):
        raise UsageError(
            "the general benchmarks are asked by Inspect itself, at one endpoint; give one --base-url (that of "
            "longread serve, say, which can stand before several)"
        )
    if not isinstance(model, OpenAIModel):
        raise UsageError(f"the general benchmarks need a model at --base-url; {opened.policy.name} has none")
    key = settings.servers[0].api_key if settings.servers else None
    config = GenerateConfig(
        temperature=settings.temperature, top_p=settings.top_p, max_tokens=settings.answer_tokens
    )
    return get_model(
        f"openai-api/longread/{model.name}",
        base_url=model.base_url,
        api_key=key.get_secret_value() if key else "none",
        config=config,
    )


def _task(
    prepared: Prepared, benchmark: Benchmark, items: Sequence[Item], sitting: Sitting, bench: Bench | None
) -> Task:
    plan = prepared.plan
    return make_task(
        benchmark,
        items,
        solve=sat(sitting),
        bench=bench,
        model=prepared.opened.policy.name,
        strategy=sitting.strategy,
        variant=plan.variant,
        seed=plan.options.seed,
        revision=revision(benchmark.hub, plan.options.data),
        settings=_described(plan) | ({"remark": said} if (said := benchmark.remark()) else {}),
    )


async def _general(prepared: Prepared, name: str) -> None:
    general = GENERAL[name]
    model = inspect_model(prepared.plan.settings, prepared.opened)
    args = dict(general.parameters)
    if general.before:
        args[SNAPSHOT] = prepared.folder.name
        await _evaluate(prepared, [general.before], model, args)
    await _evaluate(prepared, [general.task], model, args)


async def _evaluate(
    prepared: Prepared,
    tasks: Sequence[Task] | Sequence[str],
    model: str | Model,
    args: Mapping[str, str] | None = None,
) -> None:
    at_once = (os.cpu_count() or 1) * 2 if prepared.plan.settings.model == EXTRACTIVE else _AT_ONCE
    os.environ.setdefault("INSPECT_DISPLAY", "none")  # `eval_async` takes no argument for it,
    display_type()  # and would choose by itself if this had not
    logs = await eval_async(
        list(tasks),  # type: ignore[arg-type]  # either kind
        model=model,
        task_args=dict(args or {}),
        log_dir=str(prepared.logs),
        epochs=prepared.plan.epochs,
        limit=prepared.plan.limit if isinstance(model, Model) else None,
        max_samples=at_once,
        max_tasks=1,
        fail_on_error=False,
        log_level="error",
        log_realtime=False,
        ctl_server=False,
    )
    if len(logs) < len(tasks) or any(log.status == "cancelled" for log in logs):
        raise asyncio.CancelledError  # which Inspect keeps to itself, giving no log of what was interrupted


def _chat(opened: Opened) -> Any:
    model = getattr(opened.policy, "model", None)
    if model is None:
        raise UsageError("the judge must be a language model: give --judge NAME and --judge-url")
    return model


def _described(plan: Plan) -> dict[str, str]:
    return {
        "limit": str(plan.limit or "all"),
        "lengths": ", ".join(str(length) for length in plan.options.lengths) or "the benchmark's own",
        "longread": version("longread"),
        "inspect_ai": version("inspect_ai"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
