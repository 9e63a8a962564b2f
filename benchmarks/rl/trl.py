"""TRL's side, run by the Python that has it."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

from benchmarks.rl.memory import held, peak
from benchmarks.rl.workload import ATTEMPTS, QUESTIONS, Setting, Workload, prompts


def run_trl(setting: Setting, workload: Workload, model: Path, seed: int, steps: int) -> dict[str, Any]:
    """The same by GRPOTrainer. Generation is timed alone; an update is a step without generating and scoring."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    torch.set_num_threads(setting.threads)
    rng = random.Random(seed)
    rows = QUESTIONS * ATTEMPTS
    config = GRPOConfig(
        output_dir=str(model / "out"), use_cpu=True, report_to="none", save_strategy="no", logging_strategy="no",
        disable_tqdm=True, seed=seed, learning_rate=1e-6, max_steps=steps + 1,
        per_device_train_batch_size=rows // setting.parts, gradient_accumulation_steps=setting.parts,
        num_generations=ATTEMPTS, max_completion_length=workload.reply,
        temperature=1.0, top_p=1.0, top_k=0, beta=0.0, num_iterations=1, loss_type="dapo", scale_rewards="group",
        mask_truncated_completions=False, shuffle_dataset=False, use_vllm=False, bf16=setting.dtype != "fp32",
        gradient_checkpointing=setting.checkpointing,
        model_init_kwargs={"dtype": "bfloat16" if setting.dtype == "bf16-weights" else "float32"},
        cache_implementation="static" if setting.backend == "static" else None,
        use_transformers_continuous_batching=setting.backend == "continuous",
    )  # fmt: skip
    spent = {"rollout": 0.0, "prepare": 0.0}
    made: list[dict[str, float]] = []
    lengths: list[int] = []

    class Timed(GRPOTrainer):  # type: ignore[misc]
        def _generate_single_turn(self, *args: Any, **kwargs: Any) -> Any:
            begun = time.perf_counter()
            ids, *rest = super()._generate_single_turn(*args, **kwargs)
            spent["rollout"] = time.perf_counter() - begun
            lengths[:] = map(len, ids)
            return ids, *rest

        def _prepare_inputs(self, batch: Any) -> Any:
            begun = time.perf_counter()
            inputs = super()._prepare_inputs(batch)
            spent["prepare"] += time.perf_counter() - begun
            spent["tokens"] += int(inputs["prompt_mask"].sum() + inputs["completion_mask"].sum())
            return inputs

    class Clock(TrainerCallback):  # type: ignore[misc]
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            spent.update(begun=time.perf_counter(), prepare=0.0, tokens=0)

        def on_step_end(self, *_: Any, **__: Any) -> None:
            whole = time.perf_counter() - spent["begun"]
            assert set(lengths) == {workload.reply} and len(lengths) == rows, lengths
            made.append(
                {
                    "rollout_s": spent["rollout"],
                    "update_s": whole - spent["prepare"],
                    "other_s": spent["prepare"] - spent["rollout"],
                    "replies": sum(lengths),
                    "tokens": spent["tokens"],
                }
            )

    data = [{"prompt": " ".join(f"w{at}" for at in ids)} for ids in prompts(workload, steps + 1, seed)]
    trainer = Timed(
        model=str(model),
        reward_funcs=lambda completions, **_: [rng.random() for _ in completions],
        args=config,
        train_dataset=Dataset.from_list(data),
        processing_class=AutoTokenizer.from_pretrained(model),
        callbacks=[Clock()],
    )
    base = held()
    trainer.train()
    return {"steps": made[1:], "peak_mib": peak(), "base_mib": base}
