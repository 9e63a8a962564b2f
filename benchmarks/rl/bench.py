"""Measurements, each in a process of its own, by the Python of its side."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.rl.limits import limit, shares
from benchmarks.rl.ours import run_ours
from benchmarks.rl.trl import run_trl
from benchmarks.rl.workload import WORKLOADS, Setting, Workload, write_model

ROOT = Path(__file__).parents[2]


class Bench:
    """Runs measurements, each in a process of its own."""

    def __init__(self, trl: Path, model: Path, seed: int) -> None:
        self._python = {"ours": sys.executable, "trl": str(trl)}
        self._model = model
        self._seed = seed

    def call(self, part: str, setting: Setting, workload: Workload = WORKLOADS[0], steps: int = 0) -> Any:
        """What a part gives; None where the side cannot run so."""
        order = [part, list(setting), list(workload), str(self._model), self._seed, steps]
        done = subprocess.run(
            [self._python[setting.side], "-m", "benchmarks.rl", "--part", json.dumps(order)],
            capture_output=True, text=True, cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": str(setting.threads), "HF_HUB_OFFLINE": "1",
                 "TOKENIZERS_PARALLELISM": "false"},
        )  # fmt: skip
        if done.returncode:
            why = (done.stderr.strip() or "no word").splitlines()[-1]
            print(f"  {setting.side}, {setting}: does not run: {why[:160]}", flush=True)
            return None
        return json.loads(done.stdout.splitlines()[-1])


def part(order: str) -> None:
    """One measurement, as JSON on the last line of standard output."""
    name, setting, workload, model, seed, steps = json.loads(order)
    how, work, folder = Setting(*setting), Workload(*workload), Path(model)
    run = run_trl if how.side == "trl" else run_ours
    if name == "model":
        write_model(folder, seed)
        made: Any = versions()
    elif name == "versions":
        made = versions()
    elif name == "limit":
        made = limit(how)
    elif name == "shares":
        made = shares(how, work, folder, seed)
    else:
        made = run(how, work, folder, seed, steps)
    print("\n" + json.dumps(made))


def versions() -> dict[str, str]:
    """Of what matters to speed."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in ("torch", "transformers", "trl"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
