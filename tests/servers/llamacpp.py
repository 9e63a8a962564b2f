"""llama.cpp's own server and quantiser: on PATH, or as `make build/llama/.ready` builds them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.real import RealServer, ending, free_port, wait_for

_BUILT = Path(__file__).parents[2] / "build" / "llama" / "tools"
EXACT = ("-fa", "off", "-ctk", "f32", "-ctv", "f32")
"""Without them, attention is rounded to half precision."""


def path() -> str:
    """PATH with the tools that were built here, after all else."""
    return f"{os.environ['PATH']}{os.pathsep}{_BUILT}"


def has_llamacpp() -> bool:
    """Whether the server and the quantiser are there."""
    return all(shutil.which(tool, path=path()) for tool in ("llama-server", "llama-quantize"))


needs_llamacpp = pytest.mark.skipif(
    not has_llamacpp(), reason="there is no llama.cpp: make build/llama/.ready builds it"
)


@contextmanager
def serve_gguf(model: Path, log: Path, *options: str) -> Iterator[RealServer]:
    """Serves a model, under its file's name, on one thread until the block ends."""
    port = free_port()
    command = ["llama-server", "-m", str(model), "--alias", model.stem, "--host", "127.0.0.1"]
    command += ["--port", str(port), "-t", "1", *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "PATH": path()}, stdout=output, stderr=subprocess.STDOUT
        )
        with ending(process):
            wait_for(process, f"http://127.0.0.1:{port}/health", log)
            yield RealServer(f"http://127.0.0.1:{port}/v1", model.stem)
