"""`longread train plan`: what a stage will take, before it is begun."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from longread.training.plan import Plan, Selection

EXAMPLES = """\b
Examples:
  longread train plan stage1.toml
  longread train plan recipe/ --gpus 8x80GB
  longread train plan stage1.toml --gpus 1x24GB --json
"""

_ROWS = 'What the rows are: docs/training.md, "What a stage will take"'


def plan(
    path: Annotated[str, typer.Argument(metavar="STAGE", help="A stage file, or a folder of them.")],
    gpus: Annotated[
        str | None,
        typer.Option(
            metavar="GPUS",
            help="GPUs in place of the stage's own, as 8x80GB, or 4x8x80GB for four nodes. Their speed is that of an "
            "H100; scale it by --efficiency.",
            show_default="the stage's, of 80 GB; else this machine's memory",
        ),
    ] = None,
    fill: Annotated[
        float | None,
        typer.Option(
            help="Share of what the stage allows that texts and replies take on average.",
            show_default="0.285, as of the paper's texts",
        ),
    ] = None,
    efficiency: Annotated[
        float | None,
        typer.Option(
            help="Share of the processors' best that is reached.", show_default="0.3; mixtures of experts 0.2"
        ),
    ] = None,
    questions: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Questions that a stage with `select` attempts before it begins.",
            show_default="those of its data, where it is there",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell whether stages fit the memory, where it goes, and how long they take.

    Nothing is loaded: shapes come from the model's config.json alone, and those of the recipes' models are known by
    name. Memory is at the longest texts and replies that a stage allows. Exit codes: 0 all fit, 1 one does not, or
    cannot be read, 2 wrong usage.
    """
    from longread.cli.output import print_json
    from longread.errors import UsageError
    from longread.training.plan import FILL, as_object, plans

    share = FILL if fill is None else fill
    made = list(plans(Path(path), gpus, fill=share, efficiency=efficiency, questions=questions))
    if not made:
        raise UsageError(f"{path} is a merge, which holds one tensor at a time (see docs/merging.md)")
    each = [one.fits for one in made]
    if as_json:
        fits = False if False in each else None if None in each else True
        print_json({"schema_version": 1, "fits": fits, "stages": [as_object(one) for one in made]})
    else:
        print("\n\n".join([*(_told(one) for one in made), _ROWS]))
    raise typer.Exit(1 if False in each else 0)


def _told(plan: Plan) -> str:
    from longread.printable import printable
    from longread.reading.objects import short
    from longread.training.plan import gib

    rows = [("GiB", "drawing", "learning", "host")]
    whole = [(part.name, part.drawing, part.learning, part.host) for part in plan.parts]
    for name, *sizes in [*whole, ("in all", plan.drawing, plan.learning, plan.host)]:
        rows.append((name, *(gib(size) if size else "" for size in sizes)))  # type: ignore[arg-type]
    table = [f"{name:<20}{one:>9}{two:>9}{three:>9}".rstrip() for name, one, two, three in rows]
    step, learning = sum(plan.seconds), plan.seconds.learning
    facts = {
        "fits": _fits(plan),
        **({"host": f"{gib(plan.host)} GiB of each node; told, not checked"} if plan.host else {}),
        "a step": f"{plan.conversations:,} conversations, {short(plan.tokens)} tokens"
        f" ({short(plan.most_tokens)} at most)",
        **({"select": _selection(plan.selection)} if plan.selection else {}),
        "time": f"{plan.steps:,} steps of {_time(step)}, {_time(learning)} of it learning: {plan.hours:,.1f} hours",
        "assumed": "\n        ".join(plan.assumed),
    }
    head = f"{printable(plan.name)}: {plan.shape.parameters:,} parameters, {plan.where}"
    return "\n".join([head, *table, *(f"{name:<8}{value}" for name, value in facts.items())])


def _fits(plan: Plan) -> str:
    from longread.training.plan import gib

    if plan.faults:
        return f"no: {'; '.join(plan.faults)}"
    most = max(plan.drawing, plan.learning)
    if plan.room is None:
        return f"not known: this machine does not tell its memory, and {gib(most)} GiB are needed"
    return f"yes, with {gib(plan.room - most)} GiB to spare"


def _selection(made: Selection) -> str:
    if made.questions is None:
        return (
            f"{made.attempts} attempts at each question: not counted, the data is not there (--questions N)"
        )
    hours = made.seconds / 3600
    return f"{made.questions:,} questions, {made.attempts} attempts each: {hours:,.1f} hours of those below"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:,.1f} min"
