"""Whether `longread train plan` knows what memory training takes: planned beside measured, at three sizes.

    python benchmarks/plan.py             # 1M, 10M and 100M parameters, some minutes

Each measurement is a process of its own that trains two steps (next tokens) by the loop of `longread train`, on the
CPU. What is measured is the most that the process held (VmHWM) above what it held after it trained a model of
next to nothing, with all libraries loaded, and where what is freed goes back to the system (`GIVES_BACK`); planned is
the sum of the plan's rows but for libraries. The slope is that of least squares through all points.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from longread.training.memory import one_process
from longread.training.shapes import read_shape
from longread.training.stage import Sizes, Supervised
from longread.training.workload import workload

VOCABULARY = 2_048
SIZES = {"1M": (128, 4, 4, 384), "10M": (384, 5, 6, 1_152), "100M": (1_024, 8, 16, 3_072)}
"""Width, layers, heads (half as many for keys), inner width."""
HEAD = 64
PASSES = (256, 512)
"""Tokens of a pass."""
WINDOW = 256
PASSES_A_STEP = 2
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
"""Settings of glibc, which else keeps much of what small tensors leave; --keep measures it so."""


class Point(NamedTuple):
    """A measurement beside its plan, bytes."""

    size: str
    pass_tokens: int
    parameters: int
    planned: int
    measured: int
    libraries: int
    """What the process held with libraries alone."""


def stage(folder: Path, pass_tokens: int, model: str = "model") -> Supervised:
    """Two steps of two full passes each."""
    return Supervised(
        kind="supervised",
        target="text",
        model=str(folder / model),
        data=str(folder / "data"),
        sizes=Sizes(window=WINDOW),
        steps=2,
        batch=PASSES_A_STEP * pass_tokens // WINDOW,
        pass_tokens=pass_tokens,
        precision="float32",
    )


def prepare(folder: Path, size: str) -> None:
    """A model with random weights, a tokenizer of whole words, and one long text."""
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from longread.training.rollouts import Case
    from longread.types import Document, Sample
    from tests.support import lookup

    lookup.write_checkpoint(folder / "tiny", width=16, layers=1)
    model = lookup.write_checkpoint(folder / "model")  # for its tokenizer
    width, layers, heads, inner = SIZES[size]
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=inner, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=heads // 2, head_dim=HEAD, tie_word_embeddings=True,
        pad_token_id=0, bos_token_id=None, eos_token_id=1,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(model)
    text = Document("d", "d.txt", "al dia " * (4 * PASSES[-1]))
    sample = Sample("s", "reading", "lookup", "?", "!", "exact", ("d",), split="train")
    lookup.write_data(folder / "data", [Case(sample, (text,))])


def measure(folder: Path, pass_tokens: int) -> tuple[int, int]:
    """Bytes held before and at most while training; to be called in a process of its own."""
    import torch

    from longread.training.trainer import train

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))

    async def work(own: Supervised) -> None:
        with tempfile.TemporaryDirectory() as out:
            async for _ in train(own, Path(out) / "run"):
                pass

    asyncio.run(work(stage(folder, WINDOW, "tiny")))
    before = held("VmRSS")
    asyncio.run(work(stage(folder, pass_tokens)))
    return before, held("VmHWM")


def held(line: str) -> int:
    """Bytes, as a line of the process's status says; ru_maxrss would begin with what the parent held."""
    status = Path("/proc/self/status").read_text()
    return next(int(one.split()[1]) for one in status.splitlines() if one.startswith(line)) * 1024


def point(size: str, pass_tokens: int, *, keep: bool = False) -> Point:
    """One size with passes of so many tokens; `keep` leaves the allocator as it is."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder, size)
        command = [sys.executable, __file__, "--measure", str(folder), "--pass-tokens", str(pass_tokens)]
        env = os.environ | ({} if keep else GIVES_BACK)
        done = subprocess.run(command, env=env, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr)
        before, peak = json.loads(done.stdout.splitlines()[-1])
        shape, own = read_shape(str(folder / "model")), stage(folder, pass_tokens)
        parts = one_process(shape, own, workload(own), width=4, gpu=False)[1:]
        planned = max(sum(part.drawing for part in parts), sum(part.learning for part in parts))
        return Point(size, pass_tokens, shape.parameters, planned, peak - before, before)


def slope(points: Sequence[Point]) -> float:
    """Measured over planned, by least squares with an intercept."""
    x = [one.planned for one in points]
    y = [one.measured for one in points]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / sum(
        (a - mean_x) ** 2 for a in x
    )


def main() -> None:
    """Prints a row for each point, and the slope."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(SIZES), help="which of them")
    parser.add_argument("--keep", action="store_true", help="leave glibc's allocator as it is")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--pass-tokens", type=int, default=PASSES[0], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(Path(given.measure), given.pass_tokens)))
        return
    points = []
    print(
        "| parameters | tokens of a pass | planned, MiB | measured, MiB | measured / planned | libraries, MiB |"
    )
    print("|---|---|---|---|---|---|")
    for size in given.sizes.split(","):
        for pass_tokens in PASSES:
            one = point(size, pass_tokens, keep=given.keep)
            points.append(one)
            print(
                f"| {one.parameters:,} | {pass_tokens:,} | {one.planned / 2**20:,.0f} | {one.measured / 2**20:,.0f} "
                f"| {one.measured / one.planned:.2f} | {one.libraries / 2**20:,.0f} |",
                flush=True,
            )
    print(f"slope {slope(points):.3f}")


if __name__ == "__main__":
    main()
