"""LongBench-v2's letters."""

import pytest

from longread.grading import Gold, grade


@pytest.mark.parametrize(
    ("response", "answer", "score", "strict"),
    [
        ("The correct answer is (B)", "B", 1, 1),
        ("The correct answer is B", "B", 1, 1),
        ("The correct answer is B.", "B", 1, 1),
        ("**The correct answer is (B)**", "B", 1, 1),
        ("The correct answer is **B**", "B", 1, 1),
        ("The correct answer is (A)", "A", 0, 0),
        ("the correct answer is (B)", None, 0, 0),
        ("The correct answer is (b)", None, 0, 0),
        ("The correct answer is (E)", None, 0, 0),
        ("The correct answer is: (B)", None, 0, 0),
        ("The correct answer is  (B)", None, 0, 0),
        ("The correct answer is Birds", "B", 1, 0),
        ("The correct answer is (B", None, 0, 0),
        ("The correct answer is (B) … The correct answer is (A)", "B", 1, 0),
        ("The correct answer is (A) … The correct answer is (B)", "A", 0, 0),
        ("The correct answer is A, no: The correct answer is (B)", "B", 1, 0),
        ("The correct answer is (B). The correct answer is (B)", "B", 1, 1),
        ("<think>The correct answer is (A)</think>The correct answer is (B)", "B", 1, 1),
        ("<think>The correct answer is (B)</think>", None, 0, 0),
        ("B", None, 0, 0),
        ("(B)", None, 0, 0),
        ("", None, 0, 0),
    ],
)
def test_letter(response: str, answer: str | None, score: int, strict: int) -> None:
    graded = grade("choice", response, Gold(("B",)))
    assert (graded.answer, graded.score, graded.strict) == (answer, score, strict)
