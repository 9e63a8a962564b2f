"""The registry, and what holds for every grader."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.errors import UsageError
from longread.grading import Gold, Graded, grade, graders
from longread.grading.longbook import ABSENT
from longread.grading.pass_at_k import pass_at_k

SNIPPETS = [
    "the answer is ", "The answer is: ", "The correct answer is (", "</think>", "*", "A", "B)", "1,234", ".5", "-",
    "$", "[1]", "; ", " and ", "\n", "9" * 5000, "\ud800", "İ", "ß", "١٢", "not in the documents", "Answer: ",
]  # fmt: skip
ANYTHING = st.lists(st.sampled_from(SNIPPETS) | st.text(max_size=8), max_size=12).map("".join) | st.text(
    alphabet=st.characters(), max_size=60
)
WORDS = st.lists(st.text("bcdefgxyz0189", min_size=1, max_size=8), min_size=1, max_size=4).map(" ".join)


@pytest.mark.parametrize("name", graders())
@given(response=ANYTHING, golds=st.lists(ANYTHING, max_size=3), prefix=st.sampled_from(["", "", "xY"]))
@settings(max_examples=150, deadline=None)
def test_no_grader_fails_on_any_text(name: str, response: str, golds: list[str], prefix: str) -> None:
    graded = grade(name, response, Gold(tuple(golds), prefix))
    assert 0 <= graded.score <= 1 and 0 <= graded.strict <= graded.score
    assert graded.contains in (None, 0, 1)


@pytest.mark.parametrize("name", sorted(set(graders()) - {"choice", "docmath"}))
@given(gold=WORDS, other=WORDS)
@settings(max_examples=100, deadline=None)
def test_a_gold_against_itself_scores_1(name: str, gold: str, other: str) -> None:
    plain = name in ("mrcr", "longmemeval", "ruler", "ruler_any", "bfcl")
    golds = (gold,) if name == "ruler" else (other, gold)
    if name == "corpusqa":
        response = f"The answer is: {gold}"
    else:
        response = gold if plain else f"Therefore, the answer is {gold}."
    assert grade(name, response, Gold(golds))[:2] == (1, 1)


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15) | st.integers())
def test_a_number_against_itself_scores_1(number: float) -> None:
    written = format(number, ".6f") if isinstance(number, float) else str(number)
    assert grade("docmath", f"the answer is {written}.", Gold((written,)))[:2] == (1, 1)


@pytest.mark.parametrize("letter", "ABCD")
def test_a_letter_against_itself_scores_1(letter: str) -> None:
    assert grade("choice", f"The correct answer is ({letter})", Gold((letter,)))[:2] == (1, 1)


def test_an_unknown_grader_is_refused_with_the_choices() -> None:
    with pytest.raises(UsageError, match=r"'bleu'.*cem.*reward"):
        grade("bleu", "", Gold(("x",)))


@pytest.mark.parametrize(
    ("name", "response", "golds", "graded"),
    [
        ("cem", "the answer is 1984.", ("1",), (1, 0, "1984", 0)),
        ("cem", "It is Paris.", ("Paris",), (0, 0, None, 1)),
        ("cem", "the answer is A", ("A",), (1, 1, "A", 0)),
        ("cem", "the answer is a", ("A",), (0, 0, "a", 0)),
        ("exact", "the answer is The Hague.", ("hague",), (1, 1, "The Hague", 1)),
        ("exact", "the answer is The Hague, NL", ("hague",), (0, 0, "The Hague, NL", 1)),
        ("exact", "The Hague", ("hague",), (0, 0, None, 1)),
        ("exact", "the answer is 1,234.", ("1234",), (1, 1, "1,234", 1)),
        ("exact", "the answer is **Paris**", ("paris",), (1, 1, "Paris", 1)),
        ("exact", "the answer is A", ("A",), (1, 1, "A", 0)),
        ("exact", "the answer is a", ("A",), (0, 0, "a", 0)),
        ("exact", "the answer is .", ("x",), (0, 0, "", 0)),
        ("exact", "<think>the answer is Rome</think>the answer is Paris", ("Rome",), (0, 0, "Paris", 0)),
        ("exact", "the answer is Rome. No, the answer is Paris.", ("Paris",), (1, 1, "Paris", 1)),
        ("exact", "the answer is Rome. No, the answer is Paris.", ("Rome",), (0, 0, "Paris", 1)),
        ("exact", "The answer is Paris", ("Paris",), (0, 0, None, 1)),
        ("exact", "the answer is well-known", ("wellknown",), (1, 1, "well-known", 1)),
        ("exact", "the answer is well known", ("well-known",), (0, 0, "well known", 0)),
        ("exact", "the answer is  an  old   mill ", ("old mill",), (1, 1, "an  old   mill", 1)),
        ("exact", "the answer is x", (), (0, 0, "x", 0)),
        ("exact", "the answer is Lyon", ("Paris", "Lyon"), (1, 1, "Lyon", 1)),
        ("exact", "the answer is 7.0", ("7",), (0, 0, "7.0", 0)),
        ("exact", "the answer is: Paris", ("Paris",), (1, 1, ": Paris", 1)),
        ("exact", "the answer is Zürich", ("Zurich",), (0, 0, "Zürich", 0)),
        ("exact", "", ("x",), (0, 0, None, 0)),
        ("corpusqa", "The answer is: 42 units\nmore", ("42",), (1, 1, "42 units", None)),
        ("corpusqa", "421", ("42",), (1, 0, "421", None)),
        ("corpusqa", "The answer is: Paris", ("Paris",), (1, 1, "Paris", None)),
        ("corpusqa", "the answer is: Paris", ("Paris",), (1, 1, "the answer is: Paris", None)),
        ("corpusqa", "The answer is Paris", ("Paris",), (1, 1, "The answer is Paris", None)),
        ("corpusqa", "The answer is: Rome\nThe answer is: Paris", ("Paris",), (0, 0, "Rome", None)),
        ("corpusqa", "The answer is: Rome\nThe answer is: Paris", ("Rome",), (1, 1, "Rome", None)),
        ("corpusqa", "<think>The answer is: Paris</think>Rome", ("Paris",), (0, 0, "Rome", None)),
        ("corpusqa", "<think>x</think>The answer is: 1,204", ("1204",), (1, 1, "1,204", None)),
        ("corpusqa", "The answer is: 1984", ("1",), (1, 0, "1984", None)),
        ("corpusqa", "The answer is: ", ("x",), (0, 0, None, None)),
        ("corpusqa", "", ("x",), (0, 0, None, None)),
        ("corpusqa", "The answer is: A", ("A",), (1, 1, "A", None)),
        ("corpusqa", "The answer is: Option A", ("A",), (0, 0, "Option A", None)),
        ("corpusqa", "The answer is: **Paris**", ("Paris",), (1, 1, "**Paris**", None)),
        ("corpusqa", "I counted 42 of 50", ("42",), (1, 1, "I counted 42 of 50", None)),
        ("corpusqa", "The answer is: forty-two", ("42",), (0, 0, "forty-two", None)),
        ("corpusqa", "The answer is: Alpha, Beta", ("Alpha, Beta",), (1, 1, "Alpha, Beta", None)),
        ("corpusqa", "The answer is: Beta, Alpha", ("Alpha, Beta",), (0, 0, "Beta, Alpha", None)),
        ("corpusqa", "So: The answer is: 12%.", ("12%",), (1, 1, "12%.", None)),
        ("longmemeval", "I do not know.", ("red bike",), (0, 0, "I do not know.", 0)),
        ("longmemeval", "A RED bike!", ("the red bike",), (1, 1, "A RED bike!", 1)),
        ("longmemeval", "a red and a bike", ("red bike",), (0, 0, "a red and a bike", 0)),
        ("longmemeval", "It was 18 days.", ("19 days",), (0, 0, "It was 18 days.", 0)),
        ("longmemeval", "19", ("19 days",), (0, 0, "19", 0)),
        ("longmemeval", "Three of them", ("3",), (0, 0, "Three of them", 0)),
        ("longmemeval", "1,500 dollars", ("1500",), (1, 1, "1,500 dollars", 1)),
        ("longmemeval", "$1500", ("1500",), (1, 1, "$1500", 1)),
        ("longmemeval", "before: Rome; now: Paris", ("Paris",), (1, 1, "before: Rome; now: Paris", 1)),
        ("longmemeval", "not Paris", ("Paris",), (1, 1, "not Paris", 1)),
        ("longmemeval", "Parisian", ("Paris",), (0, 0, "Parisian", 0)),
        ("longmemeval", "A", ("A",), (1, 1, "A", 1)),
        ("longmemeval", "It is A", ("A",), (0, 0, "It is A", 0)),
        ("longmemeval", "<think>no</think> Paris ", ("Paris",), (1, 1, "Paris", 1)),
        ("longmemeval", "<think>Paris", ("Paris",), (0, 0, "<think>Paris", 0)),
        ("longmemeval", "", ("Paris",), (0, 0, None, 0)),
        ("longmemeval", "Lyon", ("Paris", "Lyon"), (1, 1, "Lyon", 1)),
        ("longmemeval", "x", (), (0, 0, "x", 0)),
        ("reward", "the answer is 1,000 units", ("1000",), (1, 1, "1,000 units", 1)),
        ("reward", "the answer is not Paris but Rome", ("Paris",), (1, 1, None, 1)),
        ("reward", "The answer is Paris", ("Paris",), (0, 0, None, 1)),
        ("reward", "the answer is A", ("A",), (1, 1, "A", 0)),
        ("reward", "the answer is Option A", ("A",), (0, 0, "Option A", 0)),
        ("reward", "the answer is Rome. the answer is Paris", ("Rome",), (0, 0, "Paris", 1)),
        ("reward", "the answer is wellknown", ("well-known",), (1, 1, "wellknown", 1)),
        ("reward", "the answer is x", (), (0, 0, "x", 0)),
        ("reward", "", ("x",), (0, 0, None, 0)),
        ("reward", "the answer is *Paris*", ("Paris",), (1, 1, "Paris", 1)),
        ("reward", "the answer is Parisian", ("Paris",), (0, 0, "Parisian", 0)),
        ("reward", "<think>the answer is Paris", ("Paris",), (1, 1, "Paris", 1)),
        ("reward", "the answer is Paris.", ("Paris",), (1, 1, "Paris", 1)),
        ("reward", "the answer is 1984.", ("1",), (0, 0, "1984", 0)),
        ("reward", "Paris", ("Paris",), (0, 0, None, 1)),
        ("reward", "the answer is Paris or " + "Rome " * 12, ("Paris",), (1, 1, None, 1)),
        ("reward", "the answer is Paris or " + "Rome " * 17, ("Paris",), (0, 0, None, 1)),
        # A long gold that does not stand in the answer lends its length to no other.
        ("reward", "the answer is Paris or " + "Rome " * 17, ("Paris", "x" * 90), (0, 0, None, 1)),
        ("reward", "<think>the answer is Paris</think>no", ("Paris",), (0, 0, None, 0)),
    ],
)  # fmt: skip
def test_graders_on_extracted_answers(
    name: str, response: str, golds: tuple[str, ...], graded: tuple[float, float, str | None, float | None]
) -> None:
    said = grade(name, response, Gold(golds))
    assert (said.score, said.strict, said.contains) == (graded[0], graded[1], graded[3])
    assert graded[2] is None or said.answer == graded[2]
    assert name != "corpusqa" or said.answer == graded[2]


@pytest.mark.parametrize("over", [0, 1])
def test_a_reward_ends_where_hedging_begins(over: int) -> None:
    answer = "Paris " + "x" * (88 - 6 + over)
    assert grade("reward", f"the answer is {answer}", Gold(("Paris",))).score == 1 - over


@pytest.mark.parametrize("name", sorted(set(graders()) - {"mrcr"}))
@pytest.mark.parametrize("unit", ["- a\n", " . ", "the answer is 1,", "</think>", "[1,", "and ", "9"])
def test_a_megabyte_is_graded_in_one_pass(name: str, unit: str) -> None:
    response = unit * (1_000_000 // len(unit))
    assert isinstance(grade(name, response, Gold(("1; 2", ABSENT))), Graded)


@pytest.mark.parametrize(
    ("n", "c", "k", "chance"),
    [
        (1, 0, 1, 0),
        (1, 1, 1, 1),
        (10, 3, 1, 0.3),
        (2, 1, 2, 1),
        (4, 2, 2, 5 / 6),
        (5, 1, 3, 0.6),
        (200, 0, 100, 0),
        (3, 1, 1, 1 / 3),
        (3, 1, 2, 2 / 3),
        (3, 2, 2, 1),
        (4, 1, 2, 0.5),
        (4, 3, 2, 1),
        (5, 2, 2, 0.7),
        (5, 2, 3, 0.9),
        (6, 3, 3, 0.95),
        (8, 0, 8, 0),
        (8, 4, 1, 0.5),
        (10, 5, 2, 7 / 9),
        (10, 1, 10, 1),
        (100, 1, 50, 0.5),
    ],
)
def test_pass_at_k(n: int, c: int, k: int, chance: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(chance)


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_papers_product(case: tuple[int, int, int]) -> None:
    n, c, k = case
    product = 1.0 if n - c < k else 1 - math.prod(1 - k / i for i in range(n - c + 1, n + 1))
    assert pass_at_k(n, c, k) == pytest.approx(product, abs=1e-9)


@pytest.mark.parametrize(("n", "c", "k"), [(0, 0, 1), (3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_refuses_what_is_not_defined(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="not defined"):
        pass_at_k(n, c, k)
