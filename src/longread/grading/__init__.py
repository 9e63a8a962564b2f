"""How answers are scored: pure functions that benchmarks, training rewards and synthesis checks share."""

from longread.grading.gold import Gold, Graded
from longread.grading.graders import grade, graders

__all__ = ["Gold", "Graded", "grade", "graders"]
