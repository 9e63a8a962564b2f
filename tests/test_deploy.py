"""What docs/deploy.md prints: what can run here runs against a real llama.cpp, the rest says that it did not."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.servers.llamacpp import needs_llamacpp, path
from tests.servers.real import ending, free_port, wait_for
from tests.support import handbook
from tests.support.cli import Cli
from tests.support.generated import DEPLOYING

MARK = "# not run here"
TOOLS = (
    "vllm",
    "python",
    "pip",
    "llama-server",
    "llama-quantize",
    "ollama",
    "brew",
    "hf",
    "longread",
    "OLLAMA_",
)
PORT = "8080"


def blocks() -> list[tuple[str, str]]:
    """Language and content of each fenced block."""
    return list(handbook.blocks(DEPLOYING))


def indented() -> list[str]:
    """The commands that stand in indented blocks."""
    lines = re.findall(r"^    (\S.*)$", DEPLOYING.read_text(encoding="utf-8"), re.M)
    return [line for line in lines if line.startswith(TOOLS)]


def test_every_command_either_runs_or_says_that_it_does_not() -> None:
    assert len(indented()) > 12
    assert all(line.endswith(MARK) for line in indented())
    for language, content in blocks():
        assert language in ("", "bash", "text"), "blocks of another language are run by no test"
        assert MARK not in content


@pytest.mark.parametrize("line", [line for line in indented() if line.startswith("longread")])
def test_our_own_commands_that_do_not_run_have_options_that_exist(cli: Cli, line: str) -> None:
    words = shlex.split(line.removesuffix(MARK))
    done = cli(*words[1:])  # the checkpoint is not here
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr or "llama-quantize" in done.stderr


class Shell:
    """Runs the page's commands one after the other; servers go on until the end, at a port of their own."""

    def __init__(self, cli: Cli, stack: ExitStack) -> None:
        self._cli, self._stack = cli, stack
        self._port = str(free_port())
        (cli.folder / "bin").mkdir()
        (cli.folder / "bin" / "longread").write_text(f'#!/bin/sh\nexec {sys.executable} -m longread "$@"\n')
        (cli.folder / "bin" / "longread").chmod(0o755)
        self._env = cli.env | {"PATH": f"{cli.folder / 'bin'}{os.pathsep}{path()}"}

    def run(self, line: str) -> str:
        """What a command prints."""
        line = line.replace(f"--port {PORT}", f"--port {self._port}").replace(
            f"localhost:{PORT}", f"localhost:{self._port}"
        )
        if line.startswith("llama-server "):
            self._serve(f"{line} -t 1")
            return ""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self._cli.folder,
            env=self._env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    def _serve(self, line: str) -> None:
        log = self._cli.folder / "log"
        output = self._stack.enter_context(log.open("wb"))
        process = subprocess.Popen(
            shlex.split(line), cwd=self._cli.folder, env=self._env, stdout=output, stderr=output
        )
        self._stack.enter_context(ending(process))
        wait_for(process, f"http://127.0.0.1:{self._port}/health", log)


@pytest.fixture
def shell(cli: Cli) -> Iterator[Shell]:
    with ExitStack() as stack:
        yield Shell(cli, stack)


@pytest.mark.slow
@needs_llamacpp
def test_every_line_runs_as_a_reader_would_type_it(shell: Shell) -> None:
    said = ""
    ran = []
    for language, content in blocks():
        if language == "bash":
            for line in content.splitlines():
                said = shell.run(line)
                ran.append(line.split()[0])
                if "doctor" in line:
                    assert "2,048 as llama.cpp says, for each of 4 requests at once" in said
                    assert "FAIL" not in said
        elif language == "text":
            assert content.strip() in said
    assert {"llama-server", "longread"} <= set(ran)
