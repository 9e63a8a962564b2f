"""What a stage is called in verl's settings, and what verl cannot do of it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from longread.errors import UsageError
from longread.training.stage import CHECKPOINTS, Cluster, Reinforcement

PLUGIN = "longread.training.cluster.plugin"
NAME = "longread"
"""Of what verl knows of us: loss, agent loop and trainer."""
_QUESTIONS = 16
"""Questions of a step that one process of rollouts reads for."""
_PROCESSES = 8
"""Such processes of a node, at most."""


def check(stage: Reinforcement, cluster: Cluster, heads: int | None = None) -> None:
    """UsageError when the stage asks for what is not done on a cluster, or verl is not here; `heads` are the model's,
    where it is there."""
    check_settings(stage, cluster, heads)
    if find_spec("verl") is None or find_spec("transfer_queue") is None:
        raise UsageError("a stage with [cluster] needs an extra: pip install 'longread[cluster]'")
    if cluster.sequence_parallel > 1 and find_spec("flash_attn") is None:
        raise UsageError("cluster.sequence_parallel needs flash-attn: pip install flash-attn")


def check_settings(stage: Reinforcement, cluster: Cluster, heads: int | None = None) -> None:
    """The part of `check` that holds wherever the command is given."""
    if stage.lora:
        raise UsageError("lora: a stage with [cluster] trains all weights; leave `lora` or [cluster] out")
    if stage.optimizer != "adamw":
        raise UsageError("optimizer: a stage with [cluster] takes only 'adamw'")
    for name, size, gpus, of in (
        ("tensor_parallel", cluster.tensor_parallel, cluster.gpus, "GPUs of a node"),
        ("sequence_parallel", cluster.sequence_parallel, cluster.nodes * cluster.gpus, "GPUs of the cluster"),
    ):
        if gpus % size:
            raise UsageError(f"cluster.{name}: {size} does not divide the {gpus} {of}")
        if heads and heads % size:
            raise UsageError(f"cluster.{name}: {size} does not divide the model's {heads} heads")


def pass_tokens(stage: Reinforcement, cluster: Cluster) -> int:
    """Tokens of one forward and backward pass on each GPU: what is set, or enough for the longest conversation."""
    return max(stage.pass_tokens, -(-stage.sizes.window // cluster.sequence_parallel))


def needs(cluster: Cluster) -> tuple[int, int]:
    """GPUs and logical CPUs that Ray must have: with fewer, verl waits for ever."""
    return cluster.nodes * cluster.gpus, cluster.nodes * (3 * cluster.gpus + _PROCESSES + 4)


def settings(stage: Reinforcement, cluster: Cluster, out: Path) -> dict[str, Any]:
    """What differs from verl's own `ppo_trainer` settings."""
    packed = find_spec("flash_attn") is not None
    dtype = {"float32": "fp32"}.get(stage.precision, "bf16")
    window = stage.sizes.window
    return {
        "longread": {"stage": stage.model_dump_json(), "out": str(out)},
        "algorithm": {"adv_estimator": "grpo"},
        "critic": {"enable": False},
        "reward": {"num_workers": 0},  # rewards come with the rollouts
        "data": {
            "train_batch_size": stage.questions,
            "max_prompt_length": window,
            "max_response_length": window,
        },
        "transfer_queue": {
            "backend": {"SimpleStorage": {"num_data_storage_units": 2 * cluster.nodes}},
        },
        "actor_rollout_ref": {
            "model": {
                "path": stage.model,
                "use_remove_padding": packed,
                "use_fused_kernels": True,  # never all logits of a prompt at once
                "override_config": {"attn_implementation": "flash_attention_2" if packed else "sdpa"},
            },
            "actor": {
                "strategy": "fsdp2",
                "policy_loss": {"loss_mode": NAME},
                "ppo_epochs": stage.updates,
                "ppo_mini_batch_size": stage.questions,
                "use_dynamic_bsz": True,
                "ppo_max_token_len_per_gpu": pass_tokens(stage, cluster),
                **({"clip_ratio_low": stage.clip[0], "clip_ratio_high": stage.clip[1]} if stage.clip else {}),
                "optim": {
                    "lr": stage.learning_rate,
                    "weight_decay": 0.0,
                    "betas": [0.9, 0.95],
                    "clip_grad": stage.max_grad_norm,
                },
                "fsdp_config": {
                    "ulysses_sequence_parallel_size": cluster.sequence_parallel,
                    "param_offload": cluster.offload,
                    "optimizer_offload": cluster.offload,
                    "mixed_precision": {
                        "param_dtype": dtype,
                        "reduce_dtype": "fp32",
                        "buffer_dtype": "fp32",
                    },
                },
            },
            "rollout": {
                "name": cluster.engine,
                "n": stage.attempts,
                "temperature": stage.temperature,
                "top_p": stage.top_p,
                "seed": stage.seed,
                "max_model_len": window,
                "tensor_model_parallel_size": cluster.tensor_parallel,
                "gpu_memory_utilization": cluster.rollout_memory,
                "agent": {
                    "default_agent_loop": NAME,
                    "num_workers": min(1 + stage.questions // _QUESTIONS, _PROCESSES * cluster.nodes),
                },
            },
        },
        "trainer": {
            "nnodes": cluster.nodes,
            "n_gpus_per_node": cluster.gpus,
            "total_training_steps": stage.steps,
            "save_freq": stage.save_every,
            "default_local_dir": str(out / CHECKPOINTS),
            "val_before_train": False,
            "logger": [],
            "v1": {"trainer_mode": NAME},
        },
    }
