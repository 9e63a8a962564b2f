"""`longread ask`: the main job."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from longread.cli.output import Display
    from longread.config import Settings
    from longread.reading.journal import Journal
    from longread.types import Answer, Corpus

EXAMPLES = """\b
Examples:
  longread ask "Who signed the lease, and until when does it run?" contracts/
  longread ask "Which function retries a failed upload?" src/ --include "*.py"
  longread ask "What changed in March?" report.pdf --model qwen3 --base-url http://localhost:8000/v1
  git log -p | longread ask "When was the cache removed, and why?" -
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLES)(ask)


def ask(
    question: Annotated[str, typer.Argument(help="The question, in quotes.")],
    paths: Annotated[list[str], typer.Argument(help="Files, folders, or - for standard input.")],
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-m",
            help="A model at --base-url, local:PATH for a checkpoint, or extractive for none.",
        ),
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(help="An OpenAI-compatible endpoint, such as http://localhost:8000/v1.")
    ] = None,
    strategy: Annotated[
        str | None, typer.Option(help="auto, full (one pass), sequential (with notes), search (retrieval).")
    ] = None,
    truncate: Annotated[
        str | None, typer.Option(help="middle: lets --strategy full cut too long a text in the middle.")
    ] = None,
    include: Annotated[
        list[str] | None, typer.Option(help="Read only files that match; may be repeated.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Leave out files that match; may be repeated.")
    ] = None,
    prompts: Annotated[
        str | None, typer.Option(help="Prompt set and note format: ledger, text, or a TOML file.")
    ] = None,
    window: Annotated[int | None, typer.Option(help="Tokens the model can take.")] = None,
    chunk_tokens: Annotated[int | None, typer.Option(help="Tokens read at once.")] = None,
    notes_tokens: Annotated[int | None, typer.Option(help="Tokens that notes may take.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Any other setting; may be repeated."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read again although the answer is known.")] = False,
) -> None:
    """Answer a question from documents of any length, with citations.

    The answer and its evidence go to standard output, everything else to standard error. A run that was
    interrupted goes on when the same command is given again. Exit codes: 0 answered, 1 failure, 2 wrong
    usage, 3 not in the documents, 4 stopped at a cap, 130 interrupted.
    """
    from longread.errors import UsageError

    if truncate not in (None, "middle"):
        raise UsageError(f"--truncate {truncate}: the only way is 'middle'")
    if truncate and strategy != "full":
        raise UsageError("--truncate belongs to --strategy full; the other strategies read all of the text")
    settings: dict[str, Any] = {
        "model": model,
        "base_url": base_url,
        "strategy": strategy,
        "prompts": str(Path(prompts).resolve()) if prompts and Path(prompts).is_file() else prompts,
        "window": window,
        "chunk_tokens": chunk_tokens,
        "notes_tokens": notes_tokens,
    }
    settings = {name: value for name, value in settings.items() if value is not None} | assignments(
        set_ or []
    )
    command = {
        "question": question,
        "paths": paths,
        "include": include or [],
        "exclude": exclude or [],
        "truncate": truncate == "middle",
        "settings": settings,
        "folder": str(Path.cwd()),
    }
    if "-" in paths and sys.stdin is None:
        raise UsageError("- stands for standard input, which is closed")
    stdin = sys.stdin.buffer.read() if "-" in paths else None
    execute(command, stdin=stdin, as_json=json, fresh=fresh)


def assignments(pairs: list[str]) -> dict[str, Any]:
    """`--set NAME=VALUE` as a mapping."""
    from longread.config import Settings, parse_value
    from longread.errors import UsageError

    values = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in Settings.model_fields:
            raise UsageError(f"--set {pair}: give NAME=VALUE with one of {', '.join(Settings.model_fields)}")
        if name == "api_key":
            raise UsageError(
                "--set api_key: a key on the command line is seen by others; put it in LONGREAD_API_KEY "
                "or in the configuration file"
            )
        values[name] = parse_value(name, value)
    return values


def execute(
    command: dict[str, Any],
    *,
    stdin: bytes | None = None,
    as_json: bool = False,
    fresh: bool = False,
    resumes: str | None = None,
) -> None:
    """Runs a command as the journal keeps it, prints its answer, and exits with its code.

    `resumes` is the run that must go on.
    """
    import asyncio
    import io

    from longread.cli.output import Display
    from longread.config import load_settings
    from longread.documents.load import load
    from longread.errors import InputError
    from longread.reading.journal import Journal
    from longread.reading.strategies import get_strategy

    settings = load_settings(command["settings"])  # before the folder changes: state_dir may be relative
    try:
        os.chdir(command["folder"])
    except OSError as error:
        raise InputError(f"the folder {command['folder']} cannot be entered: {error.strerror}") from error
    if settings.strategy != "auto":
        get_strategy(settings.strategy)  # a wrong name is told before anything is read
    with Display(as_json=as_json) as display:
        journal = Journal(settings.state_dir)
        corpus = load(
            *command["paths"],
            include=command["include"],
            exclude=command["exclude"],
            stdin=io.BytesIO(stdin) if stdin is not None else None,
        )
        display.loaded(corpus)
        answer = asyncio.run(_read(command, settings, corpus, journal, display, stdin, fresh, resumes))
        journal.close()
    raise typer.Exit(0 if answer.answered else 3)


async def _read(
    command: dict[str, Any],
    settings: Settings,
    corpus: Corpus,
    journal: Journal,
    display: Display,
    stdin: bytes | None,
    fresh: bool,
    resumes: str | None,
) -> Answer:
    import asyncio

    from longread.errors import LongreadError
    from longread.reading.events import Started
    from longread.reading.opening import open_policy
    from longread.reading.reader import Reader

    opened = await open_policy(settings)
    display.say(opened.choice)
    # All settings, so that the run goes on in the same way wherever it is resumed; never the key.
    command["settings"] = settings.model_dump(mode="json", exclude={"api_key", "state_dir"})
    command["settings"] |= {name: value for name, value in opened.resolved.items() if value is not None}
    reader = Reader(opened.policy, strategy=settings.strategy, truncate=command["truncate"], journal=journal)
    events = reader.read(
        command["question"], corpus, fresh=fresh, resume=resumes, command=command, stdin=stdin
    )
    run_id = None
    try:
        async for event in events:
            if isinstance(event, Started):
                run_id = event.run_id
            display.show(event)
    except (LongreadError, KeyboardInterrupt, asyncio.CancelledError) as error:
        display.stop()
        if run_id:
            display.say(f"what was read is kept; go on with: longread runs resume {run_id}")
        if isinstance(error, LongreadError):
            raise
        raise typer.Exit(130) from None
    finally:
        await opened.close()
    assert display.answer is not None
    return display.answer
