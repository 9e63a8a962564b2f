"""The stub as a process, and what the benchmark asks of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2

from benchmarks.reading.account import Summary
from benchmarks.reading.contenders import ROOT
from benchmarks.reading.stub import Terms


class Server:
    """Runs while the `with` block lasts."""

    def __init__(self, log: Path) -> None:
        self._log = log

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "benchmarks.reading.stub", "--tied", "--log", str(self._log)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self._http = httpx2.Client(base_url=self.url, trust_env=False, timeout=600)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self._process.kill()
        self._process.wait()

    def announce(self, label: str, terms: Terms) -> None:
        """Begins a run, or changes its terms."""
        self._http.post(f"/runs/{label}", content=terms.model_dump_json()).raise_for_status()

    def summary(self, label: str) -> Summary:
        """What a run has cost."""
        return Summary.model_validate_json(self._http.get(f"/runs/{label}").content)

    def stalls(self, label: str) -> bool:
        """Returns once the run has come to its stall; false if it has not within two minutes."""
        try:
            self._http.get(f"/runs/{label}/stalled", timeout=120).raise_for_status()
        except httpx2.TimeoutException:
            return False
        return True
