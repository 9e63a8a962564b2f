"""Benchmarks of general ability, which run through `inspect_evals` and stand in a table of their own.

Only names stand here; the package is imported when one is run. BFCL's memory tasks ask what the model itself has put
into a memory during earlier talks: `before` has to be run first, by the same model, and both get the same
`snapshot_id`. They need inspect_evals' extra `bfcl-v4`, and data from GitHub.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from longread.errors import UsageError

SNAPSHOT = "snapshot_id"
"""Parameter of tasks with a `before`, and of that; the same for both, such as the model's name."""


class General(NamedTuple):
    """A task of inspect_evals."""

    task: str
    """What Inspect finds it by."""
    title: str
    """Its column in tables."""
    parameters: Mapping[str, str] = MappingProxyType({})
    metric: str = "accuracy"
    before: str = ""
    """A task to run first with the same parameters."""


def _memory(kind: str, title: str) -> General:
    return General(
        "inspect_evals/bfcl",
        f"BFCL-V4 memory, {title}",
        MappingProxyType({"categories": f"memory_{kind}"}),
        before="inspect_evals/bfcl_prereqs",
    )


GENERAL: Mapping[str, General] = MappingProxyType(
    {
        "gpqa": General("inspect_evals/gpqa_diamond", "GPQA Diamond"),
        "aime24": General("inspect_evals/aime2024", "AIME 2024"),
        "aime25": General("inspect_evals/aime2025", "AIME 2025"),
        "mmlu_pro": General("inspect_evals/mmlu_pro", "MMLU-Pro"),
        "bfcl_kv": _memory("kv", "key-value"),
        "bfcl_vector": _memory("vector", "vector"),
        "bfcl_rec_sum": _memory("rec_sum", "recursive summary"),
    }
)


def get_general(name: str) -> General:
    """The task of that name; UsageError when there is none."""
    if name not in GENERAL:
        raise UsageError(
            f"there is no benchmark '{name}' of general ability; choose among {', '.join(GENERAL)}"
        )
    return GENERAL[name]
