"""Memory of this process, MiB."""

from __future__ import annotations

import resource
from pathlib import Path


def held() -> float:
    """Memory this process holds now, MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def peak() -> float:
    """The most it has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
