"""verl's whole V1 trainer on the CPU: two steps of full-context and two of memory reinforcement learning."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from longread.models.local import load_checkpoint
from longread.training.learner import Learner
from longread.training.network import Network
from longread.training.records import Conversation, Trajectory
from longread.training.stage import Reinforcement, read_stage
from longread.training.weighing import Weigher
from tests.support import lookup

pytest.importorskip("verl")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
STAGE = """\
model = "tiny"
data = "data"
steps = 2
questions = 4
attempts = 3
temperature = 1.0
top_p = 1.0
learning_rate = 1e-2
save_every = 1
aepo = {aepo}
precision = "float32"

[sizes]
mode = "{mode}"
prompts = "tiny/prompts.toml"
window = 2048
answer = 4
chunk = 64
notes = 16

[cluster]
gpus = 1
"""
SELECT = """
[select]
k = 2
keep = 1.0
"""


@dataclass
class Ran:
    out: Path
    stage: Reinforcement
    batches: list[tuple[list[Trajectory], list[Any]]]
    metrics: list[dict[str, Any]]
    first: str
    """The metrics before it was killed, where it was."""


class Canary:
    """A run in a process of its own, and the most memory that all its processes held."""

    peak = 0

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = os.environ | {
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
            "CANARY_RECORD": str(folder / f"{arguments[0]}.jsonl"),
            "OMP_NUM_THREADS": "1",
            "HF_HUB_OFFLINE": "1",
        }
        with (folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.cluster.canary", "train", "run", *arguments],
                cwd=folder,
                env=environment,
                stderr=log,
                stdout=log,
                start_new_session=True,
            )
        self._done = threading.Event()
        self._watch = threading.Thread(target=self._measure)
        self._watch.start()

    def _measure(self) -> None:
        own = psutil.Process(self.process.pid)
        while not self._done.wait(1):
            total = 0
            with suppress(psutil.NoSuchProcess):
                for one in [own, *own.children(recursive=True)]:
                    with suppress(psutil.Error):
                        total += one.memory_full_info().pss
            Canary.peak = max(Canary.peak, total)

    def end(self) -> int:
        code = self.process.wait(600)
        self._done.set()
        self._watch.join()
        return code

    def kill(self) -> None:
        """All at once, as a machine that fails."""
        everyone = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signal.SIGKILL)
        for one in everyone:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        self.end()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("canary")
    lookup.write_checkpoint(made / "tiny", layers=2)
    cases = lookup.cases(24, 1)
    tasks = ["reading", "dialogue"]
    cases = [case._replace(sample=replace(case.sample, task=tasks[at % 2])) for at, case in enumerate(cases)]
    lookup.write_data(made / "data", cases)
    for mode, aepo in (("full", [0.1, 0.5]), ("memory", [0.1, 50.0])):
        stage = STAGE.format(mode=mode, aepo=aepo)
        (made / f"{mode}.toml").write_text(stage + SELECT * (mode == "full"))
    return made


@pytest.fixture(scope="module", params=["full", "memory"])
def ran(request: pytest.FixtureRequest, folder: Path) -> Ran:
    """Two steps; the run with a memory is killed after its first, and goes on from the checkpoint."""
    mode, out, first = request.param, folder / request.param, ""
    if mode == "memory":
        canary = Canary(folder, f"{mode}.toml", "--out", mode)
        tracker = out / "checkpoints" / "latest_checkpointed_iteration.txt"
        while canary.process.poll() is None and not tracker.is_file():
            canary._done.wait(0.2)
        canary.kill()
        assert tracker.read_text() == "1", (folder / "log").read_text()[-5000:]
        first = (out / "metrics.jsonl").read_text().splitlines()[0]
    code = Canary(folder, f"{mode}.toml", "--out", mode, *["--resume"] * bool(first)).end()
    assert code == 0, (folder / "log").read_text()[-5000:]
    stage = read_stage(folder / f"{mode}.toml")
    assert isinstance(stage, Reinforcement)
    read = [json.loads(line) for line in (folder / f"{mode}.toml.jsonl").read_text().splitlines()]
    batches = [([_trajectory(one) for one in batch["trajectories"]], batch["parts"]) for batch in read]
    metrics = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    return Ran(out, stage, batches, metrics, first)


def _trajectory(fields: dict[str, Any]) -> Trajectory:
    conversations = tuple(
        Conversation(*(tuple(part) for part in (one.values() if isinstance(one, dict) else one)))
        for one in fields.pop("conversations")
    )
    credits = {name: tuple(fields.pop(name)) for name in ("gains", "updates")}
    return Trajectory(conversations=conversations, **credits, **fields)


def test_groups_are_of_trajectories(ran: Ran) -> None:
    for trajectories, parts in ran.batches:
        assert [one.question for one in trajectories] == [at for at in range(4) for _ in range(3)]
        longest = max(len(one.conversations) for one in trajectories)
        assert longest == 1 if ran.stage.sizes.mode == "full" else longest > 1
        weighed: dict[int, set[float]] = {}
        for trajectory, _, weights in parts:
            weighed.setdefault(trajectory, set()).update(weights)
        assert all(len(own) == 1 for own in weighed.values()), "one advantage for all of a trajectory"


def test_each_batch_makes_one_optimizer_step(ran: Ran) -> None:
    saved = torch.load(
        ran.out / "checkpoints" / "global_step_2" / "actor" / "optim_world_size_1_rank_0.pt",
        weights_only=False,
    )
    assert all(one["norm"] > 0 for one in ran.metrics)
    assert {int(one["step"]) for one in saved["state"].values()} == {2}


def test_metrics_tell_the_mode_of_aepo_and_the_deviation_of_each_task(ran: Ran) -> None:
    assert [one["step"] for one in ran.metrics] == [1, 2]
    for metrics, (trajectories, parts) in zip(ran.metrics, ran.batches[-2:], strict=True):
        assert metrics["negatives"] is (ran.stage.sizes.mode == "memory")
        assert (min(min(weights) for *_, weights in parts) < 0) is metrics["negatives"]
        for task in ("dialogue", "reading"):
            rewards = torch.tensor([one.reward for one in trajectories if one.task == task])
            assert metrics["deviations"][task] == pytest.approx(float(rewards.std()), abs=1e-5)
        assert metrics["drift"] < 0.1  # replies are drawn with weights in bfloat16


def test_the_model_is_a_changed_one_for_plain_transformers(ran: Ran, folder: Path) -> None:
    tokenizer, model = load_checkpoint(ran.out / "model")
    assert torch.isfinite(model(input_ids=torch.tensor([tokenizer("bar fomak ?")["input_ids"]])).logits).all()
    before, after = (load_file(at / "model.safetensors") for at in (folder / "tiny", ran.out / "model"))
    assert before.keys() == after.keys()
    assert all(not torch.equal(before[name].bfloat16(), after[name]) for name in before if "proj" in name)
    assert (ran.out / "model" / "prompts.toml").is_file()


def test_a_killed_run_goes_on_from_its_checkpoint(ran: Ran) -> None:
    if ran.stage.sizes.mode == "full":
        pytest.skip("it was not killed")
    assert json.loads(ran.first)["step"] == 1
    assert ran.metrics[0] == json.loads(ran.first)
    asked = [{one.conversations[0].prompt[-4:] for one in trajectories} for trajectories, _ in ran.batches]
    assert asked[0] != asked[-1], "the sampler goes on"


def test_one_process_takes_the_same_step_from_the_first_batch(ran: Ran, folder: Path) -> None:
    trajectories, recorded = ran.batches[0]
    parts, told = Weigher(ran.stage).weigh(trajectories)
    assert [[part.trajectory, part.conversation] for part in parts] == [part[:2] for part in recorded]
    for part, (*_, weights) in zip(parts, recorded, strict=True):
        torch.testing.assert_close(part.weights, torch.tensor(weights), rtol=0, atol=1e-5)
    _, model = load_checkpoint(folder / "tiny")
    network = Network(model.float())
    learner = Learner(network, [torch.optim.AdamW(model.parameters(), lr=1e-2)])
    some = [trajectories[part.trajectory].conversations[part.conversation] for part in parts]
    learned = learner.learn(some, [part.weights for part in parts])
    assert learned.learnt == ran.metrics[0]["learnt"]
    assert learned.nll == pytest.approx(ran.metrics[0]["nll"], abs=1e-5)
    assert learned.norm == pytest.approx(ran.metrics[0]["norm"], abs=1e-5)
    assert told["entropy"] == pytest.approx(ran.metrics[0]["entropy"], abs=1e-5)


def test_questions_are_selected_by_attempts_of_the_same_rollouts(ran: Ran) -> None:
    if ran.stage.select is None:
        pytest.skip("the stage takes all")
    passed = json.loads((ran.out / "passed.json").read_text())
    assert len(passed) == 24
    assert set(passed.values()) == {0, 1, 2}


def test_memory_stays_below_6_gb(ran: Ran) -> None:
    print(f"peak {Canary.peak / 1e9:.2f} GB")
    assert 0 < Canary.peak < 6e9
