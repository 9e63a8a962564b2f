"""`longread demo`: the main job on text that every machine with Python has."""

from __future__ import annotations

from typing import Annotated

import typer

QUESTION = "What is the request_queue_size of the class that http.server's ThreadingHTTPServer is built on?"

EXAMPLES = """\b
Examples:
  longread demo
"""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command(epilog=EXAMPLES)(demo)


def demo(
    question: Annotated[str, typer.Argument(help="Another question about Python's source.")] = QUESTION,
) -> None:
    """Answer a question from the source of this machine's Python standard library, without a model."""
    import sysconfig

    from longread.cli.asking import execute

    library = sysconfig.get_path("stdlib")
    print(f"$ cd {library}\n$ longread ask {question!r} . --include '*.py' --model extractive\n", flush=True)
    command = {
        "questions": [question],
        "paths": ["."],
        "include": ["*.py"],
        "exclude": ["site-packages/", "dist-packages/"],
        "truncate": False,
        "settings": {"model": "extractive", "strategy": "sequential"},
        "folder": library,  # so that evidence is named as socketserver.py:123
    }
    execute(command, fresh=True)
