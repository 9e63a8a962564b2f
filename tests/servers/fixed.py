"""A model server in a process of its own that takes a fixed time for a reply, so many at once: it can be killed.

    python -m tests.servers.fixed SECONDS SLOTS        # prints its address

It sleeps and does not compute, so that several do not fight for the cores.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Self

from tests.servers.model import ModelServer
from tests.servers.scripted import Request
from tests.support import planted


class FixedServer(ModelServer):
    """`planted.read` as a model. What is beyond `slots` waits in line, as at a real server."""

    def __init__(self, seconds: float, slots: int) -> None:
        super().__init__(planted.read)
        self._seconds = seconds
        self._room = asyncio.Semaphore(slots)

    async def _work(self, request: Request) -> None:
        if request.path.endswith("/chat/completions"):
            async with self._room:
                await asyncio.sleep(self._seconds)


class FixedProcess:
    """Such a server while the `with` block lasts, or until it is killed."""

    def __init__(self, seconds: float, slots: int) -> None:
        self._command = [sys.executable, "-m", "tests.servers.fixed", str(seconds), str(slots)]

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
        )
        assert self.process.stdout is not None
        self.base_url = self.process.stdout.readline().strip()
        return self

    def kill(self) -> None:
        """As when the machine fails."""
        self.process.kill()
        self.process.wait(30)

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process.stdout is not None
        self.process.stdout.close()


if __name__ == "__main__":
    with FixedServer(float(sys.argv[1]), int(sys.argv[2])) as served:
        print(served.base_url, flush=True)
        served.join()
