"""Recipes: stages in order, by name, and the command that runs them."""

import json
from pathlib import Path

import pytest
from filelock import FileLock
from safetensors.torch import load_file

from longread.errors import InputError, UsageError
from longread.training.merge import merge
from longread.training.selection import PASSED
from longread.training.stages import plan
from tests.support.cli import Cli
from tests.training.test_trainer import same

SIZES = '[sizes]\nprompts = "start/prompts.toml"\nwindow = 2048\nanswer = 4\nchunk = 64\nnotes = 16\n'
IMITATE = f'kind = "supervised"\ndata = "data"\nsteps = 2\nbatch = 2\nlearning_rate = 1e-2\n{SIZES}'


@pytest.fixture
def recipe(dense: Path, data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "recipe"
    folder.mkdir()
    (folder / "start").symlink_to(dense)
    (folder / "data").symlink_to(data)
    (folder / "1-full.toml").write_text(f'model = "start"\n{IMITATE}mode = "full"\n')
    (folder / "2-memory.toml").write_text(f'{IMITATE}mode = "memory"\n')
    (folder / "3-merged.toml").write_text(
        'kind = "merge"\nbase = "start"\nexperts = ["1-full", "2-memory"]\nselect = 0.5\n'
    )
    (folder / "4-last.toml").write_text(
        f'data = "data"\nsteps = 1\nquestions = 2\nattempts = 2\n{SIZES}mode = "full"\n'
    )
    return folder


def test_a_recipe_runs_in_order_and_each_stage_begins_where_the_one_before_ended(
    recipe: Path, tmp_path: Path, cli: Cli
) -> None:
    out = tmp_path / "out"
    done = cli("train", "run", str(recipe), "--out", str(out))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out / "4-last" / "model")
    merged = tmp_path / "by-hand"
    merge(recipe / "start", [out / "1-full" / "model", out / "2-memory" / "model"], merged, 0.5)
    found = load_file(out / "3-merged" / "model" / "model.safetensors")
    assert same(found, load_file(merged / "model.safetensors"))
    assert not same(found, load_file(recipe / "start" / "model.safetensors"))
    stage = json.loads((out / "2-memory" / "stage.json").read_text())
    assert stage["model"] == str(out / "1-full" / "model")


@pytest.mark.slow
def test_a_run_that_could_not_begin_is_begun_again(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    one = recipe / "1-full.toml"
    right = one.read_text()
    one.write_text(right.replace('data = "data"', 'data = "nowhere"'))
    failed = cli("train", "run", str(one), "--out", str(out))
    assert failed.returncode == 1, failed.stderr
    one.write_text(right)
    with FileLock(out / "lock"):
        waiting = cli("train", "run", str(one), "--out", str(out))
    assert (waiting.returncode, "another process trains" in waiting.stderr) == (2, True)
    done = cli("train", "run", str(one), "--out", str(out))
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_finished_recipe_is_not_run_again(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    out = str(tmp_path / "out")
    assert cli("train", "run", str(recipe), "--out", out).returncode == 0
    refused = cli("train", "run", str(recipe), "--out", out)
    assert (refused.returncode, "--resume" in refused.stderr) == (2, True)
    again = cli("train", "run", str(recipe), "--out", out, "--resume")
    assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.slow
def test_metrics_are_drawn(recipe: Path, tmp_path: Path, cli: Cli) -> None:
    out = tmp_path / "out"
    assert cli("train", "run", str(recipe), "--out", str(out)).returncode == 0
    for stage in ("1-full", "4-last"):
        done = cli("train", "plot", str(out / stage))
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).read_bytes().startswith(b"\x89PNG")
    assert list((out / "4-last").glob("events.out.tfevents*"))
    nothing = cli("train", "plot", str(tmp_path))
    assert (nothing.returncode, "metrics.jsonl" in nothing.stderr) == (1, True)


@pytest.mark.slow
def test_questions_are_selected_by_attempts_that_are_kept(
    dense: Path, data: Path, tmp_path: Path, cli: Cli
) -> None:
    (tmp_path / "start").symlink_to(dense)
    file = tmp_path / "stage.toml"
    stage = f'model = "start"\ndata = "data"\nsteps = 1\nquestions = 4\nattempts = 2\n{SIZES}mode = "full"\n'
    file.write_text(f"{stage}\n[select]\nk = 2\n")
    done = cli("train", "run", str(file), "--out", str(tmp_path / "out"))
    assert done.returncode == 1  # an untrained model solves none
    assert "none is left to draw" in done.stderr
    assert len(json.loads((tmp_path / "out" / PASSED).read_text())) == 24


def test_plans_that_cannot_be_are_told(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no stage files"):
        plan(tmp_path / "empty", tmp_path)
    (recipe / "1-full.toml").write_text(IMITATE)
    with pytest.raises(UsageError, match="first stage"):
        plan(recipe, tmp_path)
