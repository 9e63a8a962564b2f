"""What one run comes to: right or wrong, and where its evidence was lost."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import BaseModel

from benchmarks.reading.account import Summary
from benchmarks.reading.oracle import Traits
from benchmarks.reading.protocol import REFERENCE
from benchmarks.reading.world import Item, World

Part = Literal["sweep", "path", "faults", "crash", "extra"]
_SAID = re.compile(r"It is ([^.\[\n]+?)\s*(?:\[[^\]\n]*\]\s*)*\.")


class Record(BaseModel):
    """One run."""

    part: Part
    contender: str
    seed: int
    item: str
    kind: str
    tokens: int
    chunks: int
    """Of the text, as the rivals are given it."""
    traits: Traits
    fault: str = ""
    right: bool
    error: str | None
    reached: float
    """Share of the needed facts that were in some prompt."""
    captured: float
    """Share that was in some reply. A right answer proves all of it, whatever words it used."""
    retained: float
    """Share that the answer was made from. A right answer proves all of it."""
    precision: float | None
    """Share of the cited facts that the answer needs; None without citations."""
    recall: float | None
    unread: float
    """Share of the text's paragraphs that never reached a prompt."""
    cpu_ms_per_chunk: float
    wall_s: float
    peak_mib: float
    idle_mib: float
    summary: Summary


def make_record(
    part: Part,
    contender: str,
    world: World,
    chunks: int,
    item: Item,
    traits: Traits,
    result: dict[str, Any],
    process: dict[str, Any],
    summary: Summary,
    fault: str = "",
) -> Record:
    """Puts together what the contender told and what the server saw."""
    needed = set(item.facts)
    said = _SAID.findall(result["answer"] or "")
    right = bool(said) and said[-1] == item.answer
    cited = None if result["cited"] is None else set(REFERENCE.findall(" ".join(result["cited"])))
    return Record(
        part=part,
        contender=contender,
        seed=world.seed,
        item=item.id,
        kind=item.kind,
        tokens=world.tokens,
        chunks=chunks,
        traits=traits,
        fault=fault,
        right=right,
        error=result["error"],
        reached=_share(needed, summary.reached),
        captured=1.0 if right else _share(needed, summary.captured),
        retained=1.0 if right else 0.0 if result["error"] else _share(needed, summary.retained),
        precision=len(cited & needed) / len(cited) if cited else None,
        recall=None if cited is None else len(cited & needed) / len(needed),
        unread=1 - summary.paragraphs / world.paragraphs,
        cpu_ms_per_chunk=1000 * result["cpu_s"] / chunks,
        wall_s=result["wall_s"],
        peak_mib=process["peak_mib"],
        idle_mib=process["idle_mib"],
        summary=summary,
    )


def _share(needed: set[str], found: list[str]) -> float:
    return len(needed & set(found)) / len(needed)
