"""The wheel, installed alone in a fresh environment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.generated import ROOT


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_wheel_works_when_installed_alone(cli: Cli, tmp_path: Path) -> None:
    def run(*args: str | Path) -> str:
        done = subprocess.run(args, cwd=tmp_path, env=cli.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", tmp_path, ROOT)
    run(sys.executable, "-m", "venv", tmp_path / "env")
    (wheel,) = tmp_path.glob("longread-*.whl")
    run(tmp_path / "env/bin/pip", "install", "-q", wheel)
    longread = tmp_path / "env/bin/longread"
    (tmp_path / "a.txt").write_text("Acme was founded by Jane Roe.\nJane Roe was born in Turin.\n")
    answer = json.loads(
        run(longread, "ask", "In which city was the founder of Acme born?", "a.txt", "--json")
    )
    assert [c["line"] for c in answer["citations"]] == [1, 2]
    run(
        tmp_path / "env/bin/python",
        "-c",
        "from longread.reading.prompts import *; load_prompts('ledger'); load_prompts('text')",
    )
    local = subprocess.run(
        [longread, "ask", "What?", "a.txt", "--model", "local:x"],
        cwd=tmp_path, env=cli.env, capture_output=True, text=True,
    )  # fmt: skip
    assert local.returncode == 2
    assert "longread[local]" in local.stderr
