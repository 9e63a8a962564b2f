"""`longread synth`: data sets of verified questions from documents."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longread.cli.extras import need
from longread.cli.options import BaseUrl, Model

if TYPE_CHECKING:
    from longread.synth.roles.cast import Cast

EXAMPLES = """\b
Examples:
  longread synth run pages/ --out questions --target-tokens 4K,8K --size 40
  longread synth verify questions
"""
_RUN = """\b
Examples:
  longread synth run pages/ --out questions --target-tokens 4K,8K --size 40
  longread synth run pages/ --out dates --types temporal,ordering --target-tokens 8K --size 10 --seed 1
  longread synth run pages/ --out more --size 40 --model qwen3 --base-url http://localhost:8000/v1 --max-calls 50
"""
_SHOW = """\b
Examples:
  longread synth show questions 3f2a
"""
_VERIFY = """\b
Examples:
  longread synth verify questions
"""

_CALLS = 200
"""Prompts that a model gets where --max-calls does not say."""


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
    rename: Annotated[
        bool | None,
        typer.Option(
            "--rename/--no-rename",
            help="Invent names for what documents are about, and other figures, so that nobody knows the answers.",
            show_default="no",
        ),
    ] = None,
    avoid: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATH", help="Files of a benchmark, of which nothing may be in it (repeatable)."
        ),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Processes that work side by side.")] = 2,
    model: Model = None,
    base_url: BaseUrl = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Prompts that a model gets.", show_default="200")
    ] = None,
) -> None:
    """Make a data set of questions whose answers are proven.

    Documents are pages of keys and values (JSON) about one thing each, tables, Python files and conversations. A
    model, where one is given, proposes more questions; what cannot be proved is dropped. The same command goes on
    with a run that was killed, and gives the same bytes. Exit codes: 0 made, 1 nothing could be asked, 2 wrong
    usage, 130 interrupted.
    """
    need("synth", "duckdb", "pyarrow", "rensa", "sqlglot")
    from longread.documents.load import load
    from longread.printable import printable
    from longread.synth.avoid import Avoided
    from longread.synth.pipeline import CARD, Progress, find
    from longread.synth.pipeline import run as execute
    from longread.synth.wishes import wishes

    def tell(progress: Progress) -> None:
        unit = progress.unit
        of = f"proposed in {unit.wanted} rounds:" if progress.proposed else f"of {unit.wanted}"
        print(
            f"{progress.done} of {progress.of}: {progress.made} {of} {unit.type} ({unit.split})",
            file=sys.stderr,
        )

    given = {
        "target_tokens": target_tokens,
        "size": size,
        "seed": seed,
        "types": types,
        "rename": rename,
        "avoid": avoid or None,
    }
    wished = wishes(config, given)
    avoided = Avoided.of(load(*wished.avoid).documents if wished.avoid else ())
    with _cast(model, base_url, max_calls) as cast:
        made = execute(load(*corpus).documents, wished.recipe, Path(out), tell, processes, avoided, cast)
    if (count := sum(1 for _ in find(made, ""))) < wished.size:
        few = f"{count:,} of {wished.size:,} samples were made; {made / CARD} says what was dropped, and why"
        print(printable(few), file=sys.stderr)
    print(printable(str(made / CARD)))


def show(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="A data set.")],
    sample: Annotated[str, typer.Argument(metavar="ID", help="The beginning of a sample's id.")],
) -> None:
    """Explain one sample: question, answer, plan, evidence, and every check.

    Exit codes: 0 it is proven, 1 it is not, 2 wrong usage.
    """
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
    if faults:
        raise typer.Exit(1)


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


@contextmanager
def _cast(model: str | None, base_url: str | None, max_calls: int | None) -> Iterator[Cast | None]:
    """Who proposes; nobody unless the command names a model, whatever else is configured."""
    import asyncio

    from longread.cli.overrides import given
    from longread.config import resolve_settings
    from longread.errors import UsageError
    from longread.printable import printable
    from longread.reading.opening import open_policy
    from longread.synth.roles.cast import Cast

    if not (model or base_url):
        if max_calls:
            raise UsageError("--max-calls needs --model, or extractive for stand-ins")
        yield None
        return

    async def close() -> None:
        await opened.close()

    resolved = resolve_settings(given({"model": model, "base_url": base_url}))
    with asyncio.Runner() as runner:  # the loop that connections belong to
        opened = runner.run(open_policy(resolved.settings))
        try:
            for remark in (*resolved.remarks, opened.choice):
                print(printable(remark), file=sys.stderr)
            yield Cast(max_calls or _CALLS, getattr(opened.policy, "model", None), runner.run)
        finally:
            runner.run(close())
