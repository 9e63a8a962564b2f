"""Results out of Inspect's logs: those of `longread eval run`, and those of plain `inspect eval`."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log
from inspect_ai.scorer import value_to_float
from pydantic import TypeAdapter, ValidationError

from longread.errors import InputError, UsageError
from longread.evals.benchmarks import get_benchmark
from longread.evals.benchmarks.general import GENERAL
from longread.evals.results import Result, RunResults

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)
_UNREAD = {"messages", "events", "store", "attachments"}
"""Parts of a sample that no report needs."""


def read_runs(paths: Iterable[Path]) -> list[RunResults]:
    """The results of all logs at `paths` (files or folders), of repeated runs the latest.

    Raises:
        UsageError: A path does not exist or holds no log.
        InputError: A log cannot be read.
    """
    latest: dict[tuple[str, ...], tuple[str, RunResults]] = {}
    for path in paths:
        for file in _files(path):
            log = _read(file)
            results = _results(log)
            told_apart = (results.benchmark, results.model, results.strategy, results.variant, str(path))
            if told_apart not in latest or latest[told_apart][0] <= log.eval.created:
                latest[told_apart] = (log.eval.created, results)
    return [results for _, results in latest.values()]


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError(f"{path}: there is no such run; name the folders or .eval files of runs")
    if path.is_file():
        return [path]
    logs = list_eval_logs(str(path), descending=False)
    if not logs:
        raise UsageError(f"{path} holds no log of a run; name the folder that `longread eval run` gave")
    return [Path(log.name.removeprefix("file://")) for log in logs]


def _read(file: Path) -> EvalLog:
    try:
        return read_eval_log(file, exclude_fields=_UNREAD)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputError(f"{file} cannot be read as a log of Inspect: {error}") from error


def _results(log: EvalLog) -> RunResults:
    metadata = log.eval.metadata or {}
    samples = log.samples or []
    epochs = log.eval.config.epochs or 1
    run: dict[str, Any] = {
        "total": _items(log) * epochs,
        "epochs": epochs,
        "settings": metadata.get("settings", {}),
        "variant": metadata.get("variant", ""),
        "seed": metadata.get("seed", 0),
    }
    if "benchmark" not in metadata:
        name, title = _named(log)
        results = tuple(_general(sample) for sample in samples)
        return RunResults(name, title, log.eval.model, "-", results=results, general=True, **run)
    name = metadata["benchmark"]
    benchmark = get_benchmark(name)
    done = tuple(_result(sample) for sample in samples if sample.scores or _failed(sample))
    judges = {
        judgement["model"]
        for sample in samples
        for score in (sample.scores or {}).values()
        if (judgement := (score.metadata or {}).get("judgement"))
    }
    solver = (log.eval.solver_args or {}).get("strategy", "direct")
    return RunResults(
        benchmark=name,
        title=benchmark.title,
        model=metadata.get("model") or log.eval.model,
        strategy=metadata.get("strategy") or solver,
        results=done,
        judge_model=", ".join(sorted(judges)) or None,
        splits=benchmark.splits,
        revision=metadata.get("revision") or (benchmark.hub.revision if benchmark.hub else ""),
        **run,
    )


def _failed(sample: EvalSample) -> bool:
    """Whether it ended with an error of its own; one that was interrupted is not done."""
    return sample.error is not None and not sample.error.message.startswith("CancelledError")


def _result(sample: EvalSample) -> Result:
    """A sample's result; one that Inspect itself ended is a failure."""
    for score in (sample.scores or {}).values():
        if score.metadata and "result" in score.metadata:
            try:
                return _RESULT.validate_python(score.metadata["result"])
            except ValidationError as error:
                raise InputError(
                    f"sample {sample.id} of the log is of another version of Longread: {error}"
                ) from error
    return Result(
        id=str(sample.id),
        epoch=sample.epoch,
        groups=sample.metadata.get("groups", {}),
        score=0.0,
        rule=0.0,
        failure=sample.error.message if sample.error else "it was not scored",
        twin=sample.metadata.get("twin", ""),
    )


def _items(log: EvalLog) -> int:
    """How many items were to be done, before epochs."""
    total = log.eval.dataset.samples or 0
    match log.eval.config.limit:
        case int(limit):
            return min(total, limit)
        case (start, end):
            return max(0, min(total, end) - start)
    return total


def _named(log: EvalLog) -> tuple[str, str]:
    """Name and title of a benchmark that is not ours."""
    task = log.eval.task.rpartition("/")[2]
    for name, general in GENERAL.items():
        if general.task.endswith(f"/{task}") and general.parameters.items() <= log.eval.task_args.items():
            return name, general.title
    return task, task


def _general(sample: EvalSample) -> Result:
    score = next(iter((sample.scores or {}).values()), None)
    value = value_to_float()(score.value) if score else 0.0
    failure = sample.error.message if sample.error else None if score else "it was not scored"
    usage = list(sample.model_usage.values())
    return Result(
        id=str(sample.id),
        epoch=sample.epoch,
        groups={},
        score=value,
        rule=value,
        failure=failure,
        calls=len(usage),
        input_tokens=sum(one.input_tokens for one in usage),
        output_tokens=sum(one.output_tokens for one in usage),
    )
