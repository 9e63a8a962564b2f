"""`longread synth`: data sets of verified questions from documents."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from longread.cli.extras import need
from longread.cli.options import BaseUrl, Model

if TYPE_CHECKING:
    from longread.reading.opening import Opened
    from longread.synth.roles.cast import Cast
    from longread.synth.runner import Runner
    from longread.synth.wishes import Wishes

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

_PROCESSES = 2
_RAY = re.compile(r"ray(?::(auto|[^\s/:]+:\d{1,5}))?")
_TRIED = (
    ("closed", "without documents"),
    ("required", "with those required"),
    ("context", "with all"),
)


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
    processes: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes that work side by side.",
            show_default="2, or all CPUs of a Ray that is joined",
        ),
    ] = None,
    runner: Annotated[
        str | None,
        typer.Option(
            metavar="ray[:ADDRESS]",
            help="Work on Ray: one of its own on this machine, or the cluster at an address (auto, HOST:PORT).",
            show_default="processes of this machine",
        ),
    ] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    max_calls: Annotated[
        int | None, typer.Option(min=1, help="Replies of a model, in all.", show_default="200")
    ] = None,
    max_total_tokens: Annotated[
        int | None, typer.Option(min=1, help="Stop before a call that takes more tokens in all.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Stop when so much is spent (needs `price`, see `config`).")
    ] = None,
    paraphrase: Annotated[
        bool | None,
        typer.Option(
            "--paraphrase/--no-paraphrase",
            help="Have a model word questions, where it reads the same plan back.",
            show_default="no",
        ),
    ] = None,
    tries: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=64,
            help="How often a model tries a sample without documents, with those needed, and with all.",
            show_default="4",
        ),
    ] = None,
    tried: Annotated[
        int | None, typer.Option(min=1, help="Samples that it tries, at most.", show_default="all")
    ] = None,
    balance: Annotated[
        bool | None,
        typer.Option(
            "--balance/--no-balance",
            help="Keep as many samples of each source and pass rate, and none that was not tried.",
            show_default="no",
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Ask a remote endpoint that may cost money without being asked."),
    ] = False,
) -> None:
    """Make a data set of questions whose answers are proven.

    Documents are pages of keys and values (JSON) about one thing each, tables, Python files and conversations. A
    model, where one is given, proposes more questions and tries all; what cannot be proved is dropped. The same
    command goes on with a run that was killed, and gives the same bytes. Exit codes: 0 made, 1 nothing could be
    asked, 2 wrong usage, 4 a cap on tokens or cost was reached, 130 interrupted.
    """
    need("synth", "duckdb", "pyarrow", "rensa", "sqlglot")
    from longread.cli.overrides import address
    from longread.config import one_line
    from longread.documents.load import load
    from longread.errors import CapReached
    from longread.printable import printable
    from longread.synth.avoid import Avoided
    from longread.synth.pipeline import CARD, Progress, find
    from longread.synth.pipeline import run as execute
    from longread.synth.seal import SEAL, Seal
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
        "model": model,
        "base_url": address(base_url),
        "max_calls": max_calls,
        "max_total_tokens": max_total_tokens,
        "max_cost": max_cost,
        "paraphrase": paraphrase,
        "tries": tries,
        "tried": tried,
        "balance": balance,
    }
    wished = wishes(config, given)
    recipe = wished.recipe
    avoided = Avoided.of(load(*wished.avoid).documents if wished.avoid else ())
    documents = load(*corpus).documents
    with (
        _runner(runner, processes) as workers,
        _cast(wished, yes or (Path(out) / CARD).exists()) as cast,
    ):
        try:
            made = execute(documents, recipe, Path(out), tell, workers, avoided, cast)
        except CapReached as error:
            raise CapReached(
                f"{error}; the replies are kept: the same command with a higher cap goes on"
            ) from None
        if cast and (count := cast.failures.count):
            failed = f"failed calls: {count:,}; the last one: {one_line(cast.failures.last)}"
            print(printable(failed), file=sys.stderr)
    splits = [one.sample.split for one in find(made, "")]
    if (count := len(splits)) < wished.size:
        few = f"{count:,} of {wished.size:,} samples were made; {made / CARD} says what was dropped, and why"
        print(printable(few), file=sys.stderr)
    if "evaluation" not in splits:
        print("no sample is for evaluation: --size or the corpus is too small", file=sys.stderr)
    print(
        f"root {Seal.read(made / SEAL).root}: note it, as `longread synth verify` tells it again",
        file=sys.stderr,
    )
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
    from longread.synth.pipeline import find, prove, tried

    made = find(Path(folder), sample)
    if len(made) != 1:
        many = f"{len(made)} samples" if made else "no sample"
        raise UsageError(f"{folder} has {many} whose id begins with '{sample}'; give more of it, or another")
    print(printable(example(made[0])))
    if tries := tried(Path(folder), made[0].sample.id):
        print(
            "\nA model was right "
            + ", ".join(f"{tries[name]} of {tries['of']} {how}" for name, how in _TRIED)
        )
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
    from longread.synth.seal import SEAL, Seal

    count = wrong = 0
    for sample, faults in prove(Path(folder)):
        count += 1
        wrong += bool(faults)
        for check in faults:
            print(printable(f"{sample}: {check.name}: {check.fault}"))
    sealed, found = Seal.read(Path(folder) / SEAL), Seal.of(Path(folder))
    for name in sealed.changed(found):
        print(f"{name}: seal: it is not as it was sealed")
    print(f"{count - wrong:,} of {count:,} samples are proven")
    same = found.root == sealed.root
    print(f"root {found.root}" + ("" if same else f", which was sealed as {sealed.root}"))
    if wrong or not same:
        raise typer.Exit(1)


@contextmanager
def _runner(given: str | None, processes: int | None) -> Iterator[Runner]:
    """Where stages work, as `--runner` says."""
    if given is None:
        from longread.synth.runner import Local

        yield Local(processes or _PROCESSES)
        return
    from longread.errors import UsageError

    if not (named := _RAY.fullmatch(given)):
        raise UsageError(
            f"--runner {given}: there is no such runner; give ray, or ray:auto or ray:HOST:PORT on a machine of "
            "a cluster"
        )
    address = named[1] or ""
    need("ray", "ray", "pandas", "fsspec")
    from longread.synth.ray import joined

    with joined(address, processes or (None if address else _PROCESSES)) as workers:
        yield workers


@contextmanager
def _cast(wished: Wishes, yes: bool) -> Iterator[Cast | None]:
    """Who proposes; nobody unless the command or its file names a model, whatever else is configured."""
    if not wished.asks:
        yield None
        return
    import asyncio

    from longread.config import resolve_settings
    from longread.printable import printable
    from longread.reading.opening import open_policy
    from longread.synth.roles.cast import Cast
    from longread.synth.wishes import CALLS, TRIES

    async def close() -> None:
        await opened.close()

    resolved = resolve_settings(wished.settings)
    settings = resolved.settings
    with asyncio.Runner() as runner:  # the loop that connections belong to
        opened = runner.run(open_policy(settings))
        try:
            for remark in (*resolved.remarks, opened.choice):
                print(printable(remark), file=sys.stderr)
            cast = Cast(
                settings.max_calls or CALLS,
                getattr(opened.policy, "model", None),
                runner.run,
                settings,
                bool(wished.paraphrase),
                TRIES if wished.tries is None else wished.tries,
                wished.tried,
                bool(wished.balance),
            )
            if wished.tries:
                cast.must_try()
            _agree(opened, cast.calls, yes or resolved.capped)
            yield cast
        finally:
            runner.run(close())


def _agree(opened: Opened, calls: int, yes: bool) -> None:
    """Before text goes to another machine that may cost money, the user must want it."""
    from longread.errors import UsageError

    if yes or opened.host is None or opened.free:
        return
    what = f"up to {calls:,} calls with text of the documents would go to {opened.host}"
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{what}; give --yes, or a cap such as --max-calls")
    print(f"{what}. Go on? [y/N] ", file=sys.stderr, end="", flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("nothing was sent", file=sys.stderr)
        raise typer.Exit(1)
