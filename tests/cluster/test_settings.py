"""What a stage becomes in verl's settings, and what is refused before any GPU is taken."""

from pathlib import Path
from typing import Any

import pytest

from longread.errors import UsageError
from longread.training.cluster.config import check, needs, settings
from longread.training.stage import Cluster, Reinforcement


def stage(**given: Any) -> Reinforcement:
    return Reinforcement(**{"model": "m", "data": "d", "steps": 3, "cluster": {}} | given)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The packages that are there."""
    names = {"verl", "transfer_queue"}
    monkeypatch.setattr(
        "longread.training.cluster.config.find_spec", lambda name: name if name in names else None
    )
    return names


def test_without_verl_one_line_says_what_to_install(found: set[str]) -> None:
    found.clear()
    with pytest.raises(UsageError, match=r"pip install 'longread\[cluster\]'"):
        check(stage(), Cluster())


@pytest.mark.parametrize(
    ("given", "cluster", "said"),
    [
        ({"lora": {}}, {}, "lora"),
        ({"optimizer": "muon"}, {}, "optimizer"),
        ({}, {"gpus": 6, "tensor_parallel": 4}, "tensor_parallel: 4 does not divide the 6 GPUs of a node"),
        ({}, {"nodes": 2, "gpus": 4, "tensor_parallel": 8}, "tensor_parallel: 8 does not divide the 4 GPUs"),
        (
            {},
            {"nodes": 3, "gpus": 4, "sequence_parallel": 8},
            "sequence_parallel: 8 does not divide the 12 GPUs",
        ),
        ({}, {"sequence_parallel": 2}, "flash-attn"),
    ],
)
def test_what_a_cluster_does_not_do_is_refused(
    given: dict[str, Any], cluster: dict[str, Any], said: str, found: set[str]
) -> None:
    with pytest.raises(UsageError, match=said):
        check(stage(**given), Cluster(**cluster))


def test_models_are_parted_by_their_heads(found: set[str]) -> None:
    found.add("flash_attn")
    for name in ("tensor_parallel", "sequence_parallel"):
        cluster = Cluster(gpus=6, **{name: 3})
        check(stage(), cluster, 12)
        with pytest.raises(UsageError, match=f"{name}: 3 does not divide the model's 32 heads"):
            check(stage(), cluster, 32)


def test_a_pass_takes_the_longest_conversation_over_its_gpus(found: set[str]) -> None:
    found.add("flash_attn")
    given = stage(sizes={"window": 100_000}, pass_tokens=10_000)
    made = settings(given, Cluster(sequence_parallel=4), Path("/out"))["actor_rollout_ref"]
    assert made["actor"]["ppo_max_token_len_per_gpu"] == 25_000
    assert made["model"]["override_config"]["attn_implementation"] == "flash_attention_2"


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_verl_takes_the_settings(engine: str, found: set[str]) -> None:
    pytest.importorskip("verl")
    from omegaconf import OmegaConf
    from verl.utils.config import omega_conf_to_dataclass

    from longread.training.cluster.run import _composed

    found.add("flash_attn")
    cluster = Cluster(nodes=4, engine=engine, tensor_parallel=4, sequence_parallel=8, offload=True)
    given = stage(
        updates=2, clip=(0.1, 0.3), temperature=0.7, top_p=0.95, questions=128, sizes={"window": 160_000}
    )
    made = _composed(settings(given, cluster, Path("/out")))
    OmegaConf.resolve(made)
    actor = omega_conf_to_dataclass(made.actor_rollout_ref.actor)
    actor.validate(32, 128, made.actor_rollout_ref.model)
    assert (actor.engine.strategy, actor.engine.param_offload) == ("fsdp2", True)
    assert (actor.ppo_epochs, actor.clip_ratio_low, actor.clip_ratio_high) == (2, 0.1, 0.3)
    assert actor.engine.ulysses_sequence_parallel_size == 8
    rollout = omega_conf_to_dataclass(made.actor_rollout_ref.rollout)
    assert (rollout.name, rollout.n, rollout.temperature, rollout.top_p) == (engine, 8, 0.7, 0.95)
    assert (rollout.max_model_len, rollout.tensor_model_parallel_size) == (160_000, 4)
    assert made.trainer.nnodes * made.trainer.n_gpus_per_node == needs(cluster)[0] == 32
