"""The command line: one module a command. Heavy imports are made when a command runs, never for `--help`."""

from __future__ import annotations

import errno
import io
import os
import sys

import typer

from longread.cli import (
    ask,
    completion,
    config,
    demo,
    doctor,
    evals,
    export,
    mcp,
    merge,
    models,
    runs,
    serve,
    synth,
    train,
)
from longread.errors import LongreadError

EXAMPLES = """\b
Examples:
  longread demo
  longread ask "Where is the retry limit set?" src/
"""

app = typer.Typer(
    name="longread",
    help="Ask questions of documents far larger than any context window, and get answers with citations.",
    epilog=EXAMPLES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
ask.register(app)
runs.register(app)
evals.register(app)
synth.register(app)
train.register(app)
merge.register(app)
export.register(app)
config.register(app)
models.register(app)
doctor.register(app)
mcp.register(app)
serve.register(app)
demo.register(app)
completion.register(app)


def _version(show: bool) -> None:
    if show:
        from importlib.metadata import version

        typer.echo(f"longread {version('longread')}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and exit."
    ),
) -> None: ...


def main() -> None:
    """Entry point: every error a user can act on is one line on stderr and an exit code."""
    # A stream that the caller closed is None; what is printed to it goes nowhere.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # documents hold characters that a terminal may not
    try:
        app()
    except LongreadError as error:
        from longread.printable import printable

        print(f"longread: {printable(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(1)  # whoever read our output has gone; nothing is left to say
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        print(f"longread: the output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(1)  # without flushing again what could not be written
