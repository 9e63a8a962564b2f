"""The variants of exact match."""

import pytest

from longread.grading import text


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("The Cat", "cat"),
        ("a  cat,  an owl", "cat owl"),
        ("1,234.5", "12345"),
        ("well-known", "wellknown"),
        ("don't", "dont"),
        ("A", ""),
        ("the", ""),
        ("...", ""),
        ("", ""),
        ("Theory", "theory"),
        ("“Paris”", "“paris”"),
        ("a-an-the", "aanthe"),
        ("tab\tand\nline", "tab and line"),
    ],
)
def test_normalise_is_squads(raw: str, normal: str) -> None:
    assert text.normalise(raw) == normal


CASES = [
    # answer, golds, cem, strict, l1_compat, exact
    ("Paris", ("Paris",), 1, 1, 1, 1),
    ("the city of Paris, France", ("Paris",), 1, 1, 1, 0),
    ("Paris", ("the city of Paris",), 0, 0, 1, 0),
    ("1984", ("1",), 1, 0, 1, 0),
    ("1", ("1984",), 0, 0, 1, 0),
    ("1 of 3", ("1",), 1, 1, 1, 0),
    ("Parisian", ("Paris",), 1, 0, 1, 0),
    ("Rome", ("Paris",), 0, 0, 0, 0),
    ("Rome", ("Paris", "Rome"), 1, 1, 1, 1),
    ("PARIS!", ("paris",), 1, 1, 1, 1),
    ("The Beatles", ("Beatles",), 1, 1, 1, 1),
    ("1,234", ("1234",), 1, 1, 1, 1),
    ("new york city", ("York City",), 1, 1, 1, 0),
    ("new yorkcity", ("York City",), 0, 0, 0, 0),
    ("A", ("A",), 1, 1, 1, 1),
    ("a", ("A",), 0, 0, 0, 0),
    ("Answer A", ("A",), 0, 0, 0, 0),
    ("anything", ("the",), 0, 0, 0, 0),
    ("?", ("?",), 1, 1, 1, 1),
    ("anything", ("",), 0, 0, 0, 0),
    ("", ("",), 1, 1, 1, 1),
    ("", ("Paris",), 0, 0, 1, 0),
    ("the", ("Paris",), 0, 0, 1, 0),
    ("Paris", (), 0, 0, 0, 0),
    ("not Paris", ("Paris",), 1, 1, 1, 0),
    ("42%", ("42",), 1, 1, 1, 1),
]


@pytest.mark.parametrize(("answer", "golds", "cem", "strict", "l1", "exact"), CASES)
def test_variants(answer: str, golds: tuple[str, ...], cem: int, strict: int, l1: int, exact: int) -> None:
    rules = (text.cem, text.strict, text.l1_compat, text.exact)
    assert tuple(rule(answer, golds) for rule in rules) == (cem, strict, l1, exact)
