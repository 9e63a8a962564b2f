"""Runs one contender over its questions, in a process of its own: `python rivals/run.py < job.json > result.json`.

Works in the rivals' environment as in Longread's. What it measures of itself: CPU time of each run and peak memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Reads a job, runs its questions one after the other, writes what was told."""
    sys.path[0] = str(Path(__file__).resolve().parents[3])  # adapters are named like what they adapt
    job = json.load(sys.stdin)
    with contextlib.redirect_stdout(sys.stderr):  # what libraries print is no result
        results = asyncio.run(_all(job))  # in one loop: libraries keep connections that are bound to it
    json.dump(results, sys.stdout)


async def _all(job: dict[str, Any]) -> dict[str, Any]:
    from benchmarks.reading.rivals.job import Ask

    adapter = importlib.import_module(f"benchmarks.reading.rivals.{job['adapter']}")
    paragraphs = Path(job["text"]).read_text().split("\n\n")
    idle, results = _peak(), []
    for run in job["runs"]:
        ask = Ask(paragraphs, run["question"], key=run["label"], state=run["state"], **job["sizes"])
        Path(ask.state).mkdir(parents=True, exist_ok=True)
        begun, used = time.perf_counter(), time.process_time()
        result: dict[str, Any] = {"label": run["label"], "answer": None, "cited": None, "error": None}
        try:
            told = (
                (await adapter.answer_all(ask, run["more"]))[0] if run["more"] else await adapter.answer(ask)
            )
            result |= {"answer": told.answer, "cited": told.cited}
        except Exception as error:  # a failure is a wrong answer, and the others go on
            result["error"] = f"{type(error).__name__}: {error}"[:500]
        result |= {"cpu_s": time.process_time() - used, "wall_s": time.perf_counter() - begun}
        results.append(result)
    return {"runs": results, "peak_mib": _peak(), "idle_mib": idle}


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
