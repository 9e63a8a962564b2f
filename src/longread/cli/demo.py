"""`longread demo`: the main job on text that every machine with Python has."""

from __future__ import annotations

from typing import Annotated

import typer

QUESTION = "Which exception does subprocess raise when a timeout expires, and which class is its base?"


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(demo)


def demo(
    question: Annotated[str, typer.Argument(help="Another question about Python's source.")] = QUESTION,
) -> None:
    """Answer a question from the source of this machine's Python standard library, without a model."""
    import sysconfig
    from pathlib import Path

    from longread.cli.ask import execute

    library = sysconfig.get_path("stdlib")
    print(f"$ longread ask --model extractive {question!r} {library}\n")
    command = {
        "question": question,
        "paths": [library],
        "include": ["*.py"],
        "exclude": ["site-packages/", "dist-packages/"],
        "truncate": False,
        "settings": {"model": "extractive", "strategy": "sequential"},
        "folder": str(Path.cwd()),
    }
    execute(command, stdin=None, as_json=False, fresh=True)
