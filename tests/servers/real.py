"""`transformers serve` over the tiny checkpoint: a real OpenAI-compatible server, written by others."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tests.servers.checkpoint import REPOSITORY

_START_SECONDS = 120


class RealServer(NamedTuple):
    base_url: str
    model: str


@contextmanager
def serve_checkpoint(hub: Path, log: Path, *options: str) -> Iterator[RealServer]:
    """Serves REPOSITORY out of the cache at `hub` until the block ends. It answers one at a time."""
    port = free_port()
    environment = {
        **os.environ,
        "HF_HUB_CACHE": str(hub),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    command = [str(Path(sys.executable).with_name("transformers")), "serve", REPOSITORY]
    command += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        with ending(process):
            wait_for(process, f"http://127.0.0.1:{port}/health", log)
            yield RealServer(f"http://127.0.0.1:{port}/v1", REPOSITORY)


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends a server with the block."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], health: str, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(health, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"the server does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
