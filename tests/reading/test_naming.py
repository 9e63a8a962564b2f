"""Names in texts and in questions."""

from __future__ import annotations

import pytest

from longread.reading.naming import asked, mentions, names, names_only, telling


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The founder of Omega Works is Greta North-Hill.", {"omega works", "greta north hill"}),
        ("Riga: what is it? What of Perth's port?\nWhere?", {"riga", "perth"}),
        ("In welchem Jahr wurde der Dom von Ürümqi gebaut?", {"jahr", "dom", "ürümqi"}),
        ("The U.S. and I, says J. Smith.", {"smith"}),
        ("Рига лежит на Даугаве", {"рига", "даугаве"}),
        ("U\u0308ru\u0308mqi", {"ürümqi"}),
        ("what is it", set()),
        ("谁是 Google的创始人?", set()),
    ],
)
def test_names_are_words_with_capitals_side_by_side(text: str, found: set[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Who founded Omega Works?", {"omega works"}),
        ("Einstein was born where in Germany?", {"einstein", "germany"}),
        ("Riga or Perth: which is larger?", {"riga", "perth"}),
        ("Who is the wife of Dr. Smith?", {"dr", "smith"}),
        ("Name the mayor of riga.", set()),
        ("Is it so?\nName the mayor: Now, please.", set()),
        ("WHO IS THE MAYOR OF RIGA?", set()),
        ("What Is The Capital Of France?", set()),
        ("Where do I set the port?", set()),
        ("Where do I find Riga?", {"riga"}),
        ("Name Leo Hill's pet.", {"name leo hill", "leo hill"}),
        (
            "He sings. *Describe Omega Works*.\nList Perth",
            {"describe omega works", "omega works", "list perth", "perth"},
        ),
        ("Who sings? Leo Hill (1) Nina Green (2)", {"leo hill", "nina green"}),
        ("Leo Hill's pet?\nNina Green's pet?", {"leo hill", "nina green"}),
        ("Who is Dr. Leo Hill?", {"dr", "leo hill"}),
        ("Q: Locate Leo Hill", {"locate leo hill", "leo hill"}),
    ],
)
def test_a_question_asks_by_name_where_its_capitals_say_something(question: str, found: set[str]) -> None:
    assert asked(question) == found


def test_a_text_mentions_a_name_where_it_stands_whole_however_it_is_written() -> None:
    for text in (
        "Omega Works sells wax.",
        "wax by OMEGA-WORKS",
        "**Omega** Works’s seat",
        "the Omega Wor\u00adks",
    ):
        assert mentions(text, {"perth", "omega works"})
    for text in ("Omega sells works.", "Omega Workshops", "Tomega Works", ""):
        assert not mentions(text, {"omega works"})
    assert not mentions("Omega Works", set())


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("How many people have the pet newt?", {"newt", "newts"}),
        ("how many NEWTS, and what pet Newt?", {"newt", "newts"}),
        ("how many of the town's pets are newts we've got?", {"newt", "newts"}),
        ("List every pet newt", {"newt", "newts"}),
        ("Which crowd has the pet newt?", {"newt", "newts", "crowd"}),
        ("tell the age of the newts and the pony", {"newt", "newts", "pony"}),
        ("what is the old pony?", {"old", "pony"}),
        ("which crowd has a ferret?", {"crowd", "ferret", "ferrets"}),
        ("what is old?", set()),
        ("which cat?", set()),
        ("", set()),
    ],
)
def test_what_is_asked_about_without_a_name_is_told_by_all_words_but_a_common_one(
    question: str, found: set[str]
) -> None:
    texts = ["the pet newt of the pony: a list", "Ada's newts", "a crowd of pets, 've", *["a pet, old"] * 7]
    assert telling(question, [*texts, *["the ferrets", "that ferret"] * 2]) == found


@pytest.mark.parametrize(
    ("plan", "kept"),
    [
        ("Who governs Kyoto?", True),
        ("Find who governs Kyoto", True),
        ("Governor of Kyoto", True),
        ("Governor: Kyoto or Leo Hill", True),
        ("Kyoto governor", True),
        ("Find Leo Hill", True),
        ("Leo Hill's town", True),
        ("Find Nina Hill", False),
        ("Who governs Kyoto or Perth?", False),
        ("Nina Hill's Kyoto", False),
        ("Find who governs it", False),
        ("", False),
    ],
)
def test_a_text_names_only_what_is_known(plan: str, kept: bool) -> None:
    assert names_only(plan, {"kyoto", "leo hill"}) is kept
