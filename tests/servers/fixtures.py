"""Session fixtures; a conftest imports them by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.checkpoint import make_checkpoint
from tests.servers.real import RealServer, serve_checkpoint


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="session")
def tiny_checkpoint(hub: Path) -> Path:
    """Folder of a tiny Qwen3 chat checkpoint with random weights."""
    return make_checkpoint(hub)


@pytest.fixture(scope="session")
def real_server(
    hub: Path, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealServer]:
    """A real OpenAI-compatible server over that checkpoint. It answers one request after another."""
    with serve_checkpoint(hub, tmp_path_factory.mktemp("serve") / "log") as server:
        yield server
