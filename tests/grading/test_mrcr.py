"""MRCR's ratio is difflib's, as it stands on the data card."""

from difflib import SequenceMatcher

import pytest

from longread.grading import Gold, grade

P = "aYooSG8CQg"
LONG = "The tapir walks along the river and eats what grows there. " * 6


@pytest.mark.parametrize(
    ("response", "answer", "score"),
    [
        (P + "abcd", P + "abcd", 1.0),
        (P, P, 1.0),
        (P + "abcd", "abcd", 1.0),
        ("abcd", P + "abcd", 0.0),
        (" " + P + "abcd", P + "abcd", 0.0),
        ("\n" + P + "abcd", P + "abcd", 0.0),
        ("**" + P + "**abcd", P + "abcd", 0.0),
        (P.lower() + "abcd", P + "abcd", 0.0),
        (P[:-1], P + "abcd", 0.0),
        ("", P + "abcd", 0.0),
        (P, P + "abcd", 0.0),
        (P + "abcd", P, 0.0),
        (P + "ab", P + "abcd", 2 * 2 / 6),
        (P + "abXcd", P + "abcd", 2 * 4 / 9),
        (P + " abcd", P + "abcd", 2 * 4 / 9),
        (P + "wxyz", P + "abcd", 0.0),
        (P + "ABCD", P + "abcd", 0.0),
        (P + P + "abcd", P + "abcd", 2 * 4 / 18),
        ("<think>" + P + "</think>abcd", P + "abcd", 0.0),
        ("<think>x</think>" + P + "abcd", P + "abcd", 1.0),
        ("<think>x</think>\n\n" + P + "abcd", P + "abcd", 1.0),
        (P + LONG, P + LONG, 1.0),
    ],
)
def test_ratio(response: str, answer: str, score: float) -> None:
    assert grade("mrcr", response, Gold((answer,), P)).score == pytest.approx(score)


def test_arguments_are_response_then_answer() -> None:
    one, other = "tide", "diet"
    assert SequenceMatcher(None, one, other).ratio() != SequenceMatcher(None, other, one).ratio()
    assert grade("mrcr", one, Gold((other,))).score == SequenceMatcher(None, one, other).ratio()


def test_autojunk_stays_on_from_200_characters() -> None:
    shifted = "Here it is: " + LONG
    plain = SequenceMatcher(None, shifted, LONG, autojunk=False).ratio()
    score = grade("mrcr", shifted, Gold((LONG,))).score
    assert score == SequenceMatcher(None, shifted, LONG).ratio()
    assert plain > 0.95 and score < 0.1


def test_answers_below_200_characters_have_no_junk() -> None:
    short = LONG[:190]
    assert grade("mrcr", "Here it is: " + short, Gold((short,))).score > 0.9


def test_the_best_gold_counts() -> None:
    assert grade("mrcr", P + "abcd", Gold((P + "wxyz", P + "abcd"), P)).score == 1.0
