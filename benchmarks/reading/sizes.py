"""How much is measured: a quick look, or all of it."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.reading.oracle import Traits


class Scale(NamedTuple):
    """The sizes that hold for all contenders alike, in tokens."""

    chunk: int
    notes: int
    """Of notes or memory, and of any one reply."""
    window: int
    concurrency: int = 16


class Size(NamedTuple):
    """Of the worlds, and what is run over them."""

    seeds: tuple[int, ...]
    items: int
    """For each seed."""
    tokens: int
    """Of the text that the sweep runs over."""
    traits: tuple[Traits, ...]
    faulty: int
    """How many questions are asked again with each kind of fault."""
    lengths: tuple[int, ...]
    """Tokens of the texts on which the critical path, processor time and memory are measured."""
    faults_every: int = 7
    small: Scale = Scale(500, 600, 4_096)
    """Of the sweep: many questions in little time. What prompts say beside the text weighs more here."""
    real: Scale = Scale(5_000, 2_000, 32_768, 1_024)
    """Of the critical path: as many calls at once as anyone has use for."""


FULL = Size(
    seeds=(0, 1, 2),
    items=22,
    tokens=10_000,
    traits=tuple(
        Traits(capture=capture, overwrite=lost) for capture in (1.0, 0.8) for lost in (0.0, 0.02, 0.1)
    ),
    faulty=5,
    lengths=(100_000, 400_000, 1_000_000, 4_000_000),
)
QUICK = Size(
    seeds=(0,),
    items=5,
    tokens=8_000,
    traits=(Traits(), Traits(capture=0.9, overwrite=0.1)),
    faulty=1,
    lengths=(100_000,),
)
