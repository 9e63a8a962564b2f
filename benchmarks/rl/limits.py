"""How far a step of ours is from what the machine can do."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.rl.ours import Ours
from benchmarks.rl.workload import Setting, Workload, prompts


def limit(setting: Setting) -> float:
    """GFLOP/s of a product of two matrices of 2048 x 2048."""
    import torch

    torch.set_num_threads(setting.threads)
    matrix = torch.randn(2048, 2048, dtype=torch.float32 if setting.dtype == "fp32" else torch.bfloat16)
    times = []
    for _ in range(8):
        begun = time.perf_counter()
        matrix @ matrix
        times.append(time.perf_counter() - begun)
    return float(2 * 2048**3 / min(times) / 1e9)


PRODUCTS = ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_linear", "aten::linear")


def shares(setting: Setting, workload: Workload, model: Path, seed: int) -> dict[str, float]:
    """One step of ours under the profiler: time in matrix products and attention, and what they achieve."""
    from torch.profiler import ProfilerActivity, profile

    ours = Ours(setting, workload, model, seed)
    every = prompts(workload, 2, seed)
    ours.step(every[: len(every) // 2])
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True, with_flops=True) as profiler:
        ours.step(every[len(every) // 2 :])
    total = products = attention = flops = 0.0
    for event in profiler.key_averages(group_by_input_shape=True):
        total += event.self_cpu_time_total
        if event.key in PRODUCTS:
            products += event.self_cpu_time_total
            flops += event.flops
        elif "scaled_dot_product" in event.key and event.self_cpu_time_total:
            attention += event.self_cpu_time_total
            flops += event.count * attention_flops(event.key, event.input_shapes)
    return {
        "products": products / total,
        "attention": attention / total,
        "gflops_step": flops / total / 1e3,
        "gflops_products": flops / (products + attention) / 1e3,
    }


def attention_flops(name: str, shapes: list[list[int]]) -> float:
    """Of one fused attention: two products forward, five backward; half of each where it is causal without mask."""
    if "flash_attention_for_cpu" not in name:
        return 0.0
    backward = "backward" in name
    query, key = (shapes[1], shapes[2]) if backward else (shapes[0], shapes[1])
    batch, heads, length, width = query
    causal = (
        length > 1 and length == key[2] and not any(len(shape) == 4 and shape[1] == 1 for shape in shapes)
    )
    return (5 if backward else 2) * 2 * batch * heads * length * key[2] * width * (0.5 if causal else 1.0)
