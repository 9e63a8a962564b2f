"""What a setting reached, and the table of it."""

from __future__ import annotations

import statistics
from typing import Any, NamedTuple

from benchmarks.rl.workload import APART, BAR, Setting, Workload


class Figures(NamedTuple):
    """Of all measured steps of a setting."""

    rollout: float
    """Reply tokens a second of generating, prompts read included; the median over steps."""
    update: float
    """Prompt and reply tokens of all rows a second of learning."""
    step: float
    """Reply tokens a second of generating and learning."""
    peak: float
    above: float
    """MiB at the peak, beyond what libraries and weights take; the median over processes."""
    low: float
    high: float
    """The slowest and the fastest step, as `step`."""
    other: float
    """Seconds a step of what is neither: TRL's encoding, decoding and scoring. Not counted in `step`."""


def figures(runs: list[dict[str, Any]]) -> Figures:
    steps = [step for run in runs for step in run["steps"]]
    whole = [step["replies"] / (step["rollout_s"] + step["update_s"]) for step in steps]
    return Figures(
        statistics.median(step["replies"] / step["rollout_s"] for step in steps),
        statistics.median(step["tokens"] / step["update_s"] for step in steps),
        statistics.median(whole),
        statistics.median(run["peak_mib"] for run in runs),
        statistics.median(run["peak_mib"] - run["base_mib"] for run in runs),
        min(whole),
        max(whole),
        statistics.median(step.get("other_s", 0.0) for step in steps),
    )


def tell(
    workload: Workload,
    best: Setting,
    results: dict[tuple[str, Setting], Figures],
    share: dict[str, float],
) -> dict[str, Any]:
    """Prints a workload's table; its figures for JSON."""
    print(f"\n{workload.name}: {workload.prompt} + {workload.reply} tokens")
    print(f"{'':66} rollout/s  update/s   step/s (slowest-fastest)  peak MiB  above base  other s")
    for (name, setting), own in results.items():
        label = f"{'Longread' if setting.side == 'ours' else 'TRL'}, {setting}" + ", none shared" * (
            name == APART.name
        )
        print(
            f"{label:66} {own.rollout:>9,.0f} {own.update:>9,.0f} {own.step:>8,.0f}"
            f" ({own.low:>6,.0f}-{own.high:<6,.0f}) {own.peak:>14,.0f} {own.above:>11,.0f} {own.other:>8.3f}"
        )
    ours = results[workload.name, best]
    trl = {setting: own for (_, setting), own in results.items() if setting.side == "trl"}
    plain = [own for setting, own in trl.items() if not setting.checkpointing]
    ratios = {
        name: getattr(ours, name) / max(getattr(own, name) for own in trl.values())
        for name in ("rollout", "update", "step")
    }
    apart = results.get((APART.name, best))
    if apart:
        ratios |= {
            f"{name}, none shared": getattr(apart, name) / max(getattr(own, name) for own in trl.values())
            for name in ("rollout", "update", "step")
        }
    memory = ours.above / min(own.above for own in plain)
    least = ours.above / min(own.above for own in trl.values())
    for name, ratio in ratios.items():
        verdict = "" if "shared" in name else f" (bar {BAR:g}: {'met' if ratio >= BAR else 'MISSED'})"
        print(f"{name}: {ratio:.2f} times TRL{verdict}")
    print(
        f"memory above base: {memory:.2f} times TRL's least without checkpointing (bar below 1: "
        f"{'met' if memory < 1 else 'MISSED'}), {least:.2f} times its least with it "
        f"({'lower' if least < 1 else 'not lower'})"
    )
    print(
        f"Longread's step: {share['products']:.0%} of the time in matrix products, {share['attention']:.0%} in "
        f"attention; {share['gflops_products']:.0f} GFLOP/s in them, {share['gflops_step']:.0f} over the whole "
        f"step, of {share['gflops_limit']:.0f} in a product of 2048 x 2048"
    )
    return {
        "runs": [
            {"prompts": name, "setting": str(setting), "side": setting.side, **own._asdict()}
            for (name, setting), own in results.items()
        ],
        "ratios": ratios,
        "memory_ratio": memory,
        "memory_ratio_checkpointing": least,
        "shares": share,
    }
