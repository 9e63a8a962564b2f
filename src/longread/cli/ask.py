"""`longread ask`: the main job."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from longread.cli.options import Assignments, BaseUrl, Model, Window

_MOST_QUESTIONS = 1_000_000
"""Bytes of a file of questions."""

EXAMPLES = """\b
Examples:
  longread ask "Who signed the lease, and until when does it run?" contracts/
  longread ask "Which function retries a failed upload?" src/ --include "*.py"
  longread ask "What changed in March?" report.pdf --model qwen3 --base-url http://localhost:8000/v1
  longread ask --question "Who is the client?" --question "What is the fee?" contracts/ --json
  longread ask --continue "And when does it end?"
  longread ask "Which paper reports the largest effect?" papers/ --dry-run
  git log -p | longread ask "When was the cache removed, and why?" -
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLES)(ask)


def ask(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[QUESTION] PATH",
            help="The question, in quotes, then files, folders, or - for standard input. With --question or "
            "--questions all are paths; with --continue there are none.",
            show_default=False,
        ),
    ] = None,
    question: Annotated[
        list[str] | None,
        typer.Option("--question", "-q", help="A question; repeat it to have several answered in one read."),
    ] = None,
    questions: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with one question a line; # begins a comment.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--continue", "-c", help="Follow up on the last run: its documents, notes and answer."),
    ] = False,
    model: Model = None,
    base_url: BaseUrl = None,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="auto, full (one pass), search (retrieval), or with notes: sequential, speculative, rounds."
        ),
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
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail when any file cannot be read, instead of naming it.")
    ] = False,
    prompts: Annotated[
        str | None, typer.Option(help="Prompt set and note format: ledger, text, or a TOML file.")
    ] = None,
    window: Window = None,
    chunk_tokens: Annotated[int | None, typer.Option(help="Tokens read at once.")] = None,
    notes_tokens: Annotated[int | None, typer.Option(help="Tokens that notes may take.")] = None,
    set_: Assignments = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take (calls, tokens, time, cost) and stop.")
    ] = False,
    max_calls: Annotated[int | None, typer.Option(help="Stop before a call beyond so many.")] = None,
    max_total_tokens: Annotated[
        int | None, typer.Option(help="Stop before a call that would use more, input and output together.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Stop when the calls have cost so much; needs the setting `price`.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Read much text at a remote endpoint without being asked.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, or a list with --question and --questions.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Read again although the answer is known.")] = False,
) -> None:
    """Answer a question from documents of any length, with citations.

    The answer and its evidence go to standard output, everything else to standard error. A run that was
    interrupted goes on when the same command is given again. Exit codes: 0 answered, 1 failure, 2 wrong
    usage, 3 not in the documents, 4 stopped at a cap, 130 interrupted.
    """
    from longread.cli.asking import execute
    from longread.cli.overrides import address, assignments, caps, given
    from longread.errors import UsageError

    if truncate not in (None, "middle"):
        raise UsageError(f"--truncate {truncate}: the only way is 'middle'")
    if truncate and strategy != "full":
        raise UsageError("--truncate belongs to --strategy full; the other strategies read all of the text")
    asked = [*(question or []), *(_questions(questions) if questions is not None else [])]
    paths = list(arguments or [])
    listed = bool(asked)
    if not listed:
        if not paths:
            raise UsageError(
                'nothing is asked: give a question in quotes and a path, as in: ask "Who …?" docs/'
            )
        asked = [paths.pop(0)]
    if not all(one.strip() for one in asked):
        raise UsageError("a question is empty; give one in quotes before the paths")
    settings: dict[str, Any] = {
        "model": model,
        "base_url": address(base_url),
        "strategy": strategy,
        "prompts": str(Path(prompts).resolve()) if prompts and Path(prompts).is_file() else prompts,
        "window": window,
        "chunk_tokens": chunk_tokens,
        "notes_tokens": notes_tokens,
    } | caps(max_calls, max_total_tokens, max_cost)
    settings = given(settings) | assignments(set_ or [])
    if follow:
        if paths or include or exclude:
            raise UsageError(
                f"--continue reads the documents of the last run again; leave out {' '.join(paths) or 'the filters'}"
            )
        command, stdin = _followed(settings)
        command |= {
            "questions": asked,
            "listed": listed,
            "strict": strict or command.get("strict", False),
            "truncate": truncate == "middle" or command["truncate"],
            "settings": command["settings"] | settings,
        }
    else:
        if not paths:
            after = "" if listed else f" after the question '{asked[0]}'"
            raise UsageError(f"nothing to read: name files or folders{after}, such as . for this one")
        if "-" in paths and sys.stdin is None:
            raise UsageError("- stands for standard input, which is closed")
        stdin = sys.stdin.buffer.read() if "-" in paths else None
        command = {
            "questions": asked,
            "listed": listed,
            "paths": paths,
            "include": include or [],
            "exclude": exclude or [],
            "strict": strict,
            "truncate": truncate == "middle",
            "settings": settings,
            "folder": _folder(),
        }
    execute(command, stdin=stdin, as_json=json, fresh=fresh, dry_run=dry_run, yes=yes)


def _folder() -> str:
    from longread.errors import UsageError

    try:
        return str(Path.cwd())
    except OSError as error:
        raise UsageError(f"the current folder cannot be used: {error.strerror}; go to another one") from error


def _questions(path: str) -> list[str]:
    """The questions of a file, one a line."""
    from longread.errors import UsageError

    try:
        with Path(path).open("rb") as file:
            text = file.read(_MOST_QUESTIONS + 1)
        lines = [line.strip() for line in text.decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise UsageError(f"--questions {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--questions {path}: it is not UTF-8 text; give one question a line") from error
    if len(text) > _MOST_QUESTIONS:
        raise UsageError(f"--questions {path}: it is larger than {_MOST_QUESTIONS:,} bytes")
    asked = [line for line in lines if line and not line.startswith("#")]
    if not asked:
        raise UsageError(f"--questions {path}: it holds no question; give one a line")
    return asked


def _followed(settings: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """The command of the last run, and what it read from standard input."""
    from longread.config import load_settings
    from longread.errors import UsageError
    from longread.reading.journal import Journal

    journal = Journal(load_settings(settings).state_dir)
    row = journal.latest()
    if row is None or not row.command:
        what = "there is no run yet" if row is None else f"the last run, {row.id}, was made by a program"
        raise UsageError(f"nothing to follow up on: {what}; give a question and a path")
    stdin = journal.stdin(row.id)
    journal.close()
    return {**row.command, "follows": row.id}, stdin
