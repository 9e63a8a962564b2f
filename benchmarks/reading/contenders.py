"""Who takes part."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
RIVALS = ROOT / "build" / "rivals" / "bin" / "python"
"""The rivals' environment; `requirements.txt` says how to make it."""
STRATEGIES = ("sequential", "speculative", "rounds", "search")
"""Longread's own, by name; one that is not registered is left out."""


class Contender(NamedTuple):
    """One way to read."""

    name: str
    origin: Literal["Longread", "real code", "made anew"]
    adapter: str
    """Module in `rivals/`."""
    options: dict[str, Any]

    @property
    def python(self) -> Path:
        """The interpreter that has what it needs."""
        return RIVALS if self.origin == "real code" else Path(sys.executable)

    @property
    def ours(self) -> bool:
        """Whether it is Longread's."""
        return self.origin == "Longread"


def contenders(only: list[str] | None = None) -> tuple[list[Contender], list[str]]:
    """All that can take part here, and why others cannot."""
    from longread.reading.strategies import strategies

    absent = [
        f"longread {name}: no such strategy is registered" for name in STRATEGIES if name not in strategies()
    ]
    found = [
        Contender(f"longread {name}", "Longread", "longread_reader", {"strategy": name})
        for name in STRATEGIES
        if name in strategies()
    ]
    found += [
        Contender("MemAgent", "made anew", "memagent", {}),
        Contender("PI-Mem", "made anew", "pimem", {}),
        Contender("BM25", "made anew", "bm25", {}),
    ]
    real = [
        Contender("LangChain refine", "real code", "langchain_refine", {}),
        Contender("LangChain map-reduce", "real code", "langchain_map_reduce", {}),
        Contender("LlamaIndex tree", "real code", "llamaindex_tree", {}),
        Contender("r3con", "real code", "r3con_run", {}),
    ]
    if RIVALS.exists():
        found += real
    else:
        absent += [f"{one.name}: {RIVALS} does not exist; see requirements.txt" for one in real]
    return [one for one in found if not only or one.name in only], absent
