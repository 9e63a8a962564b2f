"""What skipping lines without the names asked for saves, and what it changes.

    python benchmarks/skip.py [--tokens 32768] [--samples 4] [--seed N]

`--model nano` reads questions of its world's five tasks, with names that training never has, greedily: each once with
its own prompt set, which skips, and once with the same but `skip = false`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from longread import Answer, Corpus, Reader
from longread.grading import Gold, grade
from longread.models.base import PROMPTS
from longread.models.discover import NANO_FOLDER
from longread.worlds.nano.questions import TASKS, make

TOKENS_OF_A_LINE = 7.7
"""About."""
WORLD_SEED = 3_000


def timed(reader: Reader, question: str, corpus: Corpus) -> tuple[Answer, float]:
    """An answer, and the seconds it took."""
    begun = time.perf_counter()
    return reader.ask(question, corpus), time.perf_counter() - begun


def main() -> None:
    """A line of JSON for each task, and one for all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=32_768)
    parser.add_argument("--samples", type=int, default=4, help="Of each task.")
    parser.add_argument("--seed", type=int, default=WORLD_SEED)
    given = parser.parse_args()
    totals = [0.0] * 7
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / PROMPTS
        whole.write_text(
            (NANO_FOLDER / PROMPTS).read_text("utf-8").replace("skip = true", "skip = false"), "utf-8"
        )
        skipping, reading = (
            Reader("nano", temperature=0, strategy="sequential", prompts=prompts)
            for prompts in (None, str(whole))
        )
        for reader in (skipping, reading):  # the first question loads the model
            reader.ask("Who?", Corpus(make("reading", 8, given.seed, 0, "evaluation", (2,))[1]))
        for task in TASKS:
            sums = [0.0] * 7
            for index in range(given.samples):
                lines = int(given.tokens / TOKENS_OF_A_LINE)
                sample, documents = make(task, lines, given.seed, index, "evaluation", (2, 3))
                short, seconds = timed(skipping, sample.question, Corpus(documents))
                full, more = timed(reading, sample.question, Corpus(documents))
                gold = Gold((sample.answer,))
                right = [grade(sample.grader, one.text, gold).contains == 1 for one in (short, full)]
                found = (seconds, more, short.chunks.total, short.chunks.skipped, 1, *right)
                sums = [one + other for one, other in zip(sums, found, strict=True)]
            totals = [one + other for one, other in zip(totals, sums, strict=True)]
            show(task, sums)
    show("all", totals)


def show(name: str, sums: list[float]) -> None:
    """Prints what was summed up."""
    seconds, more, chunks, skipped, asked, right, right_whole = sums
    print(
        json.dumps(
            {
                "task": name,
                "questions": int(asked),
                "right": int(right),
                "right, read whole": int(right_whole),
                "chunks": int(chunks),
                "skipped": round(skipped / chunks, 3),
                "times as fast": round(more / seconds, 1),
            }
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
