"""`longread eval`: benchmarks and their reports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longread.cli.extras import need
from longread.cli.options import Assignments, BaseUrl, Model, Window

if TYPE_CHECKING:
    from longread.evals.results import RunResults
    from longread.evals.run import Prepared, Progress

EXAMPLES = """\b
Examples:
  longread eval list
  longread eval run longbook --model extractive --lengths 4K --samples 2
  longread eval report longread-evals/* --picture accuracy.png
"""
_LIST = """\b
Examples:
  longread eval list
  longread eval list --json
"""
_RUN = """\b
Examples:
  longread eval run longbook --model qwen3 --base-url http://localhost:8000/v1 --lengths 8K --limit 4 --judge qwen3
  longread eval run longbench_v2 --data longbench/ --model qwen3 --base-url http://localhost:8000/v1 --strategy direct
  longread eval run ruler longbook --model extractive --lengths 4K --limit 9 --no-baseline
"""
_REPORT = """\b
Examples:
  longread eval report longread-evals/*
  longread eval report longread-evals/* --format json > report.json
"""


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="Run benchmarks and report them.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("list", epilog=_LIST)(list_benchmarks)
    group.command("run", epilog=_RUN)(run)
    group.command("report", epilog=_REPORT)(report)
    app.add_typer(group, name="eval")


def list_benchmarks(
    json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List the benchmarks."""
    need("eval", "inspect_ai")
    from longread.cli.output import print_json
    from longread.evals.benchmarks import benchmarks
    from longread.evals.benchmarks.general import GENERAL

    rows = [(b.name, b.title, b.about, "generated" if b.hub is None else b.hub.repo) for b in benchmarks()]
    rows += [(name, g.title, f"{g.task} of inspect_evals", "inspect_evals") for name, g in GENERAL.items()]
    if json:
        print_json([dict(zip(("name", "title", "about", "data"), row, strict=True)) for row in rows])
        return
    width = max(len(row[0]) for row in rows)
    for name, _, about, data in rows:
        print(f"{name:<{width}}  {about} [{data}]")


def run(
    benchmarks: Annotated[
        list[str], typer.Argument(metavar="BENCHMARK...", help="As `eval list` names them.")
    ],
    model: Model = None,
    base_url: BaseUrl = None,
    strategy: Annotated[
        str,
        typer.Option(
            help="direct (the benchmark's own prompt in one pass), auto, full, search, or with notes: sequential, "
            "speculative, rounds."
        ),
    ] = "auto",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Items of each benchmark, drawn evenly from its parts.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100, help="How often each item is answered.")] = 1,
    seed: Annotated[
        int, typer.Option(help="Makes generated benchmarks, and draws the items of --limit.")
    ] = 0,
    data: Annotated[
        str | None, typer.Option(metavar="PATH", help="A local copy of the benchmark's files.")
    ] = None,
    lengths: Annotated[
        str | None, typer.Option(help="Lengths in tokens of four bytes, such as 8K,128K,1M.")
    ] = None,
    filler: Annotated[
        str | None, typer.Option(metavar="DIR", help="Texts that Longbook hides its facts in.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="Samples a task and length of generated benchmarks.")
    ] = None,
    judge: Annotated[str | None, typer.Option(metavar="MODEL", help="A model that judges answers.")] = None,
    judge_url: Annotated[
        str | None, typer.Option(help="Its endpoint; the same as --base-url where it is not given.")
    ] = None,
    baseline: Annotated[
        bool, typer.Option(help="Whether retrieval (--strategy search) is run beside it.")
    ] = True,
    label: Annotated[str, typer.Option(help="What tables call this model, such as 'stage 1'.")] = "",
    window: Window = None,
    set_: Assignments = None,
    out: Annotated[str, typer.Option(metavar="DIR", help="Where runs are kept.")] = "longread-evals",
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Send much text to a remote endpoint without being asked.")
    ] = False,
) -> None:
    """Run benchmarks and print their tables.

    Each run has a folder below --out. The same command goes on with a run that was interrupted, and does nothing
    twice. What fails counts as wrong and is listed. Exit codes: 0 all items have an answer, 1 some failed, 2 wrong
    usage, 130 interrupted.
    """
    need("eval", "inspect_ai")
    import asyncio

    from longread.cli.overrides import address, assignments, given
    from longread.config import resolve_settings
    from longread.errors import UsageError
    from longread.evals.benchmarks import Options
    from longread.evals.report import report as make_report
    from longread.evals.report import to_markdown
    from longread.evals.run import Plan, Progress, prepare
    from longread.evals.run import run as execute
    from longread.printable import printable
    from longread.worlds.lengths import parse_length

    settings = given({"model": model, "base_url": address(base_url), "window": window}) | assignments(
        set_ or []
    )
    resolved = resolve_settings(settings)
    for remark in resolved.remarks:
        _say(remark)
    judging = None
    if judge:
        judging = resolve_settings(
            settings | given({"model": judge, "base_url": judge_url or resolved.settings.base_url})
        ).settings
        if not judge_url and judge != resolved.settings.model:
            judging = judging.unaliased()
    elif judge_url:
        raise UsageError("--judge-url needs --judge, the name of the model there")
    plan = Plan(
        benchmarks=tuple(dict.fromkeys(benchmarks)),
        settings=resolved.settings,
        strategy=strategy,
        options=Options(
            data=Path(data) if data else None,
            lengths=tuple(dict.fromkeys(map(parse_length, lengths.split(",")))) if lengths else (),
            seed=seed,
            filler=Path(filler) if filler else None,
            samples=samples,
        ),
        limit=limit,
        epochs=epochs,
        baseline=baseline,
        judge=judging,
        variant=label,
    )

    async def work() -> list[RunResults]:
        prepared = await prepare(plan, Path(out))
        _say(printable(prepared.opened.choice))
        _agree(prepared, yes or resolved.capped)
        kept = f", of which {had:,} are kept from before" if (had := prepared.kept) else ""
        _say(f"{prepared.total:,} answers to be had{kept}; the run is kept in {prepared.folder}")
        return await execute(prepared, Progress(tell=_Ticker().tell))

    try:
        results = asyncio.run(work())
    except (KeyboardInterrupt, asyncio.CancelledError):
        _say("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130) from None
    print(to_markdown(make_report(results)))
    failed = sum(one.failure is not None for each in results for one in each.results)
    incomplete = any(len(each.results) < each.total for each in results)
    if failed or incomplete:
        _say(f"{failed:,} failed; the same command goes on with what is not done")
        raise typer.Exit(1)


def report(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders of runs, or logs of Inspect.")],
    format: Annotated[str, typer.Option(help="markdown or json.")] = "markdown",
    picture: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw accuracy against length as PNG or SVG.")
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The row that gains are reckoned from.")
    ] = None,
) -> None:
    """Print the tables of runs: accuracy by benchmark and length, evidence, cost, failures.

    Nothing is asked of a model: all scores are read from the runs.
    """
    need("eval", "inspect_ai")
    from longread.cli.output import print_json
    from longread.errors import LongreadError, UsageError
    from longread.evals.logs import read_runs
    from longread.evals.report import draw, to_json, to_markdown
    from longread.evals.report import report as make_report

    if format not in ("markdown", "json"):
        raise UsageError(f"--format {format}: give markdown or json")
    if picture and Path(picture).suffix.lower() not in (".png", ".svg"):
        raise UsageError(f"--picture {picture}: give a file name that ends in .png or .svg")
    made = make_report(read_runs([Path(run) for run in runs]), base=base)
    if format == "json":
        print_json(to_json(made))
    else:
        print(to_markdown(made))
    if picture:
        try:
            draw(made, Path(picture))
        except OSError as error:
            raise LongreadError(f"--picture {picture}: it cannot be written: {error.strerror}") from error
        _say(f"drawn: {picture}")


def _agree(prepared: Prepared, yes: bool) -> None:
    """Before much text goes to another machine that may cost money, the user must want it."""
    from longread.errors import UsageError

    opened = prepared.opened
    if yes or opened.host is None or opened.free:
        return
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            f"{prepared.total:,} answers over long texts would be asked of {opened.host}; give --yes if you want it"
        )
    _say(f"{prepared.total:,} answers over long texts would be asked of {opened.host}. Go on? [y/N] ")
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        _say("nothing was sent")
        raise typer.Exit(1)


class _Ticker:
    """Says how far a run has come: at each percent on a terminal, at each tenth elsewhere."""

    def __init__(self) -> None:
        self._parts = 100 if sys.stderr.isatty() else 10
        self._told = -1

    def tell(self, progress: Progress) -> None:
        part = progress.done * self._parts // max(1, progress.total)
        if part != self._told:
            self._told = part
            failed = f", {progress.failed:,} failed" if progress.failed else ""
            _say(f"{progress.done:,} of {progress.total:,} answered{failed}")


def _say(text: str) -> None:
    from longread.printable import printable

    print(printable(text), file=sys.stderr, flush=True)
