"""Longbook's exact match on a short answer."""

import pytest

from longread.grading import Gold, grade
from longread.grading.longbook import ABSENT, equal, final
from longread.reading.policy import NOT_ANSWERED


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("Paris", "Paris"),
        ("The answer is Paris.", "Paris."),
        ("THE ANSWER IS Paris", "Paris"),
        ("Therefore, the answer is: **Paris** [1][n3].", "Paris ."),
        ("The answer is Rome. The answer is Paris", "Paris"),
        ("The answer is Paris\nIt is in France.", "Paris"),
        ("The answer is:\n\nParis", "Paris"),
        ("<think>The answer is Rome</think>Paris", "Paris"),
        ("Paris\nRome", "Paris; Rome"),
        ("- Paris\n- Rome\n", "Paris; Rome"),
        ("1. Paris\n2. Rome", "Paris; Rome"),
        ("- Paris", "- Paris"),
        ("[1984]", "[1984]"),
        ("[n12, n3]", "[n12, n3]"),
        ("1984 [12]", "1984"),
        ("", ""),
        ("The answer is", ""),
    ],
)
def test_final(response: str, answer: str) -> None:
    assert final(response) == answer


@pytest.mark.parametrize(
    ("answer", "gold", "same"),
    [
        ("Paris", "Paris", True),
        ("paris.", "Paris", True),
        ("“Paris”", "Paris", True),
        ("(Paris)", "Paris", True),
        ("Ｐａｒｉｓ", "Paris", True),
        ("STRASSE", "straße", True),
        ("New   York", "New York", True),
        ("Paris, France", "Paris", False),
        ("Paris", "Paris, France", False),
        ("1,234", "1234", True),
        ("1234", "1,234,567", False),
        ("1,234,567", "1234567", True),
        ("1,23", "123", False),
        ("-5", "5", False),
        ("−5", "-5", True),
        ("- Paris", "Paris", True),
        (".5", "5", False),
        ("-.5", ".5", False),
        ("5%", "5", False),
        ("$5", "5", False),
        ("5.0", "5", False),
        ("A; B", "A; B", True),
        ("b and a", "A; B", True),
        ("A, B", "A; B", True),
        ("A, and B.", "A; B", True),
        ("'A'; “B”", "A; B", True),
        ("1,200; 900", "900; 1200", True),
        ("1,200, 900", "900; 1200", True),
        ("1200 and 900", "900; 1,200", True),
        ("A", "A; B", False),
        ("A; B; C", "A; B", False),
        ("A; A", "A; B", False),
        ("A or B", "A; B", False),
        ("Spencer and Marks", "Marks and Spencer", False),
        ("Marks and Spencer", "Marks and Spencer", True),
        ("Tesco; Marks and Spencer", "Marks and Spencer; Tesco", True),
        ("Anderson", "Ander; son", False),
        ("Not in the documents.", ABSENT, True),
        (NOT_ANSWERED, ABSENT, True),
        ("Not in the documents, but Paris", ABSENT, False),
        ("Not in the documents. It is Paris.", ABSENT, False),
        ("Paris", ABSENT, False),
        ("not in the documents", "Paris", False),
        ("?", "?", True),
        ("!", "?", False),
    ],
)
def test_equal(answer: str, gold: str, same: bool) -> None:
    assert equal(answer, gold) is same


@pytest.mark.parametrize(
    ("response", "golds", "score", "contains"),
    [
        ("The answer is Paris [1].", ("Paris",), 1, 1),
        ("The answer is Rome, not Paris.", ("Paris",), 0, 1),
        ("It was Paris, as the letter says.", ("Paris",), 0, 1),
        ("Parisian", ("Paris",), 0, 0),
        ("Paris", ("Rome", "Paris"), 1, 1),
        ("See [1]", ("1",), 0, 0),
        ("The answer is A in one letter and B in the other.", ("A1; B1",), 0, 0),
        ("Ann says 12, Bob says 14.", ("12; 14",), 0, 1),
        ("Ann says 12.", ("12; 14",), 0, 0),
        ("The documents do not answer this question.", (ABSENT,), 1, 1),
        ("The answer is not in the documents.", (ABSENT,), 1, 1),
        ("Rome.", (ABSENT,), 0, 0),
        ("x" * 128, ("x" * 128,), 1, 1),
        ("x" * 129, ("x" * 129,), 0, 1),
        ("é" * 65, ("é" * 65,), 0, 1),
        ("The answer is Paris.\n" + "Because. " * 100, ("Paris",), 1, 1),
        ("<think>Paris</think>Rome", ("Paris",), 0, 0),
        ("", ("Paris",), 0, 0),
        ("Paris", (), 0, 0),
        ("The answer is Paris [n3].", ("paris",), 1, 1),
    ],
)
def test_grade(response: str, golds: tuple[str, ...], score: int, contains: int) -> None:
    graded = grade("longbook", response, Gold(golds))
    assert (graded.score, graded.strict, graded.contains) == (score, score, contains)
