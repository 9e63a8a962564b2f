from pathlib import Path

import pytest

from tests.servers.fixtures import hub, real_server, tiny_checkpoint
from tests.support.cli import Cli

__all__ = ["cli", "hub", "real_server", "tiny_checkpoint"]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    return Cli(tmp_path)
