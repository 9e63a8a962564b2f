"""`longread completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import os
from enum import StrEnum
from typing import Annotated

import typer

_VARIABLE = "_LONGREAD_COMPLETE"
"""By which the script asks; the name is typer's."""

EXAMPLES = """\b
Examples:
  longread completion bash >> ~/.bashrc
  longread completion zsh > ~/.zfunc/_longread     # a folder of your $fpath
  longread completion fish > ~/.config/fish/completions/longread.fish
"""


class Shell(StrEnum):
    """Shells there is a script for."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"


def register(app: typer.Typer) -> None:
    """Adds the command, and answers when a shell's script asks."""
    app.command("completion", epilog=EXAMPLES)(completion)
    if _VARIABLE in os.environ:
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # typer learns to speak to shells by it


def completion(shell: Annotated[Shell, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print a script for your shell; nothing is installed. It takes effect in a new terminal."""
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    print(get_completion_script(prog_name="longread", complete_var=_VARIABLE, shell=shell.value))
