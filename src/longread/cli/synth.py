"""`longread synth`: data sets of verified questions from documents."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from longread.cli.extras import need

EXAMPLES = """\b
Examples:
  longread synth run pages/ --out questions --target-tokens 4K,8K --size 40
  longread synth verify questions
"""
_RUN = """\b
Examples:
  longread synth run pages/ --out questions --target-tokens 4K,8K --size 40
  longread synth run pages/ --out dates --types temporal,ordering --target-tokens 8K --size 10 --seed 1
"""
_SHOW = """\b
Examples:
  longread synth show questions 3f2a
"""
_VERIFY = """\b
Examples:
  longread synth verify questions
"""


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="Make questions with proven answers from documents.",
        epilog=EXAMPLES,
        no_args_is_help=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.command("run", epilog=_RUN)(run)
    group.command("show", epilog=_SHOW)(show)
    group.command("verify", epilog=_VERIFY)(verify)
    app.add_typer(group, name="synth")


def run(
    corpus: Annotated[list[str], typer.Argument(metavar="CORPUS...", help="Files and folders of documents.")],
    out: Annotated[str, typer.Option(metavar="DIR", help="Where the data set goes.")],
    config: Annotated[
        str | None, typer.Option(metavar="FILE", help="Options in a TOML file; those given here count.")
    ] = None,
    target_tokens: Annotated[
        str | None,
        typer.Option(
            help="Lengths of contexts in tokens of four bytes; the largest is never exceeded.",
            show_default="32K,64K,128K",
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Samples in all.", show_default="1000")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws questions and contexts.", show_default="0")] = None,
    types: Annotated[
        str | None, typer.Option(help="Types of questions, separated by commas; all otherwise.")
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Files of a benchmark, of which nothing may be in it (repeatable)."
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 2,
) -> None:
    """Make a data set of questions whose answers are proven.

    Documents are pages of keys and values (JSON) about one thing each, or Python files. The same command goes on
    with a run that was killed, and gives the same bytes. Exit codes: 0 made, 1 nothing could be asked, 2 wrong usage,
    130 interrupted.
    """
    need("synth", "duckdb", "pyarrow", "rensa", "sqlglot")
    from longread.documents.load import load
    from longread.printable import printable
    from longread.synth.avoid import Avoided
    from longread.synth.pipeline import CARD, Progress
    from longread.synth.pipeline import run as execute
    from longread.synth.wishes import wishes

    def tell(progress: Progress) -> None:
        unit = progress.unit
        print(
            f"{progress.done} of {progress.of}: {progress.made} of {unit.wanted} {unit.type} ({unit.split})",
            file=sys.stderr,
        )

    given = {
        "target_tokens": target_tokens,
        "size": size,
        "seed": seed,
        "types": types,
        "avoid": avoid or None,
    }
    wished = wishes(config, given)
    avoided = Avoided.of(load(*wished.avoid).documents if wished.avoid else ())
    made = execute(load(*corpus).documents, wished.recipe, Path(out), tell, processes, avoided)
    print(printable(str(made / CARD)))


def show(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A data set.")],
    sample: Annotated[str, typer.Argument(metavar="ID", help="The beginning of a sample's id.")],
) -> None:
    """Explain one sample: question, answer, plan, evidence, and every check."""
    need("synth", "duckdb", "pyarrow", "rensa", "sqlglot")
    from longread.errors import UsageError
    from longread.printable import printable
    from longread.synth.card import example
    from longread.synth.pipeline import find, prove

    made = find(Path(folder), sample)
    if len(made) != 1:
        many = f"{len(made)} samples" if made else "no sample"
        raise UsageError(f"{folder} has {many} whose id begins with '{sample}'; give more of it, or another")
    print(printable(example(made[0])))
    faults = dict(prove(Path(folder), only=made[0].sample.id))[made[0].sample.id]
    print("\nChecks: all passed" if not faults else "\nChecks that failed:")
    for check in faults:
        print(printable(f"- {check.name}: {check.fault}"))


def verify(folder: Annotated[str, typer.Argument(metavar="DIR", help="A data set.")]) -> None:
    """Prove every sample again from the files alone.

    Exit codes: 0 all are proven, 1 some are not (each is listed with the reason), 2 wrong usage.
    """
    need("synth", "duckdb", "pyarrow", "rensa", "sqlglot")
    from longread.printable import printable
    from longread.synth.pipeline import prove

    count = wrong = 0
    for sample, faults in prove(Path(folder)):
        count += 1
        wrong += bool(faults)
        for check in faults:
            print(printable(f"{sample}: {check.name}: {check.fault}"))
    print(f"{count - wrong:,} of {count:,} samples are proven")
    if wrong:
        raise typer.Exit(1)
