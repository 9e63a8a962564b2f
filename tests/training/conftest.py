"""A tiny Qwen3 with a tokenizer of whole words, and everything that training needs of it."""

from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from longread.models.local import end_ids, load_checkpoint
from longread.models.turns import Turns
from longread.training.network import Network
from tests.support import lookup


class Tiny(NamedTuple):
    folder: Path
    network: Network
    turns: Turns


def open_tiny(folder: Path) -> Tiny:
    tokenizer, model = load_checkpoint(folder)
    return Tiny(folder, Network(model.eval()), Turns("tiny", tokenizer, end_ids(tokenizer, model)))


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lookup.write_checkpoint(tmp_path_factory.mktemp("tiny") / "dense", layers=2)


@pytest.fixture(scope="session")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lookup.write_checkpoint(tmp_path_factory.mktemp("tiny") / "experts", experts=4, layers=2)


@pytest.fixture(params=["dense", "experts"])
def tiny(request: pytest.FixtureRequest) -> Tiny:
    return open_tiny(request.getfixturevalue(request.param))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set of lookups, as `longread synth` writes them."""
    return lookup.write_data(tmp_path / "data", lookup.cases(24, 1, lines=5))
