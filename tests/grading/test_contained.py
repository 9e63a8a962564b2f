"""RULER, BFCL and OOLONG."""

import pytest

from longread.grading import Gold, grade

R = ("1234567", "7654321")


@pytest.mark.parametrize(
    ("response", "golds", "share", "words", "any_of", "any_words"),
    [
        ("1234567 and 7654321", R, 1, 1, 1, 1),
        ("1234567", R, 0.5, 0.5, 1, 1),
        ("none", R, 0, 0, 0, 0),
        ("", R, 0, 0, 0, 0),
        ("912345670", R, 0.5, 0, 1, 0),
        ("1,234,567", R, 0, 0, 0, 0),
        ("**1234567**", R, 0.5, 0.5, 1, 1),
        ("VAR abcde", ("ABCDE",), 1, 1, 1, 1),
        ("abcdef", ("ABCDE",), 1, 0, 1, 0),
        ("two\tlines", ("two\nlines",), 1, 1, 1, 1),  # control characters become line breaks
        ("1234567" * 2, R, 0.5, 0, 1, 0),
        ("<think>1234567</think>7654321", R, 0.5, 0.5, 1, 1),
        ("anything", (), 0, 0, 0, 0),
        ("anything", ("",), 1, 0, 1, 0),
        ("a.b", ("a.b",), 1, 1, 1, 1),
        ("axb", ("a.b",), 0, 0, 0, 0),
        ("1 2 3", ("1", "2", "4", "5"), 0.5, 0.5, 1, 1),
        ("x_1", ("1",), 1, 0, 1, 0),
        ("(1)", ("1",), 1, 1, 1, 1),
        ("É", ("é",), 1, 1, 1, 1),
    ],
)
def test_ruler(
    response: str, golds: tuple[str, ...], share: float, words: float, any_of: int, any_words: int
) -> None:
    assert grade("ruler", response, Gold(golds))[:2] == (share, words)
    assert grade("ruler_any", response, Gold(golds))[:2] == (any_of, any_words)


@pytest.mark.parametrize(
    ("response", "gold", "score", "strict"),
    [
        ("It is April 1, 2024.", "April 1 2024", 1, 1),
        ("april 1,2024", "April 1 2024", 0, 0),
        ("APRIL 1 2024", "April 1, 2024", 1, 1),
        ("1984", "1", 0, 0),
        ("1 of 3", "1", 1, 1),
        ("1,984", "1984", 1, 1),
        ("x-ray", "xray", 1, 1),
        ("x ray", "x-ray", 0, 0),
        ("(bold) **word**", "bold word", 1, 1),
        ("snake_case", "snakecase", 1, 1),
        ("3.5", "35", 1, 1),  # the dot is deleted
        ("5%", "5%", 0, 0),  # no word boundary after the sign
        ("5%a", "5%", 1, 0),
        ("5% of it", "5", 1, 1),
        ("it's", "it's", 1, 1),
        ("'quoted'", '"quoted', 0, 0),
        ("some word", "-", 1, 0),  # nothing is left of the gold
        ("two  spaces", "-", 1, 0),
        ("", "-", 0, 0),
        ("", "word", 0, 0),
        ("<think>word</think>other", "word", 0, 0),
        ("a.b", "a.b", 1, 1),
        ("a|b", "a|c", 0, 0),
    ],
)
def test_bfcl(response: str, gold: str, score: int, strict: int) -> None:
    assert grade("bfcl", response, Gold((gold,)))[:2] == (score, strict)
    assert grade("bfcl", response, Gold(("nowhere", gold))).score == score


@pytest.mark.parametrize(
    ("response", "gold", "score", "strict"),
    [
        ("the answer is 12", "12", 1, 1),
        ("the answer is 13", "12", 0.75, 0),
        ("the answer is 10", "12", 0.75**2, 0),
        ("the answer is [12].", "12", 1, 1),
        ("the answer is (12)", "12", 1, 1),
        ("the answer is Label: spam", "spam", 1, 1),
        ("the answer is User: [77]", "77", 1, 1),
        ("the answer is -3", "3", 0.75**6, 0),
        ("the answer is 3.0", "3", 0, 0),
        ("the answer is 1,234", "1234", 0, 0),
        ("the answer is " + "9" * 5000, "3", 0, 0),
        ("the answer is 1000000", "3", 0, 0),
        ("the answer is spam", "ham", 0, 0),
        ("the answer is Spam", "spam", 0, 0),
        ("the answer is more common", "more common than", 1, 1),
        ("the answer is common", "more common than", 0, 0),
        ("Answer: 12", "12", 1, 1),
        ("Label: **spam**", "spam", 1, 1),
        ("Answer: the label spam is more common than the label ham", "more common than", 1, 1),
        ("12", "12", 1, 1),
        ("I counted all of them, twelve", "twelve", 1, 1),
        ("I counted all of them, 12.", "12", 0, 0),
        ("", "12", 0, 0),
        ("<think>Answer: 12</think>Answer: 13", "12", 0.75, 0),
    ],
)
def test_oolong(response: str, gold: str, score: float, strict: int) -> None:
    graded = grade("oolong", response, Gold((gold,)))
    assert (graded.score, graded.strict) == (pytest.approx(score), strict)
