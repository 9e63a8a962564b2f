"""Whole stages: one step a batch, kill and resume, faults, adapters, and what is left for transformers."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from longread.errors import InputError, LongreadError, UsageError
from longread.training import checkpoints, trainer
from longread.training.generation import Generated, Request
from longread.training.loss import updates
from longread.training.records import Conversation
from longread.training.rollouts import Case, rollouts
from longread.training.stage import Reinforcement, Sizes, Supervised, read_stage
from longread.training.supervised import Dictated, texts
from longread.types import Evidence
from tests.support import lookup
from tests.training.conftest import open_tiny


def stage(folder: Path, data: Path, mode: str = "memory", **settings: Any) -> Reinforcement:
    sizes = {
        "mode": mode,
        "prompts": str(folder / "prompts.toml"),
        "window": 2048,
        "answer": 4,
        "chunk": 64,
        "notes": 16,
    }
    return Reinforcement(
        **{
            "model": str(folder), "data": str(data), "sizes": sizes, "steps": 4, "questions": 4, "attempts": 3,
            "temperature": 1.0, "top_p": 1.0, "learning_rate": 1e-3, "save_every": 2,
        } | settings
    )  # fmt: skip


def warm(folder: Path, data: Path, **settings: Any) -> Supervised:
    return Supervised(
        **{
            "kind": "supervised", "model": str(folder), "data": str(data), "sizes": stage(folder, data).sizes,
            "steps": 4, "batch": 4, "save_every": 2,
        } | settings
    )  # fmt: skip


def train(
    made: Reinforcement | Supervised, out: Path, *, steps: int | None = None, resume: bool = False
) -> list[Any]:
    async def go() -> list[Any]:
        seen = []
        async for progress in trainer.train(made, out, resume=resume):
            seen.append(progress)
            if progress.step == steps:
                break
        return seen

    return asyncio.run(go())


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load_file(out / "model" / "model.safetensors")


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rewards that an untrained model can earn: a parity of what was said last."""

    async def rewarded(*args: Any) -> list[Any]:
        made = await rollouts(*args)
        return [replace(one, reward=float(sum(one.conversations[-1].reply) % 2)) for one in made]

    monkeypatch.setattr("longread.training.reinforce.rollouts", rewarded)


@pytest.mark.usefixtures("graded")
@pytest.mark.parametrize("kind", ["dense", "experts"])
@pytest.mark.parametrize("mode", ["full", "memory"])
def test_a_stage_leaves_a_changed_model_for_plain_transformers(
    request: pytest.FixtureRequest, kind: str, mode: str, data: Path, tmp_path: Path
) -> None:
    folder = request.getfixturevalue(kind)
    seen = train(stage(folder, data, mode), tmp_path / "out")
    assert [progress.step for progress in seen] == [1, 2, 3, 4]
    assert max(progress.metrics["drift"] for progress in seen) < 1e-4
    assert any(progress.metrics["norm"] > 0 for progress in seen)
    made = tmp_path / "out" / "model"
    assert {file.stat().st_mode & 0o777 for file in made.iterdir()} == {made.stat().st_mode & 0o666}
    model = AutoModelForCausalLM.from_pretrained(made)
    before = AutoModelForCausalLM.from_pretrained(folder).state_dict()
    assert any(not torch.equal(before[name], value) for name, value in model.state_dict().items())
    tokenizer = AutoTokenizer.from_pretrained(made)
    ids = tokenizer("bar fomak ?", return_tensors="pt")["input_ids"]
    assert torch.isfinite(model(input_ids=ids).logits).all()


@pytest.mark.usefixtures("graded")
def test_one_batch_makes_one_step_whatever_the_number_of_conversations(
    dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = lookup.write_data(tmp_path / "data", [lookup.case(at, lines=4 * at) for at in range(1, 6)])
    steps = []
    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: steps.append(1) or step(self))
    seen = train(stage(dense, data, questions=5, steps=3, pass_tokens=50), tmp_path / "out")
    assert len(steps) == sum(progress.metrics["norm"] > 0 for progress in seen) == 3


def test_in_a_group_of_1_to_7_conversations_advantages_follow_from_rewards_alone_in_one_step(
    dense: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [lookup.case(seed, lines=18) for seed in (5, 6)]
    documents = both[0].documents + both[1].documents
    sample = replace(both[0].sample, documents=tuple(one.id for one in documents))
    data = lookup.write_data(tmp_path / "data", [Case(sample, documents)])
    counts, earned = [4, 1, 7, 2, 6, 3, 5], [1.0, 0.0, 0.5, 1.0, 0.0, 0.25, 1.0]
    seen: list[Any] = []
    steps: list[int] = []

    async def cut(*args: Any) -> list[Any]:
        """Trajectories that ended after so many conversations, as those do whose reply cannot be used."""
        made = await rollouts(*args)
        assert {len(one.conversations) for one in made} == {7}
        return [
            replace(
                one,
                conversations=one.conversations[:count],
                gains=one.gains[:count],
                updates=one.updates[:count],
                reward=reward,
            )
            for one, count, reward in zip(made, counts, earned, strict=True)
        ]

    def watched(trajectories: Any, advantages: Any, **how: Any) -> Any:
        seen.append(advantages)
        return updates(trajectories, advantages, **how)

    step = torch.optim.AdamW.step
    monkeypatch.setattr(torch.optim.AdamW, "step", lambda self: steps.append(1) or step(self))
    monkeypatch.setattr("longread.training.reinforce.rollouts", cut)
    monkeypatch.setattr("longread.training.weighing.updates", watched)
    train(stage(dense, data, questions=1, attempts=7, steps=1, advantage="group"), tmp_path / "out")
    assert len(steps) == len(seen) == 1
    rewards = torch.tensor(earned, dtype=torch.float64)
    expected = (rewards - rewards.mean()) / rewards.std()
    assert [len(own) for own in seen[0]] == counts
    for own, value in zip(seen[0], expected.tolist(), strict=True):
        assert own.tolist() == pytest.approx([value] * len(own), rel=1e-4)


@pytest.mark.usefixtures("graded")
@pytest.mark.parametrize("settings", [{}, {"aepo": (0.1, 0.2)}, {"optimizer": "muon"}, {"step_credit": 0.5}])
def test_a_run_that_stopped_goes_on_to_the_same_weights(
    dense: Path, data: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    made = stage(dense, data, **settings)
    whole = train(made, tmp_path / "whole")
    train(made, tmp_path / "cut", steps=3)  # one step after the checkpoint
    rest = train(made, tmp_path / "cut", resume=True)
    assert [progress.step for progress in rest] == [3, 4]
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))
    rows = (tmp_path / "cut" / trainer.METRICS).read_text().splitlines()
    stripped = [{k: v for k, v in json.loads(row).items() if k != "seconds"} for row in rows]
    assert stripped == [{k: v for k, v in p.metrics.items() if k != "seconds"} for p in whole]


def test_supervised_training_learns_resumes_and_lowers_the_loss(
    dense: Path, data: Path, tmp_path: Path
) -> None:
    made = warm(dense, data, steps=12, learning_rate=3e-3)
    seen = train(made, tmp_path / "whole")
    assert seen[-1].metrics["nll"] < seen[0].metrics["nll"] - 0.5
    train(made, tmp_path / "cut", steps=7)
    train(made, tmp_path / "cut", resume=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_next_tokens_of_documents_are_learnt(dense: Path, data: Path, tmp_path: Path) -> None:
    seen = train(warm(dense, data, target="text", steps=12, learning_rate=3e-3), tmp_path / "out")
    assert seen[-1].metrics["nll"] < seen[0].metrics["nll"] - 0.5


@pytest.mark.usefixtures("graded")
def test_two_seeds_differ(dense: Path, data: Path, tmp_path: Path) -> None:
    for seed in (0, 1):
        train(stage(dense, data, seed=seed), tmp_path / str(seed))
    assert not same(weights(tmp_path / "0"), weights(tmp_path / "1"))


@pytest.mark.usefixtures("graded")
def test_adapters_are_merged_in(dense: Path, data: Path, tmp_path: Path) -> None:
    made = stage(dense, data, lora={"rank": 2}, steps=2)
    train(made, tmp_path / "out")
    after, before = weights(tmp_path / "out"), load_file(dense / "model.safetensors")
    assert after.keys() == before.keys()
    changed = {name for name in after if not torch.equal(after[name], before[name])}
    assert changed and not any("embed" in name or "norm" in name for name in changed)


def test_equal_rewards_are_skipped_and_counted(dense: Path, data: Path, tmp_path: Path) -> None:
    seen = train(stage(dense, data, steps=2), tmp_path / "out")  # an untrained model earns nothing
    assert [progress.metrics["skipped"] for progress in seen] == [1, 2]
    assert same(weights(tmp_path / "out"), load_file(dense / "model.safetensors"))


@pytest.mark.usefixtures("graded")
def test_a_gradient_that_explodes_ends_with_the_last_checkpoint_whole(
    dense: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = torch.nn.utils.clip_grad_norm_
    calls: list[int] = []

    def norm(*args: Any) -> Any:
        calls.append(1)
        return torch.tensor(float("nan")) if len(calls) == 3 else clip(*args)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", norm)
    with pytest.raises(LongreadError, match="gradient norm is nan"):
        train(stage(dense, data), tmp_path / "out")
    last = checkpoints.latest(tmp_path / "out" / trainer.CHECKPOINTS)
    assert last is not None and last.name == "000002"


@pytest.mark.usefixtures("graded")
def test_a_full_disk_keeps_the_last_checkpoint(
    dense: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = checkpoints.save_file

    def full(tensors: Any, path: Path) -> None:
        if "000004" in str(path):
            Path(path).write_bytes(b"half")
            raise OSError(28, "No space left on device")
        written(tensors, path)

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(LongreadError, match=r"disk is full.*000002"):
        train(stage(dense, data), tmp_path / "out")
    assert sorted(p.name for p in (tmp_path / "out" / trainer.CHECKPOINTS).iterdir()) == ["000002"]


@pytest.mark.usefixtures("graded")
def test_a_folder_with_a_run_is_refused_unless_it_is_resumed_as_it_was(
    dense: Path, data: Path, tmp_path: Path
) -> None:
    train(stage(dense, data), tmp_path / "out", steps=2)
    with pytest.raises(UsageError, match="--resume"):
        train(stage(dense, data), tmp_path / "out")
    with pytest.raises(UsageError, match="other settings"):
        train(stage(dense, data, seed=5), tmp_path / "out", resume=True)
    kept = tmp_path / "out" / "stage.json"
    settings = json.loads(kept.read_text())
    del settings["stray_cost"]  # of a version that did not have it
    kept.write_text(json.dumps(settings))
    assert train(stage(dense, data), tmp_path / "out", resume=True)[-1].step == 4
    kept.write_text("{")
    with pytest.raises(UsageError, match="other settings"):
        train(stage(dense, data), tmp_path / "out", resume=True)


@pytest.mark.usefixtures("graded")
def test_samples_that_are_too_long_are_left_out_and_none_left_is_told(dense: Path, tmp_path: Path) -> None:
    cases = [lookup.case(1, lines=4), lookup.case(2, lines=20)]
    data = lookup.write_data(tmp_path / "data", cases)
    made = stage(dense, data, "full", questions=1, attempts=2, steps=2)
    short = made.model_copy(update={"sizes": made.sizes.model_copy(update={"input": 60})})
    seen = train(short, tmp_path / "short")
    assert max(progress.metrics["tokens"] for progress in seen) < 2 * 60
    none = made.model_copy(update={"sizes": made.sizes.model_copy(update={"input": 30})})
    with pytest.raises(InputError, match="no sample has 30 tokens or fewer"):
        train(none, tmp_path / "none")


def test_what_one_pass_can_take_is_counted_as_the_reader_counts(dense: Path, tmp_path: Path) -> None:
    data = lookup.write_data(tmp_path / "data", [lookup.case(at, lines=at) for at in range(1, 21)])
    made = stage(dense, data, "full")
    made = made.model_copy(update={"sizes": made.sizes.model_copy(update={"window": 820, "chunk": 64})})
    _, _, turns = open_tiny(dense)
    kept = trainer.usable_cases(made, turns)
    assert 5 < len(kept) < 20

    def silent(requests: list[Request]) -> list[Generated]:
        return [Generated(Conversation(one.prompt, (), (), ()), "stop") for one in requests]

    read = asyncio.run(rollouts(kept, 1, made.sizes.reads, turns, silent))
    assert len(read) == len(kept)
    longer = lookup.case(len(kept) + 1, lines=len(kept) + 1)
    with pytest.raises(UsageError, match="do not fit one pass"):
        asyncio.run(rollouts([longer], 1, made.sizes.reads, turns, silent))


def test_what_is_not_read_by_a_reader_needs_no_room_for_chunks(dense: Path, tmp_path: Path) -> None:
    data = lookup.write_data(tmp_path / "data", [lookup.case(1, lines=4), lookup.case(2, lines=20)])
    made = warm(dense, data, target="text", sizes=Sizes(window=512, input=60))
    _, _, turns = open_tiny(dense)
    assert [one.sample.id for one in trainer.usable_cases(made, turns)] == ["s1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "rl"\ndata = "x"\nsteps = 1\nunknown = 2', "unknown"),
        ('data = "x"\nsteps = 0', "steps"),
        ('data = "x"\nsteps = 1\naepo = [0.5, 0.2]', "rising"),
        ('data = "x"\nsteps = 1\nupdates = 2', "clip"),
        ("data = ", "not TOML"),
        ('kind = "dance"', "kind"),
    ],
)
def test_a_wrong_stage_is_told_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "stage.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        read_stage(file)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_killed_at_any_moment_a_run_goes_on_to_the_same_weights(
    dense: Path, data: Path, tmp_path: Path
) -> None:
    """A real process, killed while it trains, several times."""
    made = warm(dense, data, steps=40, save_every=5)
    settings = made.model_dump(mode="json")
    file = tmp_path / "stage.toml"
    lines = [
        f"{k} = {json.dumps(v)}" for k, v in settings.items() if v is not None and not isinstance(v, dict)
    ]
    sizes = [f"{k} = {json.dumps(v)}" for k, v in settings["sizes"].items() if v is not None]
    file.write_text("\n".join([*lines, "[sizes]", *sizes]))
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "longread", "train", "run", str(file), "--out"]
    subprocess.run([*command, str(tmp_path / "whole")], check=True, env=env, capture_output=True)
    for after in (3, 11, 23):
        process = subprocess.Popen(
            [*command, str(tmp_path / "cut"), "--resume"], env=env, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        for line in process.stderr:
            if f" {after}/40".encode() in line:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
    subprocess.run([*command, str(tmp_path / "cut"), "--resume"], check=True, env=env, capture_output=True)
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "cut"))


def test_a_run_that_could_not_begin_leaves_its_folder_to_another(
    dense: Path, data: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        train(warm(dense, tmp_path / "nothing"), tmp_path / "out")
    assert len(train(warm(dense, data), tmp_path / "out")) == 4
    with pytest.raises(UsageError, match="holds a run"):
        train(warm(dense, data), tmp_path / "out")
    with pytest.raises(UsageError, match="other settings"):
        train(warm(dense, data, steps=5), tmp_path / "out", resume=True)


def test_of_texts_the_evidence_alone_can_be_learnt(dense: Path, data: Path, tmp_path: Path) -> None:
    seen = train(warm(dense, data, target="evidence", steps=12, learning_rate=3e-3), tmp_path / "out")
    assert seen[-1].metrics["nll"] < seen[0].metrics["nll"] - 0.5
    assert 0 < seen[0].metrics["learnt"] < seen[0].metrics["tokens"]
    bare = [case._replace(sample=replace(case.sample, evidence=())) for case in lookup.cases(4, 1, lines=5)]
    empty = lookup.write_data(tmp_path / "bare", bare)
    with pytest.raises(InputError, match="no document has evidence"):
        train(warm(dense, empty, target="evidence"), tmp_path / "none")


def test_sizes_that_are_not_given_are_those_of_the_prompt_set(dense: Path, tmp_path: Path) -> None:
    own = tmp_path / "prompts.toml"
    own.write_text((dense / "prompts.toml").read_text() + "[sizes]\nchunk = 80\nnotes = 20\nthinking = 9\n")
    model = Dictated(open_tiny(dense).turns, 2048)
    for given, wanted in (({}, (80, 20, 9)), ({"chunk": 90, "thinking": 0}, (90, 20, 0))):
        budgets = Sizes(prompts=str(own), window=2048, **given).reads.policy(model, "").budgets
        assert (budgets.chunk, budgets.notes, budgets.thinking) == wanted
    assert Sizes(window=8192).reads.policy(model, "").budgets.thinking == 0


def test_a_piece_of_evidence_within_another_is_not_learnt_twice(dense: Path) -> None:
    case = lookup.cases(1, 1, lines=5)[0]
    (document,) = case.documents
    spans = [(0, 30), (4, 9), (30, 40), (35, 50)]
    evidence = tuple(Evidence(document.id, start, end) for start, end in spans)
    tiny = open_tiny(dense).turns
    case = case._replace(sample=replace(case.sample, evidence=evidence))
    ((conversation, learnt),) = texts([case], tiny, 2048, marked=True)
    ends = sum(id in tiny.ends and wanted for id, wanted in zip(conversation.reply, learnt, strict=True))
    assert ends == 2
    bare = case._replace(documents=(replace(document, text=""),))
    with pytest.raises(InputError, match="hold no text"):
        texts([bare], tiny, 2048)


def test_a_model_keeps_the_prompt_set_it_was_trained_with(
    dense: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = warm(dense, data)
    train(made, tmp_path / "own")
    assert (tmp_path / "own" / "model" / "prompts.toml").read_text() == Path(made.sizes.prompts).read_text()
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("a file that happens to have the name of a set")
    sizes = made.sizes.model_copy(update={"prompts": "text", "window": 8192, "chunk": None, "notes": None})
    train(warm(dense, data, target="text", sizes=sizes), tmp_path / "built-in")
    assert not (tmp_path / "built-in" / "model" / "prompts.toml").exists()


def test_texts_need_no_room_for_questions(dense: Path, data: Path, tmp_path: Path) -> None:
    sizes = stage(dense, data, mode="full").sizes.model_copy(update={"window": 64, "answer": 8192})
    assert len(train(warm(dense, data, target="text", sizes=sizes), tmp_path / "out")) == 4
