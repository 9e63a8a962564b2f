"""`longread train`: models from data sets, stage by stage."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from longread.cli import plan
from longread.cli.extras import need

EXAMPLES = """\b
Examples:
  longread train plan stage1.toml
  longread train run stage1.toml --out runs/stage1
  longread train run recipe/ --out runs/all --resume
  longread train plot runs/stage1
"""
_RUN = """\b
Examples:
  longread train run stage1.toml --out runs/stage1
  longread train run recipe/ --out runs/all --resume
"""
_PLOT = """\b
Examples:
  longread train plot runs/stage1
  longread train plot runs/stage1 --out stage1.png
"""


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="Train a model to answer questions over long documents.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("plan", epilog=plan.EXAMPLES)(plan.plan)
    group.command("run", epilog=_RUN)(run)
    group.command("plot", epilog=_PLOT)(plot)
    app.add_typer(group, name="train")


def run(
    path: Annotated[str, typer.Argument(metavar="STAGE", help="A stage file, or a folder of them.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where checkpoints, metrics and models go.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run that is in the folder.")
    ] = False,
) -> None:
    """Train the stages of a recipe, one after another.

    A stage is a TOML file (see docs/training.md). Checkpoints are made as it goes; a run that was killed goes on with
    --resume and gives the same weights. Exit codes: 0 trained, 1 training cannot go on, 2 wrong usage, 130
    interrupted.
    """
    need("train", "torch", "transformers", "safetensors", "pyarrow")
    from longread.printable import printable
    from longread.training.rewards import open_judge
    from longread.training.stage import MODEL
    from longread.training.stages import plan as planned
    from longread.training.stages import run as execute

    target = Path(out)

    async def work() -> None:
        begun, seen, first = time.monotonic(), 0, 0
        current = ""
        async for name, (step, of, metrics) in execute(Path(path), target, resume=resume, judge=open_judge):
            if name != current:
                current, begun, seen, first = name, time.monotonic() - metrics["seconds"], 0, step - 1
            seen += metrics["tokens"]
            spent = time.monotonic() - begun
            left = spent / (step - first) * (of - step)
            line = f"{name} {step}/{of}  {_told(metrics)}  {seen / spent:,.0f} tokens/s  {_time(left)} left"
            end = "\r" if sys.stderr.isatty() and step < of else "\n"
            print(line.ljust(100) if end == "\r" else line, end=end, file=sys.stderr, flush=True)

    asyncio.run(work())
    print(printable(str(planned(Path(path), target)[-1].out / MODEL)))


def plot(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Folder of a stage's run.")],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="The picture.", show_default="RUN/metrics.png")
    ] = None,
) -> None:
    """Draw reward, entropy and length of a run; steps without negative samples are shaded.

    Exit codes: 0 drawn, 1 there are no metrics, 2 wrong usage.
    """
    need("train", "matplotlib")
    from longread.printable import printable
    from longread.training.plot import plot as execute

    picture = Path(out) if out else Path(run) / "metrics.png"
    execute(Path(run), picture)
    print(printable(str(picture)))


def _told(metrics: Mapping[str, Any]) -> str:
    if "reward" not in metrics:
        return f"loss {metrics['nll']:.3f}"
    rewards = metrics["rewards"]
    each = (
        f" ({', '.join(f'{task} {value:.2f}' for task, value in rewards.items())})"
        if len(rewards) > 1
        else ""
    )
    return (
        f"reward {metrics['reward']:.3f}{each}  entropy {metrics['entropy']:.3f}  length {metrics['length']:.0f}"
        f"  negatives {metrics['negatives_kept']:.0%}"
    )


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
