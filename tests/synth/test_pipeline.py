"""Data sets are the same bytes for the same seed, however many processes make them, and after being killed."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from longread.errors import InputError, UsageError
from longread.synth import dataset
from longread.synth.dataset import Made
from longread.synth.pipeline import CARD, PLAN, Progress, Recipe, distinct, find, prove, run
from longread.synth.runner import Local
from longread.synth.seal import SEAL
from longread.synth.types import TYPES
from tests.support.cli import Cli
from tests.synth import pages
from tests.synth.pages import RECORDS, document, documents

SMALL = Recipe(24, (4096,), 3, RECORDS)
ARGS = (
    "synth",
    "run",
    "pages",
    "--target-tokens",
    "4K",
    "--size",
    "60",
    "--seed",
    "3",
    "--types",
    ",".join(RECORDS),
)


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(documents(), SMALL, tmp_path_factory.mktemp("small") / "made")


def test_the_same_seed_gives_the_same_bytes(small: Path, tmp_path: Path):
    assert content(run(documents(), SMALL, tmp_path / "again")) == content(small)
    assert set(content(small)) == {CARD, PLAN, SEAL, dataset.DOCUMENTS, dataset.SAMPLES.format(0)}


@pytest.mark.slow
def test_two_processes_give_the_same_bytes(small: Path, tmp_path: Path):
    assert content(run(documents(), SMALL, tmp_path / "again", runner=Local(2))) == content(small)


def test_another_seed_asks_something_else(small: Path, tmp_path: Path):
    other = run(documents(), Recipe(24, (4096,), 4, RECORDS), tmp_path / "other")
    ids = [{one.sample.id for one in dataset.read_samples(next(dataset.shards(f)))} for f in (small, other)]
    assert len(ids[0] & ids[1]) <= 2
    assert (small / dataset.DOCUMENTS).read_bytes() == (other / dataset.DOCUMENTS).read_bytes()


def test_an_interrupted_run_goes_on_with_what_is_missing(small: Path, tmp_path: Path):
    told: list[Progress] = []

    def stop(progress: Progress) -> None:
        told.append(progress)
        if progress.done in (3, 9):
            raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(documents(), SMALL, tmp_path / "out", stop)
    assert not (tmp_path / "out" / CARD).exists()
    run(documents(), SMALL, tmp_path / "out", stop)
    assert [progress.done for progress in told] == list(range(1, 17))
    assert content(tmp_path / "out") == content(small)


def test_a_finished_folder_is_left_alone(small: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(small, copy)
    (copy / CARD).write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in copy.iterdir()}
    told: list[Progress] = []
    assert run(documents(), SMALL, copy, told.append) == copy
    assert told == [] and before == {path: path.stat().st_mtime_ns for path in copy.iterdir()}


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(25, (4096,), 3, RECORDS),
        Recipe(24, (4096, 8192), 3, RECORDS),
        Recipe(24, (4096,), 4, RECORDS),
        Recipe(24, (4096,), 3, RECORDS[:-1]),
    ],
)
def test_another_recipe_is_refused(small: Path, recipe: Recipe):
    before = content(small)
    with pytest.raises(UsageError, match="holds another data set"):
        run(documents(), recipe, small)
    assert content(small) == before


def test_other_documents_are_refused(small: Path):
    with pytest.raises(UsageError, match="holds another data set"):
        run(documents()[1:], SMALL, small)


def test_a_folder_with_something_else_is_refused(tmp_path: Path):
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        run(documents(), SMALL, tmp_path)
    assert content(tmp_path) == {"note.txt": b"mine"}


def test_documents_that_state_nothing_are_refused(tmp_path: Path):
    prose = [document("Once upon a time there was a river. " * 20, f"{n}.txt", "text") for n in range(3)]
    with pytest.raises(InputError, match="nothing to ask for"):
        run(prose, SMALL, tmp_path / "out")


def test_an_unknown_type_is_refused():
    with pytest.raises(UsageError, match="no type 'riddle'; choose of multi_fact"):
        Recipe(10, (4096,), 0, ("riddle",))


@pytest.mark.parametrize("size", [1, 7, 10, 100, 999])
def test_units_share_the_size_by_weight(size: int):
    units = list(Recipe(size, (4096,), 0).units(lambda _: True))
    assert sum(unit.wanted for unit in units) == size
    assert len(units) == 2 * len(TYPES)
    weights = sum(one.weight for one in TYPES.values())
    for name, one in TYPES.items():
        assert abs(sum(u.wanted for u in units if u.type == name) - size * one.weight / weights) < 1
        wanted = {unit.split: unit.wanted for unit in units if unit.type == name}
        assert wanted["evaluation"] == (wanted["train"] + wanted["evaluation"]) // 10


def test_the_share_of_what_cannot_be_asked_goes_to_the_others():
    units = list(Recipe(100, (4096,), 0).units(lambda name: name in ("temporal", "ordering")))
    assert {(unit.type, unit.wanted) for unit in units} == {
        (name, wanted) for name in ("temporal", "ordering") for wanted in (45, 5)
    }


def test_a_type_of_which_nothing_comes_is_no_harm(tmp_path: Path):
    out = run(documents(), Recipe(24, (4096,), 3), tmp_path / "out")
    made = dataset.read_samples(next(dataset.shards(out)))
    assert made and {one.sample.type for one in made} <= set(RECORDS)


def test_samples_keep_to_contexts_splits_and_balance(folder: Path, finished: list[Made]):
    stored = {one.id: (one, name) for one, name in dataset.read_documents(folder / dataset.DOCUMENTS)}
    assert len({one.sample.id for one in finished}) == len(finished) == 110
    for sample, quotes in finished:
        held = [stored[doc] for doc in sample.documents]
        assert {name for _, name in held} == {sample.split}
        assert sum(-(-len(one.text.encode()) // 4) for one, _ in held) <= 8192
        assert len(set(sample.documents)) == len(sample.documents)
        for (doc, start, end, _), quote in zip(sample.evidence, quotes, strict=True):
            assert doc in sample.documents and stored[doc][0].text[start:end] == quote
        assert sample.task == TYPES[sample.type].task
    for name in ("train", "evaluation"):
        choices = [
            one.sample for one in finished if (one.sample.type, one.sample.split) == ("multiple_choice", name)
        ]
        letters = [sample.answer for sample in choices]
        assert max(map(letters.count, "ABCD")) - min(map(letters.count, "ABCD")) <= 1
    for name in RECORDS[:-1]:
        answers = [one.sample.answer for one in finished if one.sample.type == name]
        assert max(map(answers.count, answers)) <= 2  # one of each split


def test_the_first_of_questions_that_are_nearly_the_same_is_kept(finished: list[Made]):
    one = next(
        made for made in finished if made.sample.type == "in_context" or len(made.sample.question) > 150
    )
    again = Made(replace(one.sample, id=f"{one.sample.id}x", question=f"{one.sample.question} "), one.quotes)
    other = Made(replace(one.sample, id=f"{one.sample.id}y", answer="another"), one.quotes)
    kept, twins = distinct([again, *finished, other])
    assert kept == sorted([*finished, other], key=lambda made: (made.sample.split, made.sample.id))
    assert twins == [(one.sample.type, "nearly the same question")]


def test_files_are_read_as_they_were_written(finished: list[Made], tmp_path: Path):
    dataset.write_samples(tmp_path / "samples.parquet", finished)
    assert dataset.read_samples(tmp_path / "samples.parquet") == finished
    given = documents()
    dataset.write_documents(tmp_path / "documents.parquet", given, {one.id: "train" for one in given})
    assert dataset.read_documents(tmp_path / "documents.parquet") == [(one, "train") for one in given]
    assert not list(tmp_path.glob("*.part"))


def test_what_is_no_data_set_is_told(folder: Path, tmp_path: Path):
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        dataset.read_samples(tmp_path / "bad.parquet")
    with pytest.raises(InputError, match="has no column"):
        dataset.read_samples(folder / dataset.DOCUMENTS)
    with pytest.raises(InputError, match="cannot be read"):
        list(prove(tmp_path))


def test_samples_are_found_by_the_beginning_of_their_id(folder: Path, finished: list[Made]):
    wanted = finished[5]
    assert find(folder, wanted.sample.id[:10]) == [wanted]
    assert len(find(folder, "")) == len(finished) and find(folder, "zz") == []
    assert list(prove(folder, only=wanted.sample.id)) == [(wanted.sample.id, ())]


def _killed(cli: Cli, out: str, processes: str, rng: random.Random) -> None:
    """Starts the command and kills it, and its workers, at a moment that comes after a number of its lines."""
    started = subprocess.Popen(
        [sys.executable, "-m", "longread", *ARGS, "--out", out, "--processes", processes],
        cwd=cli.folder, env=cli.env | {"PYTHONHASHSEED": str(rng.randrange(1_000))},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert started.stderr is not None
    for _ in range(rng.randint(0, 4)):
        started.stderr.readline()
    with contextlib.suppress(subprocess.TimeoutExpired):
        started.wait(rng.uniform(0, 0.3))
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGKILL)
    started.stderr.close()
    started.wait()


@pytest.mark.slow
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_run_killed_three_times_gives_the_same_bytes(cli: Cli, processes: str):
    pages.write(cli.folder)
    rng = random.Random(f"kill:{processes}")
    for _ in range(3):
        _killed(cli, "out", processes, rng)
    done = cli(*ARGS, "--out", "out", "--processes", processes)
    assert (done.returncode, done.stdout) == (0, "out/README.md\n"), done.stderr
    made = content(cli.folder / "out")
    assert set(made) == {CARD, PLAN, SEAL, dataset.DOCUMENTS, dataset.SAMPLES.format(0)}
    whole = cli(*ARGS, "--out", "whole", "--processes", "1", PYTHONHASHSEED="5")
    assert whole.returncode == 0 and content(cli.folder / "whole") == made
