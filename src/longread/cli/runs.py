"""`longread runs`: what was read before, how it went, and how to go on."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from longread.reading.journal import Journal, RunRow
    from longread.reading.notes import Entry

EXAMPLES = """\b
Examples:
  longread runs
  longread runs show 3f2a --notes
  longread runs resume 3f2a
"""


def register(app: typer.Typer) -> None:
    """Adds the command group."""
    group = typer.Typer(
        help="List, show and resume runs.",
        epilog=EXAMPLES,
        invoke_without_command=True,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    group.callback()(list_runs)
    group.command("show")(show)
    group.command("resume")(resume)
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
        print(
            f"{row.id}  {_when(row.created)}  {_status(journal, row):<12} {read:>11}  {_clean(row.question, 60)}"
        )


def show(
    run: Annotated[str, typer.Argument(help="Id of a run, or its beginning.")],
    notes: Annotated[bool, typer.Option("--notes", help="Print the notes as they grew.")] = False,
) -> None:
    """Show a run: question, documents, progress, answer and evidence."""
    from longread.cli.output import evidence, summary
    from longread.cli.terminal import printable

    journal = _journal()
    row = journal.get(journal.resolve(run))
    documents = journal.documents(row.id)
    print(f"run       {row.id}, {_when(row.created)}, {_status(journal, row)}")
    print(f"question  {_clean(row.question, 500)}")
    print(f"model     {_clean(row.model, 200)}, strategy {row.strategy or '-'}")
    sources = [_clean(source, 80) for source in list(documents.values())[:3]]
    more = f" and {len(documents) - 3:,} more" if len(documents) > 3 else ""
    print(f"documents {len(documents):,}: {', '.join(sources)}{more}")
    print(f"read      {row.steps:,} of {row.total or 0:,} chunks, {row.noted:,} noted")
    if row.error:
        print(f"ended     {_clean(row.error, 500)}")
    if notes:
        _print_notes(journal, row.id, documents)
    if row.answer:
        print(f"\n{printable(row.answer.text)}\n\n{evidence(row.answer)}")
        print(f"\n{summary(row.answer)}")
    elif row.status != "done":
        print(f"\ngo on with: longread runs resume {row.id}")


def resume(
    run: Annotated[str, typer.Argument(help="Id of a run, or its beginning.")],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Go on with a run that was interrupted, stopped or failed; no finished call is made again."""
    from longread.cli.ask import execute
    from longread.errors import UsageError

    journal = _journal()
    row = journal.get(journal.resolve(run))
    stdin = journal.stdin(row.id)
    journal.close()
    if not row.command:
        raise UsageError(f"run {row.id} was made by a program; ask its question again there")
    execute(row.command, stdin=stdin, as_json=json, resumes=row.id)


def _journal() -> Journal:
    from longread.config import load_settings
    from longread.reading.journal import Journal

    return Journal(load_settings().state_dir)


def _print_notes(journal: Journal, id: str, documents: dict[str, str]) -> None:
    for step in journal.steps(id):
        marks = [o for o in step.operations if o["kind"] in ("replace", "expire")]
        if not (step.added or step.dropped or marks or step.memory):
            continue
        print(f"\nchunk {step.chunk + 1}")
        for entry in step.added:
            print(f"  + {_entry(entry, documents)}")
        for operation in marks:
            wish = "to be brought up to date" if operation["kind"] == "replace" else "to be dropped"
            print(f"  ~ [n{operation['id']}] was asked {wish}")
        for entry in step.dropped:
            print(f"  - {_entry(entry, documents)} (dropped: notes were full)")
        if step.memory:
            print(f"  memory: {_clean(step.memory, 2000)}")
        if step.plan:
            print(f"  plan: {_clean(step.plan, 300)}")


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
    from longread.cli.terminal import printable

    line = printable(" ".join(text.split()))
    return line if len(line) <= width else line[: width - 1] + "…"
