"""DocMath's rule with its quirks, none of which runs what a model wrote."""

import pytest

from longread.grading import Gold, grade
from longread.grading.number import Number, extracted, matches, parse


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("the answer is 5", "5"),
        ("The Answer IS 5", "5"),
        ("the answer is 1,234.50.", "1234.50"),
        ("the answer is **(12)**", "12"),
        ("the answer is $5", "$5"),
        ("the answer is $-5", "$-5"),
        ("the answer is -$5", None),
        ("the answer is ≈ 5", None),
        ("the answer is ≈5", "≈5"),
        ("the answer is =$5", "=$5"),
        ("the answer is $=5", None),
        ("the answer is +5", None),
        ("the answer is: 5", None),
        ("the answer is unknown, so the answer is 7", "7"),
        ("the answer is 1, no, the answer is 2", "1"),
        ("the answer is about 5", None),
        ("the answer is 1e999", "1"),
        ("the answer is ١٢", None),
        ("the answer is 5%", "5"),
        ("the answer is ...", None),
        ("the answer is __import__('os')", None),
        ("the answer is 9**9**9", "999"),
    ],
)
def test_extraction(text: str, number: str | None) -> None:
    assert extracted(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5", 5),
        ("-5", -5),
        ("$-5.25", -5.25),
        ("≈£5", 5),
        ("0", 0),
        ("000", 0),
        ("007", None),
        ("007.5", 7.5),
        (".5", 5),
        ("..5", 5),
        ("...5", 0.5),
        (".5.3", 5.3),
        ("-.5", -0.5),
        ("1.2.3", None),
        ("", None),
        ("-", None),
        ("$", None),
        ("9" * 4300, int("9" * 4300)),
        ("9" * 4301, None),
        ("9" * 400 + ".5", float("inf")),
        ("__import__('os')", None),
        ("9**9**9", None),
        ("١٢", None),
    ],
)
def test_parsing_reads_what_python_would_and_nothing_else(text: str, number: Number | None) -> None:
    assert parse(text) == number


@pytest.mark.parametrize(
    ("said", "gold", "equal"),
    [
        (100, 100, True),
        (100.14, 100, True),
        (100.16, 100, False),
        (99.86, 100, True),
        (99.84, 100, False),
        (0.5, 50, True),  # ×100
        (0.5007, 50, True),
        (0.501, 50, False),
        (5.001, 5000, True),  # ×1000
        (3, 299900, True),  # ×100000
        (3, 30, True),  # a power of ten
        (3, 30.01, False),  # ×10 is no scale
        (7, 7 * 10**12, True),
        (-5, 5, True),  # the ratio of magnitudes is 1
        (-0.5, 50, True),
        (-5.001, 5, False),
        (0.001, 0.009, True),  # both round up to 0.01
        (-0.001, 0.009, True),
        (0.001, 0.011, False),
        (0, 0, True),
        (0, 0.001, False),
        (0.0, 0, True),
        (float("inf"), 5, False),
        (5, float("inf"), False),
        (10**4000, 5, False),
        (10**4000, 10**4000, True),
        (1e300, 1e-300, False),
    ],
)
def test_official_rule(said: Number, gold: Number, equal: bool) -> None:
    assert matches(said, gold) is equal


@pytest.mark.parametrize(
    ("response", "gold", "score", "strict", "answer"),
    [
        ("the answer is 12.5.", "12.5", 1, 1, "12.5"),
        ("the answer is $1,234", "1234", 1, 1, "$1234"),
        ("the answer is 5 million", "5000000", 1, 1, "5"),
        ("the answer is 5 million", "5100000", 0, 0, "5"),
        ("the answer is 12%", "0.12", 1, 1, "12"),
        ("the answer is -12", "12", 1, 0, "-12"),
        ("the answer is 12", "-12", 1, 0, "12"),
        ("the answer is -12", "-12", 1, 1, "-12"),
        ("the answer is -0.001", "0.009", 1, 0, "-0.001"),
        ("the answer is 1.2.3", "0", 1, 0, "1.2.3"),  # what cannot be read counts as 0
        ("the answer is 007", "7", 0, 0, "007"),
        ("the answer is 0", "0", 1, 1, "0"),
        ("the answer is five", "5", 0, 0, None),
        ("five", "5", 0, 0, None),
        ("", "5", 0, 0, None),
        ("<think>the answer is 4</think>the answer is 5", "5", 1, 1, "5"),
        ("<think>the answer is 5</think>", "5", 1, 0, None),
        ("<think>the answer is 5</think>unknown", "5", 0, 0, None),
        ("the answer is 1", "1e-05", 1, 1, "1"),  # the gold's own reading stops at the e
        ("the answer is 5", "True", 0, 0, "5"),
        ('the answer is __import__("os").getpid()', "5", 0, 0, None),
        ("the answer is 9**9**9", "999", 1, 1, "999"),
        ("the answer is " + "9" * 10_000, "5", 0, 0, "9" * 10_000),
        ("the answer is 5", "9" * 400 + ".5", 0, 0, "5"),
    ],
)
def test_grade(response: str, gold: str, score: int, strict: int, answer: str | None) -> None:
    assert grade("docmath", response, Gold((gold,)))[:3] == (score, strict, answer)
