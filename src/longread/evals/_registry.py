"""What Inspect finds under `longread/…` through its entry point."""

from longread.evals.tasks import graded, reader

__all__ = ["graded", "reader"]
