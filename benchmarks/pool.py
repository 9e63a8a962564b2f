"""What several servers behind one reader give, one of them killed in mid-run and one slow.

    make bench-pool       # or: python benchmarks/pool.py --runs 96 --repeats 5

Servers that take a fixed time for a reply, so many at once, and do not compute. First each healthy server has runs
by itself, then all three share them, and one is killed while they do. Compared are calls a second while at least 32
runs go on: of the healthy two together from the kill on, with what it takes to notice, and of each alone. All answers
must be the right ones. Exits with 1 where the median is below 0.9.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from longread import Corpus, Reader
from longread.reading.events import ChunkRead, Finished
from tests.servers.fixed import FixedProcess
from tests.support import planted

QUICK, SLOW = 0.3, 1.2
"""Seconds a reply."""
SLOTS = 8
LEAST = 32
"""Runs at once, as long as it is measured."""
BAR = 0.9
"""Of the sum of the healthy."""


async def read(
    urls: Sequence[str], worlds: Sequence[planted.World], at_once: int, kill: FixedProcess | None = None
) -> float:
    """Calls a second; where a server is killed, which it is after as many calls as there are runs, from then on."""
    calls: list[float] = []
    ends: list[float] = []
    begin = 0.0
    room = asyncio.Semaphore(at_once)
    reader = Reader(
        "scripted", base_url=list(urls), strategy="sequential", window=8_192, chunk_tokens=500, revisits=0,
        temperature=0.0,
    )  # fmt: skip
    await reader.policy()
    start = time.perf_counter()

    async def one(world: planted.World) -> None:
        nonlocal begin
        async with room:
            async for event in reader.read(world.question, Corpus((world.document(),))):
                now = time.perf_counter() - start
                if isinstance(event, ChunkRead | Finished):
                    calls.append(now)
                    if kill and not begin and len(calls) == len(worlds):
                        begin = now
                        kill.kill()
                if isinstance(event, Finished):
                    ends.append(now)
                    assert event.answers[0].text == f"{world.answer} [1][2]", event.answers[0]

    await asyncio.gather(*map(one, worlds))
    await reader.close()
    assert len(ends) == len(worlds)
    end = ends[-LEAST]
    return sum(begin < at <= end for at in calls) / (end - begin)


def main() -> None:
    """Runs all and prints a line of JSON a repeat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=96)
    parser.add_argument("--at-once", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    worlds = [planted.plant(2_000, 2, seed=number, decoys=20) for number in range(args.runs)]
    ratios = []
    for _ in range(args.repeats):
        with (
            FixedProcess(QUICK, SLOTS) as victim,
            FixedProcess(QUICK, SLOTS) as quick,
            FixedProcess(SLOW, SLOTS) as slow,
        ):
            alone = [
                asyncio.run(read([server.base_url], worlds[:runs], args.at_once))
                for server, runs in ((quick, args.runs), (slow, args.runs // 2))
            ]
            urls = [server.base_url for server in (victim, quick, slow)]
            shared = asyncio.run(read(urls, worlds, args.at_once, victim))
        ratios.append(shared / sum(alone))
        told = f"{alone[0]:.1f} + {alone[1]:.1f} calls a second alone, {shared:.1f} together after the kill"
        print(f"{told}: {ratios[-1]:.1%}", flush=True)
    print(f"of the sum of the healthy: median {median(ratios):.1%} ({min(ratios):.1%} to {max(ratios):.1%})")
    sys.exit(median(ratios) < BAR)


if __name__ == "__main__":
    main()
