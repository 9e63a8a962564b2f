"""Rollouts and updates of reinforcement learning: tokens a second and peak memory, beside TRL's GRPOTrainer.

    make bench-rl         # or: python -m benchmarks.rl --trl build/trl/bin/python

Both sides have the same model (a Qwen3 with random weights), prompts, group size and lengths; no reply ends early.
TRL lives in an environment of its own. Each side tries its threads, types and ways to generate first; then the best
settings run by turns, each in a process of its own, so that peak memory is its own. TRL is taken at its best for
each figure apart, Longread with the one setting whose step is fastest. Told too is how far ours is from the machine's
limit.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.rl.bench import Bench, part
from benchmarks.rl.figures import tell
from benchmarks.rl.search import finalists, measured
from benchmarks.rl.workload import ATTEMPTS, LAYERS, QUESTIONS, VOCABULARY, WIDTH, WORKLOADS, Setting


def busy() -> float:
    """CPU seconds that all processes of the machine have used."""
    user, nice, system = map(int, Path("/proc/stat").read_text().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Runs all, prints a table and a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trl", type=Path, default=Path("build/trl/bin/python"), help="Python that has TRL")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="processes of each setting")
    parser.add_argument("--steps", type=int, default=4, help="measured steps of a process")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.part:
        part(args.part)
        return
    if not args.trl.exists():
        parser.error(f"{args.trl} does not exist: `make bench-rl` makes it")
    begun, used = time.perf_counter(), busy()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args.trl.absolute(), Path(folder), args.seed)
        found = {
            "ours": bench.call("model", Setting("ours", 1, "fp32")),
            "trl": bench.call("versions", Setting("trl", 1, "fp32")),
        }
        report: dict[str, Any] = {
            "cores": os.cpu_count(), "versions": found, "seed": args.seed, "load_before": os.getloadavg()[0],
            "workloads": {},
        }  # fmt: skip
        print(
            f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.2f}; {found}; seed {args.seed}; {LAYERS} layers, "
            f"width {WIDTH}, vocabulary {VOCABULARY:,}; {QUESTIONS} questions x {ATTEMPTS} attempts"
        )
        types = {"ours": ["bf16"], "trl": ["bf16", "bf16-weights"]}
        for workload in WORKLOADS:
            settings = finalists(bench, workload, args.threads, 2, types)
            results = measured(bench, workload, settings, args.rounds, args.steps)
            share = bench.call("shares", settings[0], workload)
            share["gflops_limit"] = bench.call("limit", settings[0])
            report["workloads"][workload.name] = tell(workload, settings[0], results, share)
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = resource.getrusage(resource.RUSAGE_SELF)
    mine = spent.ru_utime + spent.ru_stime + own.ru_utime + own.ru_stime
    report["seconds"] = time.perf_counter() - begun
    report["others_cpu_share"] = max(0.0, busy() - used - mine) / report["seconds"] / (os.cpu_count() or 1)
    print(
        f"\n{report['seconds']:.0f} s; other processes used {report['others_cpu_share']:.1%} of the machine's cores"
    )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
