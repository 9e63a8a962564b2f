"""Runs the command line in a process of its own, away from the user's files."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Cli:
    """`longread` in a folder, with a journal of its own and no model to be found."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """The environment of each process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("LONGREAD_", "OPENAI_"))}
        return kept | {
            "LONGREAD_STATE_DIR": str(self.folder / ".state"),
            "LONGREAD_CONFIG": str(self.folder / ".config.toml"),
            "LONGREAD_DISCOVER": "false",
            "OMP_NUM_THREADS": "1",
        }

    def start(self, *args: str, **more: str) -> subprocess.Popen[str]:
        """Begins a command."""
        return subprocess.Popen(
            [sys.executable, "-m", "longread", *args],
            cwd=self.folder,
            env=self.env | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, *args: str, stdin: bytes = b"", **more: str) -> subprocess.CompletedProcess[str]:
        """Runs a command to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "longread", *args],
            cwd=self.folder,
            env=self.env | more,
            input=stdin,
            capture_output=True,
            timeout=240,
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )
