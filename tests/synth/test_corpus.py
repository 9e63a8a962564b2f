"""What of a corpus is used, and in which split."""

from __future__ import annotations

import random

from longread.synth.alike import Alike
from longread.synth.corpus import choose
from tests.synth.pages import document, documents, records


def _words(seed: int, count: int = 400) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices("abcdefghij", k=6)) for _ in range(count)]


def test_generated_pages_are_all_kept_in_order_with_their_splits():
    given = documents()
    chosen = choose(given)
    assert list(chosen.documents) == given and chosen.left == ()
    assert list(chosen.splits.values()) == ["train"] * 30 + ["evaluation"] * 16


def test_the_first_of_exact_duplicates_stays():
    text = " ".join(_words(1))
    chosen = choose([document(text, "a"), document(" ".join(_words(2)), "b"), document(text, "c")])
    assert [one.source for one in chosen.documents] == ["a", "b"]
    assert [tuple(left) for left in chosen.left] == [("c", "the same as a")]


def test_the_first_of_near_duplicates_stays():
    words = _words(1)
    changed = [*words[:200], "changed", *words[201:]]
    half = [*words[:200], *_words(3, 200)]
    given = [document(" ".join(text), source) for text, source in ((words, "a"), (changed, "b"), (half, "c"))]
    chosen = choose(given)
    assert [one.source for one in chosen.documents] == ["a", "c"]
    assert [tuple(left) for left in chosen.left] == [("b", "nearly the same as a")]


def test_layout_alone_makes_no_other_document():
    words = _words(1)
    chosen = choose([document(" ".join(words), "a"), document("\n\n".join(words), "b")])
    assert [left.reason for left in chosen.left] == ["nearly the same as a"]


def test_what_is_short_or_no_text_is_left_out():
    chosen = choose(
        [
            document("x" * 199, "short"),
            document("x" * 200, "long"),
            document("ab !? +" * 50 + "-" * 400, "marks"),
        ]
    )
    assert [one.source for one in chosen.documents] == ["long"]
    assert [left.source for left in chosen.left] == ["short", "marks"]
    assert chosen.left[0].reason == "shorter than 200 characters"
    assert chosen.left[1].reason.endswith("letters and digits") and "13%" in chosen.left[1].reason


def test_nothing_gives_nothing():
    assert choose([]) == ((), {}, (), {})


def test_the_generator_is_deterministic():
    assert records(1) == records(1) != records(2)


def test_what_is_nearly_the_same_is_the_first_of_those_alike():
    one, other = " ".join(_words(1, 60)), " ".join(_words(2, 60))
    alike = Alike()
    assert [alike.add(text) for text in (one, other, f"{one}.", one, "a b", "a b", "a c")] == [
        None, None, 0, 0, None, 2, None,
    ]  # fmt: skip
