"""Which settings are best, and what the best ones reach by turns."""

from __future__ import annotations

from typing import Any

from benchmarks.rl.bench import Bench
from benchmarks.rl.figures import Figures, figures
from benchmarks.rl.workload import APART, Setting, Workload


def tried(bench: Bench, workload: Workload, settings: list[Setting], steps: int) -> dict[Setting, Figures]:
    """Figures of a few steps with each setting that runs."""
    found = {}
    for setting in settings:
        if (run := bench.call("run", setting, workload, steps)) is not None:
            found[setting] = figures([run])
            print(
                f"  {setting.side}, {setting}: rollout {found[setting].rollout:,.0f}, update "
                f"{found[setting].update:,.0f}, step {found[setting].step:,.0f} tokens/s",
                flush=True,
            )
    return found


def finalists(
    bench: Bench, workload: Workload, threads: list[int], steps: int, types: dict[str, list[str]]
) -> list[Setting]:
    """Our setting with the fastest step; TRL's that are best at anything; and TRL's with the least memory.

    A type that takes twice the time of fp32 is dropped from `types`, and not tried on the next workload.
    """
    print(f"{workload.name}: which settings are best", flush=True)
    found: dict[str, dict[Setting, Figures]] = {}
    for side in ("ours", "trl"):
        own = tried(bench, workload, [Setting(side, n, "fp32") for n in threads], steps)
        plain = max(own, key=lambda setting: own[setting].step)
        own |= tried(bench, workload, [plain._replace(dtype=dtype) for dtype in types[side]], 1)
        half = own[plain].step / 2
        types[side] = [one.dtype for one in own if one.dtype != "fp32" and own[one].step >= half]
        if side == "trl":
            quick = max(own, key=lambda setting: own[setting].rollout)
            own |= tried(
                bench, workload, [quick._replace(backend=b) for b in ("static", "continuous")], steps
            )
            quick = max(own, key=lambda setting: own[setting].step)
            own |= tried(bench, workload, [quick._replace(parts=parts) for parts in (4, 8)], steps)
        found[side] = own
    ours, trl = found["ours"], found["trl"]
    best = [max(trl, key=lambda setting: trl[setting][at]) for at in range(3)]
    small = best[2]._replace(parts=8, checkpointing=True)
    return list(dict.fromkeys([max(ours, key=lambda setting: ours[setting].step), *best, small]))


def measured(
    bench: Bench, workload: Workload, settings: list[Setting], rounds: int, steps: int
) -> dict[tuple[str, Setting], Figures]:
    """Settings by turns, in the order turned round each time; ours without shared prompts too."""
    todo = [(workload, setting) for setting in settings]
    if workload.prompt == APART.prompt:
        todo.append((APART, settings[0]))
    runs: dict[tuple[str, Setting], list[dict[str, Any]]] = {}
    for number in range(rounds):
        for work, setting in todo if number % 2 == 0 else reversed(todo):
            if (run := bench.call("run", setting, work, steps)) is not None:
                runs.setdefault((work.name, setting), []).append(run)
    return {(work.name, setting): figures(runs[work.name, setting]) for work, setting in todo}
