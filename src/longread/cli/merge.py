"""`longread merge`: several models trained from one base become one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longread.cli.extras import need

EXAMPLES = """\b
Examples:
  longread merge stage3/ memory/ --base original/ --out merged
  longread merge stage3/ memory/ --base original/ --out halved --select 0.5
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLES)(merge)


def merge(
    experts: Annotated[
        list[str], typer.Argument(metavar="EXPERT...", help="Folders of models trained from the base.")
    ],
    base: Annotated[
        str, typer.Option(metavar="DIR", help="Folder of the model that all experts were trained from.")
    ],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the merged model goes; must not exist.")],
    select: Annotated[
        float,
        typer.Option(help="Fraction of each matrix that is merged: what varies most between the experts."),
    ] = 0.1,
    floor: Annotated[
        float,
        typer.Option(help="Mean squared change of a matrix below which experts weigh the same; 0 for never."),
    ] = 1e-6,
) -> None:
    """Merge models trained from one base into one, by SCE (arXiv 2408.07990).

    Checkpoints are folders as transformers writes them, with weights as safetensors. Exit codes: 0 merged, 1 a model
    cannot be read or the result written, 2 wrong usage, or models that do not fit together.
    """
    need("train", "safetensors", "torch")
    from longread.printable import printable
    from longread.training.merge import merge as execute

    def tell(done: int, of: int) -> None:
        print(f"shard {done} of {of} is merged", file=sys.stderr)

    made = execute(Path(base), [Path(folder) for folder in experts], Path(out), select, floor, tell)
    print(printable(str(made)))
