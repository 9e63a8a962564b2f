"""docs/scale.md: what large jobs cost, computed from constants that were measured here, published, or assumed.

Measured constants are taken from the pages that tell of the measurement, so that no figure is written twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from longread.training.plan import EFFICIENCY, FILL, SPARSE, Plan, plans

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scale.md"
TEXTS = (4_000_000, 100_000_000)
CHUNK = 5_000
CHUNKS = 801
"""Of the 4M tokens that were read."""
SHORT = 10
"""A chain of so many calls does not grow with the text."""


class Constant(NamedTuple):
    """A number with where it is from."""

    name: str
    value: float
    source: str


def measured(page: str, pattern: str, what: str, *names: str) -> list[Constant]:
    """The numbers that a page tells of a measurement: the groups of a pattern in it."""
    found = re.search(pattern, " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split()))
    assert found, f"{page} no longer tells: {what}"
    values = [float(text.replace(",", "")) for text in found.groups()]
    return [
        Constant(name, value, f"measured: [{what}]({page})")
        for name, value in zip(names, values, strict=True)
    ]


WAYS = {
    way: measured(
        "benchmarks.md",
        rf"\| Longread {way} \| ([\d,]+) \| ([\d,]+) \| [\d,]+ \| [\d.]+ \| ([\d.]+) \|",
        "4M tokens over a stub of a model",
        f"`{way}`: calls",
        f"`{way}`: longest chain of calls",
        f"`{way}`: the client's milliseconds a chunk",
    )
    for way in ("sequential", "speculative", "rounds")
}
(PROMPT,) = measured(
    "benchmarks.md", r"no prompt was above ([\d,]+) tokens of a", "the same", "tokens of a prompt, at most"
)
MIB = measured(
    "benchmarks.md",
    r"\| 64 \| 1,000,000 \|(?:[^|]*\|){4} (\d+) \|.*?\| 64 \| 10,000,000 \|(?:[^|]*\|){4} (\d+) \|",
    "64 calls at once",
    "the client's MiB at 1M tokens",
    "the client's MiB at 10M tokens",
)
SYNTHESIS = measured(
    "experiments.md",
    r"([\d,]+) samples in (\d+) min (\d+) s \(4 min 56 s of processor time\)",
    "questions over 263 pages",
    "samples",
    "minutes that they took",
    "and seconds",
)
REPLY = Constant("tokens of a reply", 200, "assumed; with thinking, thousands")
PREFILL = Constant("tokens read a second by the server", 30_000, "assumed: some 30B-A3B on one H100")
DECODE = Constant("tokens written a second, one reply", 100, "assumed")
TOGETHER = Constant("tokens written a second, all replies", 3_000, "assumed")
IN = Constant("price of a million tokens read", 0.10, "assumed")
OUT = Constant("price of a million tokens written", 0.40, "assumed")
MADE = Constant("questions made", 42_700, "published: arXiv 2512.12967")
KEPT = Constant("questions kept", 14_100, "published: the same")
MEAN = Constant("tokens of a context, mean", 34_231, "published: the same")
TRIES = Constant(
    "tries of each kind", 4, "the default of [synthesis](synth.md): with no, the required, all documents"
)
REQUIRED = Constant("share of a context that is required", 0.1, "assumed")
GPU = Constant("price of a GPU hour", 2.50, "assumed")


class Reading(NamedTuple):
    """What a text takes."""

    calls: int
    chain: int
    read: float
    written: float
    hours: float
    price: float
    mib: float


def reading(way: Iterable[Constant], tokens: int) -> Reading:
    """Scales the measured reading of 4M tokens to a text."""
    calls_4m, chain_4m, client = (one.value for one in way)
    chunks = math.ceil(tokens / CHUNK)
    calls = math.ceil(calls_4m * chunks / CHUNKS)
    chain = math.ceil(chain_4m * chunks / CHUNKS) if chain_4m > SHORT else int(chain_4m)
    read, written = calls * PROMPT.value, calls * REPLY.value
    waiting = chain * (PROMPT.value / PREFILL.value + REPLY.value / DECODE.value)
    seconds = max(waiting, 3600 * served(read, written), chunks * client / 1000)
    small, large = (one.value for one in MIB)
    mib = small + (large - small) * (tokens / 1e6 - 1) / 9
    return Reading(calls, chain, read, written, seconds / 3600, price(read, written), mib)


def served(read: float, written: float) -> float:
    """Hours of a server that is never idle."""
    return (read / PREFILL.value + written / TOGETHER.value) / 3600


def price(read: float, written: float) -> float:
    """Of tokens."""
    return (read * IN.value + written * OUT.value) / 1e6


def scale_page() -> str:
    """docs/scale.md."""
    samples, minutes, seconds = (one.value for one in SYNTHESIS)
    own = MADE.value * (60 * minutes + seconds) / samples
    calls = 3 * TRIES.value * MADE.value
    read = TRIES.value * MADE.value * MEAN.value * (1 + REQUIRED.value)
    written = calls * REPLY.value
    return _PAGE.format(
        reading="\n".join(_readings()),
        reading_constants=_table([*(one for way in WAYS.values() for one in way), PROMPT, *MIB]),
        server_constants=_table([REPLY, PREFILL, DECODE, TOGETHER, IN, OUT]),
        chunks=CHUNKS,
        made=f"{MADE.value:,.0f}",
        kept=f"{KEPT.value:,.0f}",
        share=f"{KEPT.value / MADE.value:.0%}",
        own=f"{own / 3600:.2f}",
        calls=f"{calls:,.0f}",
        read=_short(read),
        written=_short(written),
        hours=f"{served(read, written):,.0f}",
        price=f"{price(read, written):,.0f}",
        synthesis_constants=_table([*SYNTHESIS, MADE, KEPT, MEAN, TRIES, REQUIRED]),
        training="\n".join(_trainings()),
        fill=FILL,
        efficiency=EFFICIENCY,
        sparse=SPARSE,
        training_constants=_table([GPU]),
    )


def _readings() -> Iterator[str]:
    for tokens in TEXTS:
        for name, way in WAYS.items():
            one = reading(way, tokens)
            yield (
                f"| {_short(tokens)} | `{name}` | {one.calls:,} | {one.chain:,} | {_short(one.read)} "
                f"| {_short(one.written)} | {one.hours:,.2f} | {one.price:,.2f} | {one.mib:,.0f} |"
            )


def _trainings() -> Iterator[str]:
    for recipe in ("qwen3-4b", "qwen3-30b-a3b"):
        usual, full = (
            list(plans(ROOT / "recipes" / recipe, fill=fill, questions=int(KEPT.value)))
            for fill in (FILL, 1.0)
        )
        for one, most in zip(usual, full, strict=True):
            learning = one.seconds.learning / sum(one.seconds)
            before = f"{one.selection.seconds / 3600:,.0f}" if one.selection else ""
            yield (
                f"| {recipe} | {one.name} | {_short(one.tokens)} | {one.steps} | {one.hours:,.0f} | {before} "
                f"| {learning:.0%} | {_costs([one])} | {most.hours:,.0f} |"
            )
        hours = sum(one.hours for one in usual)
        most_hours = sum(one.hours for one in full)
        yield f"| {recipe} | in all | | | {hours:,.0f} | | | {_costs(usual)} | {most_hours:,.0f} |"


def _costs(stages: Iterable[Plan]) -> str:
    hours = sum(one.hours * one.processors for one in stages)
    return f"{hours:,.0f} | {hours * GPU.value:,.0f}"


def _table(constants: Iterable[Constant]) -> str:
    rows = [f"| {one.name} | {one.value:,.10g} | {one.source} |" for one in constants]
    return "\n".join(["| constant | value | from |", "|---|---|---|", *rows])


def _short(number: float) -> str:
    for unit, size in (("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if number >= size:
            return f"{number / size:,.3g}{unit}"
    return f"{number:,.0f}"


_PAGE = """\
# What large jobs cost

Generated by `make docs` from the constants below. *Measured* means here, on 2 cores without a GPU, as told on the
page that is linked; *published*, in the paper or by a maker; *assumed*, a guess that **you should replace by your own
figure**. Money is in the currency of the prices. For your own text `longread ask --dry-run` is more exact, and for
your own stage of training `longread train plan`.

## Reading

    chunks = tokens / 5,000
    calls  = chunks * calls over 4M tokens / {chunks}; the chain likewise, but for that of rounds, which does not grow
    read   = calls * tokens of a prompt; written = calls * tokens of a reply
    hours  = the largest of
             chain * (tokens of a prompt / tokens read a second + tokens of a reply / tokens written, one reply)
             read / tokens read a second + written / tokens written, all replies
             chunks * the client's time
    price  = read * price of reading + written * price of writing
    MiB    = a line through what the client held at 1M and 10M tokens

| tokens | strategy | calls | chain | read | written | hours | price | client, MiB |
|---|---|---|---|---|---|---|---|---|
{reading}

4M tokens were read (over a stub of a model; a chunk in twenty held something to note), 100M are extrapolated.

{reading_constants}

Of the server, one for all of it:

{server_constants}

## Synthesising the paper's samples

{made} questions are made to keep {kept}, if as many are kept as in the paper ({share}).

    own work = made * time measured / samples measured         {own} hours on 2 cores, without a model
    calls    = made * tries * 3 kinds                          {calls}
    read     = made * tries * context * (1 + share required)   {read} tokens
    written  = calls * tokens of a reply                       {written} tokens
    hours    = as above, the server never idle                 {hours}
    price    = as above                                        {price}

Questions, answers and proofs need no model; what costs are the tries. A server with a prefix cache reads a prompt
once for all tries with it, which is not counted.

{synthesis_constants}

## Training 4B and 30B

    forward  = 2 * active parameters * tokens + 4 * layers * heads * head width * tokens seen, summed over tokens
    learning = (3 * updates + 1) * forward over all conversations / (GPUs * operations a second); updates is 1 here
    drawing  = forward over each prompt / (GPUs * operations a second) + replies / tokens drawn a second,
               which is bound by reading weights, keys and values, for as many replies at once as the KV cache holds
    select   = drawing of k attempts at each of the {kept} questions, before a stage that selects
    hours    = select + steps * (drawing + learning); price = hours * GPUs * price of a GPU hour

| recipe | stage | tokens a step | steps | hours | select | learning | GPU hours | price | hours at its limit |
|---|---|---|---|---|---|---|---|---|---|
{training}

Texts and replies take {fill} of what a stage allows: published of the paper's texts (mean over longest), assumed of
replies. GPUs reach {efficiency} of an H100's 989 TFLOP/s and 3.35 TB/s (the maker's), with a mixture of experts
{sparse}. Published of training are 0.21 to 0.35 (Qwen3-8B, texts of 1M tokens: huggingface/transformers#48324), 0.39
(Qwen3-32B, 4K: pytorch/torchtitan#1690) and under 0.2 to 0.3 (Qwen3-30B-A3B: alibaba/Pai-Megatron-Patch#643); of
drawing it is assumed. Activations that are computed again count in that share. A stage selects from all questions,
though those with texts longer than it reads would be left out. A judge, checkpoints and failures come on top. Nothing
of this table was run: measure your first steps, and give `longread train plan` the `--fill` and `--efficiency` that
fit them. `learning` is its share of a step, `select` part of the hours. Most of the cost is
replies, so it grows with how long a model thinks.

{training_constants}
"""
