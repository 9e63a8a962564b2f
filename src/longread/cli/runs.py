"""`longread runs`: what was read before, how it went, and how to go on."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from longread.reading.journal import Journal, RunRow
    from longread.reading.notes import Entry

EXAMPLES = """\b
Examples:
  longread runs
  longread runs show 3f2a --notes
  longread runs resume 3f2a
  longread runs export 3f2a > report.md
"""

_SHOW = """\b
Examples:
  longread runs show 3f2a
  longread runs show 3f2a --notes
  longread runs show 3f2a --calls | less
"""
_RESUME = """\b
Examples:
  longread runs resume 3f2a
  longread runs resume 3f2a --max-calls 500
"""
_EXPORT = """\b
Examples:
  longread runs export 3f2a > report.md
  longread runs export 3f2a --format json | jq .notes
"""
_DELETE = """\b
Examples:
  longread runs delete 3f2a 90c1
  longread runs delete --older-than 30
"""
RunId = Annotated[str, typer.Argument(help="Id of a run, or its beginning.")]


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="List, show, resume, export and delete runs.",
        epilog=EXAMPLES,
        invoke_without_command=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.callback()(list_runs)
    group.command("show", epilog=_SHOW)(show)
    group.command("resume", epilog=_RESUME)(resume)
    group.command("export", epilog=_EXPORT)(export)
    group.command("delete", epilog=_DELETE)(delete)
    app.add_typer(group, name="runs")


def list_runs(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, help="How many to list, newest first.")] = 20,
) -> None:
    """List runs, newest first; `show` and `resume` take an id or the beginning of one."""
    if context.invoked_subcommand:
        return
    journal = _journal()
    rows = journal.list(limit)
    if not rows:
        print("no runs yet; `longread ask QUESTION PATH` makes one", file=sys.stderr)
    for row in rows:
        read = f"{row.steps}/{row.total}" if row.total else "-"
        print(f"{row.id}  {_when(row.created)}  {_status(journal, row):<12} {read:>11}  {_title(row)}")


def show(
    run: RunId,
    notes: Annotated[bool, typer.Option("--notes", help="Print the notes as they grew.")] = False,
    calls: Annotated[
        bool, typer.Option("--calls", help="Print the prompt and the reply of each call to the model.")
    ] = False,
) -> None:
    """Show a run: questions, documents, progress, answers and evidence."""
    from longread.cli.output import evidence
    from longread.printable import printable
    from longread.reading.objects import summary

    journal = _journal()
    row = journal.get(journal.resolve(run))
    documents = journal.documents(row.id)
    print(f"run       {row.id}, {_when(row.created)}, {_status(journal, row)}")
    for question in row.questions:
        print(f"question  {_clean(question, 500)}")
    if row.parent:
        print(f"follows   {row.parent}")
    print(f"model     {_clean(row.model, 200)}, strategy {row.strategy or '-'}")
    sources = [_clean(source, 80) for source in list(documents.values())[:3]]
    more = f" and {len(documents) - 3:,} more" if len(documents) > 3 else ""
    print(f"documents {len(documents):,}: {', '.join(sources)}{more}")
    skipped = f", {row.skipped:,} skipped" if row.skipped else ""
    print(f"read      {row.steps:,} of {row.total or 0:,} chunks, {row.noted:,} noted{skipped}")
    if row.error:
        print(f"ended     {_clean(row.error, 500)}")
    if notes:
        _print_notes(journal, row, documents)
    if calls:
        _print_calls(journal, row)
    for number, answer in enumerate(row.answers, 1):
        head = f"{number}. {_clean(answer.question, 500)}\n" if len(row.answers) > 1 else ""
        print(f"\n{head}{printable(answer.text)}")
        if answer.citations:
            print(f"\n{evidence(answer)}")
    if row.answers:
        print(f"\n{summary(row.answers[0])}")
    elif row.status != "done":
        print(f"\ngo on with: longread runs resume {row.id}")


def resume(
    run: RunId,
    max_calls: Annotated[int | None, typer.Option(help="A higher cap than the run stopped at.")] = None,
    max_total_tokens: Annotated[int | None, typer.Option(help="The same for tokens.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="The same for cost.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Read much text at a remote endpoint without being asked.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Go on with a run that was interrupted, stopped or failed; no finished call is made again."""
    from longread.cli.asking import execute
    from longread.cli.overrides import caps

    journal = _journal()
    row = journal.get(journal.resolve(run))
    stdin = journal.stdin(row.id)
    journal.close()
    command = _command(row)
    command["settings"] |= caps(max_calls, max_total_tokens, max_cost)
    execute(command, stdin=stdin, as_json=json, resumes=row.id, yes=yes)


def delete(
    runs: Annotated[list[str] | None, typer.Argument(help="Ids of runs, or their beginnings.")] = None,
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", min=0, help="Delete all runs not touched for so many days."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Delete all runs.")] = False,
) -> None:
    """Delete runs for good: questions, notes, replies, answers, and what came from standard input."""
    from longread.errors import UsageError

    if bool(runs) + (older_than is not None) + everything != 1:
        raise UsageError("say which runs to delete: their ids, --older-than DAYS, or --all")
    journal = _journal()
    if runs:
        for id in dict.fromkeys([journal.resolve(run) for run in runs]):
            journal.delete(id)
            print(f"deleted {id}", file=sys.stderr)
    else:
        deleted = journal.prune(older_than if older_than is not None else 0.0, None)
        print(f"deleted {deleted:,} {'run' if deleted == 1 else 'runs'}", file=sys.stderr)
    journal.compact()


def export(
    run: RunId,
    format: Annotated[str, typer.Option(help="markdown or json.")] = "markdown",
) -> None:
    """Print a run as a document: questions, answers, evidence, notes, and how it was read."""
    from longread.cli.output import print_json
    from longread.errors import UsageError
    from longread.reading.export import as_markdown, as_record

    if format not in ("markdown", "json"):
        raise UsageError(f"--format {format}: choose markdown or json")
    journal = _journal()
    row = journal.get(journal.resolve(run))
    if format == "json":
        print_json(as_record(journal, row))
    else:
        print(as_markdown(journal, row))


def _journal() -> Journal:
    from longread.config import load_settings
    from longread.reading.journal import Journal

    return Journal(load_settings().state_dir)


_WISHES = {"replace": "to be brought up to date", "expire": "to be dropped", "pin": "to be kept"}
"""What an operation asks for an earlier note."""


def _print_notes(journal: Journal, row: RunRow, documents: dict[str, str]) -> None:
    for step in journal.steps(row.id):
        marks = [o for o in step.operations if o["kind"] in _WISHES]
        written = step.memory if step.operations or step.chunk < 0 else ""  # else it is what it was
        if not (step.added or step.dropped or marks or step.refused or written):
            continue
        whose = f", question {step.question + 1}" if len(row.questions) > 1 else ""
        after = "all notes together" if step.position >= 0 else f"from run {row.parent}"
        print(f"\nchunk {step.chunk + 1}{whose}" if step.chunk >= 0 else f"\n{after}{whose}")
        for entry in step.added:
            print(f"  + {_entry(entry, documents)}")
        for operation in marks:
            print(f"  ~ [n{operation['id']}] was asked {_WISHES[operation['kind']]}")
        for refused in step.refused:
            print(f"  - {_clean(refused.said, 300)} (refused: {refused.why})")
        for entry in step.dropped:
            print(f"  - {_entry(entry, documents)} (dropped: notes were full)")
        if written:
            print(f"  memory: {_clean(written, 2000)}")
        if step.plan:
            print(f"  plan: {_clean(step.plan, 300)}")


def _print_calls(journal: Journal, row: RunRow) -> None:
    """Reads the documents again and plays the run back over them."""
    import asyncio

    from longread.cli.asking import reread
    from longread.printable import printable

    number = 0
    for number, call in enumerate(asyncio.run(reread(journal, row, _command(row))), 1):
        used = call.reply.usage
        known = [
            "?" if tokens is None else f"{tokens:,}" for tokens in (used.input_tokens, used.output_tokens)
        ]
        print(f"\n── call {number}: {known[0]} tokens in, {known[1]} out, ended with {call.reply.finish}")
        for message in call.messages:
            print(f"── {message.role}\n{printable(message.text)}")
        if call.reply.thinking:
            print(f"── thinking\n{printable(call.reply.thinking)}")
        print(f"── reply\n{printable(call.reply.text)}")
    if not number:
        print("\nno calls were made")


def _command(row: RunRow) -> dict[str, Any]:
    from longread.errors import UsageError

    if not row.command:
        raise UsageError(f"run {row.id} was made by a program; ask its question again there")
    return row.command


def _title(row: RunRow) -> str:
    more = f" and {len(row.questions) - 1} more" if len(row.questions) > 1 else ""
    return _clean(row.questions[0], 60 - len(more)) + more


def _entry(entry: Entry, documents: dict[str, str]) -> str:
    where = _clean(documents.get(entry.span.doc, "?"), 80) if entry.span else "unverified"
    quote = f' "{_clean(entry.quote, 200)}"' if entry.quote and entry.quote != entry.claim else ""
    return f"[n{entry.id}] {_clean(entry.claim, 200)}{quote} ({where})"


def _status(journal: Journal, row: RunRow) -> str:
    if row.status == "running" and not journal.busy(row.id):
        return "killed"
    return row.status


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _clean(text: str, width: int) -> str:
    from longread.printable import printable

    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"
