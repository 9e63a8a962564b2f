"""The benchmarks. Importing the package makes all of them known."""

from longread.evals.benchmarks import (
    corpusqa,
    docmath,
    frames,
    longbench_v1,
    longbench_v2,
    longbook,
    longbook_nano,
    longmemeval,
    mrcr,
    ruler,
)
from longread.evals.benchmarks.base import (
    Benchmark,
    Hub,
    Item,
    Material,
    Options,
    Text,
    benchmarks,
    get_benchmark,
)
from longread.evals.benchmarks.general import GENERAL, General, get_general

__all__ = [
    "GENERAL",
    "Benchmark",
    "General",
    "Hub",
    "Item",
    "Material",
    "Options",
    "Text",
    "benchmarks",
    "corpusqa",
    "docmath",
    "frames",
    "get_benchmark",
    "get_general",
    "longbench_v1",
    "longbench_v2",
    "longbook",
    "longbook_nano",
    "longmemeval",
    "mrcr",
    "ruler",
]
