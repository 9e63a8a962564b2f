"""Synthesis on a real Ray gives the bytes of one process, whoever is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from longread.synth.pipeline import CARD, Progress, Recipe, run
from tests.support.cli import Cli
from tests.synth import pages

pytest.importorskip("ray")

from longread.synth.ray import OnRay, joined
from longread.synth.runner import I, K, M, Work

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROOT = Path(__file__).parents[2]
TYPES = ("temporal", "ordering", "numerical")
RECIPE = Recipe(24, (4096,), 3, TYPES)
ARGS = (
    *("synth", "run", "pages", "--out", "out", "--target-tokens", "4K", "--size", "24", "--seed", "3"),
    *("--types", ",".join(TYPES)),
)
DOCUMENTS = sorted(pages.documents(), key=lambda one: one.source)
UNITS = 6


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one process makes."""
    return content(run(DOCUMENTS, RECIPE, tmp_path_factory.mktemp("alone") / "out"))


@pytest.fixture(scope="module")
def runner() -> Iterator[OnRay]:
    """Two workers, which know this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT), prepend=os.pathsep)
        with joined("", 2) as found:
            yield found


def test_two_workers_give_the_bytes_of_one_process(runner: OnRay, alone: dict[str, bytes], tmp_path: Path):
    told: list[Progress] = []
    assert content(run(DOCUMENTS, RECIPE, tmp_path / "out", told.append, runner)) == alone
    assert [progress.done for progress in told] == list(range(1, UNITS + 1))


class Watched(OnRay):
    """Each worker tells a pipe its process, once it has done its work and before it hands it in; one waits there."""

    pipe: str

    def map(self, work: Work[K, I, M], shared: K, items: Sequence[I], together: int = 1) -> Iterator[M]:
        yield from super().map(_watched, (work, shared, self.pipe, together), items, together)  # type: ignore[arg-type]


def _watched(all_: tuple[Any, ...]) -> Callable[[Any], Any]:
    work, shared, pipe, together = all_
    do = work(shared)

    def watched(item: object) -> Any:
        made = do(item)
        try:
            Path(f"{pipe}.{together}").touch(exist_ok=False)
        except FileExistsError:
            return made
        Path(pipe).write_text(f"{os.getpid()}\n")
        signal.pause()  # until it is killed
        return None

    return watched


def test_a_killed_worker_loses_nothing(runner: OnRay, alone: dict[str, bytes], tmp_path: Path):
    watched = Watched(runner.workers)
    object.__setattr__(watched, "pipe", str(tmp_path / "pipe"))
    os.mkfifo(watched.pipe)
    killed: list[int] = []

    def kill() -> None:
        for _ in ("reading documents", "making samples"):
            pid = int(Path(watched.pipe).read_text())
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    made = content(run(DOCUMENTS, RECIPE, tmp_path / "out", runner=watched))
    killer.join()
    assert len(set(killed)) == 2 and os.getpid() not in killed
    assert made == alone


def test_what_fails_on_a_worker_is_raised_as_it_is(runner: OnRay):
    with pytest.raises(ZeroDivisionError):
        list(runner.map(_dividing, 12, [1, 2, 0]))
    assert list(runner.map(_dividing, 12, [1, 2, 3, 4, 6], together=2)) == [12, 6, 4, 3, 2]
    assert list(runner.map(_dividing, 12, [])) == []


def _dividing(number: int) -> Callable[[int], int]:
    return lambda by: number // by


def test_a_killed_command_goes_on(cli: Cli, alone: dict[str, bytes]):
    pages.write(cli.folder)
    started = subprocess.Popen(
        [sys.executable, "-m", "longread", *ARGS, "--runner", "ray"],
        cwd=cli.folder, env=cli.env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stderr is not None
    said = [started.stderr.readline() for _ in range(2)]
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    started.stderr.close()
    assert [line.split(":")[0] for line in said] == [f"{number} of {UNITS}" for number in (1, 2)]
    assert not (cli.folder / "out" / CARD).exists()
    done = cli(*ARGS, "--processes", "1")
    assert done.returncode == 0 and f"1 of {UNITS}" not in done.stderr and f"2 of {UNITS}" not in done.stderr
    assert content(cli.folder / "out") == alone


def test_no_cluster_is_one_clear_line(cli: Cli):
    pages.write(cli.folder)
    done = cli(*ARGS, "--runner", "ray:127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("longread: --runner ray:127.0.0.1:1: no Ray can be joined there")
    assert done.stderr.count("\n") == 1 and not (cli.folder / "out").exists()
