"""`longread completion`: the script, and what it is answered, by the protocol that the script speaks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli

PROGRAM = Path(sys.executable).with_name("longread")


def completed(line: str, shell: str = "bash") -> list[str]:
    words = line.split(" ")
    asked = {"_LONGREAD_COMPLETE": f"complete_{shell}", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    asked |= {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    done = subprocess.run([PROGRAM], env=os.environ | asked, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_commands_options_and_values_are_completed() -> None:
    assert {"ask", "runs", "models", "doctor", "completion"} <= set(completed("longread "))
    assert completed("longread doctor --qu") == ["--quality"]
    assert {"show", "resume"} <= set(completed("longread runs "))
    assert completed("longread completion z") == ["zsh"]
    assert not any(completed("longread ask question docs"))  # the shell completes files


def test_each_shell_is_answered_in_its_own_way() -> None:
    assert any("--quality\t" in line for line in completed("longread doctor --q", "fish"))
    assert completed("longread doctor --q", "zsh")[0].startswith("_arguments")


@pytest.mark.parametrize(
    ("shell", "first"), [("bash", "_longread"), ("zsh", "#compdef longread"), ("fish", "complete")]
)
def test_the_script_is_printed_and_nothing_is_installed(cli: Cli, shell: str, first: str) -> None:
    done = cli("completion", shell, HOME=str(cli.folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(first)
    assert "_LONGREAD_COMPLETE=complete_" + shell in done.stdout
    assert list(cli.folder.iterdir()) == []


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes_with_the_script(cli: Cli) -> None:
    script = (
        f'PATH="{PROGRAM.parent}:$PATH"; eval "$(longread completion bash)"; '
        "COMP_WORDS=(longread doctor --qu); COMP_CWORD=2; _longread_completion longread; "
        'echo "${COMPREPLY[@]}"; complete -p longread'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", script], env=cli.env, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[0] == "--quality"
    assert "-o default" in done.stdout


def test_another_shell_is_wrong_usage(cli: Cli) -> None:
    done = cli("completion", "tcsh")
    assert done.returncode == 2
    assert "bash" in done.stderr


def test_completing_imports_nothing_heavy() -> None:
    code = (
        "import sys, longread.cli as c\n"
        "try: c.app(prog_name='longread')\n"
        "except SystemExit: pass\n"
        "heavy = {'openai', 'httpx2', 'numpy', 'pypdf', 'lxml', 'longread.config'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    asked = {"_LONGREAD_COMPLETE": "complete_bash", "COMP_WORDS": "longread ", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | asked, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "doctor" in done.stdout
