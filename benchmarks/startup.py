"""What `longread --help` costs beyond a bare interpreter: medians of 7, taken in turn.

make bench
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time


def seconds(*args: str) -> float:
    """Wall time of one process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *args], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measures and prints."""
    pairs = [(seconds("-c", "pass"), seconds("-m", "longread", "--help")) for _ in range(7)]
    bare, help_ = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"bare interpreter {bare:.3f} s, longread --help {help_:.3f} s, beyond it {help_ - bare:.3f} s")


if __name__ == "__main__":
    main()
