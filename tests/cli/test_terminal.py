"""`longread ask` on a terminal: progress, an answer that streams, and one that breaks off."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from tests.servers.model import ModelServer
from tests.support import planted
from tests.support.cli import Cli

WORLD = planted.plant(12_000, 2, seed=61)


def on_terminal(cli: Cli, *args: str) -> tuple[int, str]:
    """Exit code and all that a terminal of 100 columns was sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "longread", *args],
        cwd=cli.folder, env=cli.env | {"COLUMNS": "100", "TERM": "xterm"}, stdin=theirs, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    sent = b""
    try:
        while data := os.read(ours, 65536):
            sent += data
    except OSError:  # how Linux tells that the other side has closed
        pass
    os.close(ours)
    return process.wait(), sent.decode()


def ask(cli: Cli, server: ModelServer) -> tuple[int, str]:
    (cli.folder / "world.txt").write_text(WORLD.text)
    return on_terminal(
        cli, "ask", WORLD.question, "world.txt", "--model", "scripted", "--base-url", server.base_url,
        "--chunk-tokens", "500", "--window", "8192",
    )  # fmt: skip


def test_progress_is_shown_and_the_answer_streams(cli: Cli) -> None:
    with ModelServer(planted.read) as server:
        code, sent = ask(cli, server)
    assert code == 0
    assert re.search(r"chunk \d+ of \d\d", sent)
    assert "notes" in sent
    assert "ETA" in sent
    end = sent[sent.rindex("chunk ") :]
    assert f"{WORLD.answer} [1][2]" in end
    assert "[2] world.txt:" in end


def test_a_reply_that_breaks_off_is_followed_by_the_whole_one(cli: Cli) -> None:
    broken = []

    def fault(number: int, prompt: str) -> str | None:
        if "Answer the question from the notes" not in prompt or broken:
            return None
        broken.append(number)
        return "drop"

    with ModelServer(planted.read, fault) as server:
        code, sent = ask(cli, server)
    assert code == 0
    assert (
        sent.index("NOTE: half a") < sent.index("the reply broke off") < sent.index(f"{WORLD.answer} [1][2]")
    )
