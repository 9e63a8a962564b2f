"""What a server's prefix cache saves when the chunk stands first in a prompt.

    python benchmarks/prefix.py

Several questions on one text, each in a run of its own, with `chunk_first` and without, by turns, at a real server
that has a prefix cache: `transformers serve` with continuous batching, over a tiny model with random weights. The
first question of either side fills the cache and is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from longread import Corpus, Document, Journal, Reader
from tests.servers.checkpoint import make_checkpoint
from tests.servers.real import RealServer, serve_checkpoint

WORDS = "river stone market letter winter engine harbour council garden window paper bridge".split()


def text(words: int) -> str:
    """Lines of words and numbers."""
    rng = random.Random(0)
    drawn = [f"{rng.choice(WORDS)} {rng.randrange(10**4)}" for _ in range(words // 2)]
    return "\n".join(" ".join(drawn[at : at + 6]) for at in range(0, len(drawn), 6))


async def ask(
    server: RealServer, corpus: Corpus, number: int, state: Path, *, first: bool
) -> tuple[float, int]:
    """Seconds and calls of one question."""
    journal = Journal(state)
    reader = Reader(
        server.model, base_url=server.base_url, journal=journal, strategy="sequential", chunk_first=first, revisits=0,
        window=8_192, chunk_tokens=2_000, notes_tokens=64, answer_tokens=16, thinking_tokens=0, attempts=1,
        temperature=0.0,
    )  # fmt: skip
    begun = time.perf_counter()
    answer = await reader.aask(f"What is said of letter {number}?", corpus)
    spent = time.perf_counter() - begun
    await reader.close()
    journal.close()
    return spent, answer.usage.calls


def main() -> None:
    """Runs both sides and prints a line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=6)
    parser.add_argument("--words", type=int, default=4_000)
    args = parser.parse_args()
    corpus = Corpus((Document("d", "d.txt", text(args.words)),))
    spent: dict[bool, list[float]] = {True: [], False: []}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        make_checkpoint(folder / "hub")
        with serve_checkpoint(folder / "hub", folder / "log", "--continuous-batching") as server:
            for number in range(args.questions):
                for first in (True, False) if number % 2 else (False, True):
                    state = folder / f"state-{first}"
                    seconds, calls = asyncio.run(ask(server, corpus, number, state, first=first))
                    print(
                        f"question {number}, chunk_first={first}: {calls} calls, {seconds:.2f} s", flush=True
                    )
                    spent[first].append(seconds)
    later = {first: statistics.median(times[1:]) for first, times in spent.items()}
    print(json.dumps({"first_s": later[True], "plain_s": later[False], "ratio": later[False] / later[True]}))


if __name__ == "__main__":
    main()
