from pathlib import Path

import pytest

from longread.synth import dataset
from longread.synth.dataset import Made
from longread.synth.pipeline import Recipe, run
from tests.synth.pages import RECORDS, documents

RECIPE = Recipe(110, (4096, 8192), 7, RECORDS)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished data set of the generated pages; not to be changed."""
    return run(documents(), RECIPE, tmp_path_factory.mktemp("synth") / "made")


@pytest.fixture(scope="session")
def finished(folder: Path) -> list[Made]:
    """Its samples."""
    return [one for shard in dataset.shards(folder) for one in dataset.read_samples(shard)]
