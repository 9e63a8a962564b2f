from hypothesis import given
from hypothesis import strategies as st

from longread.reading.cite import Haystack, align

TEXT = (
    "Preface.\nThe  treaty was signed in\nGeneva on 14 March 1907 by the “High Council”.\n"
    "Its seat — a small house — is in **Lausanne**, the revenue was 14.5 million francs. "
    "Nothing else is known about the remaining years of the council."
)


def found(quote: str, *texts: str) -> str | None:
    """What `quote` is aligned with in the first text it is aligned with."""
    texts = texts or (TEXT,)
    match = align(quote, [Haystack(text) for text in texts])
    return None if match is None else texts[match[0]][match[1].start : match[1].end]


def test_exact_quote_is_found_where_it_stands() -> None:
    assert found("Nothing else is known") == "Nothing else is known"


def test_white_space_case_quotation_marks_and_markup_may_differ() -> None:
    assert (
        found('the treaty was signed in geneva on 14 March 1907 by the "high council".')
        == "The  treaty was signed in\nGeneva on 14 March 1907 by the “High Council”."
    )
    assert found("a small house - is in Lausanne") == "a small house — is in **Lausanne"


def test_a_few_wrong_characters_are_forgiven_but_never_a_number() -> None:
    assert found("Nothing else is knwon about the remaining years") is not None
    assert found("The treaty was signed in Geneva on 15 March 1907") is None
    assert found("the revenue was 145 million francs") is None


def test_an_ellipsis_joins_parts_in_order() -> None:
    assert found("treaty was signed … on 14 March 1907") == "treaty was signed in\nGeneva on 14 March 1907"
    assert found("on 14 March 1907 … treaty was signed") is None


def test_what_is_not_there_is_not_found() -> None:
    assert found("The treaty was never ratified by anyone at all") is None
    assert found("") is None
    assert found(" … ") is None


def test_an_exact_match_in_a_later_text_comes_before_a_near_one_in_an_earlier() -> None:
    old = "The chairman of the society is Peter Alban, elected for life."
    new = "The chairman of the society is Petra Alban, elected for life."
    match = align(new, [Haystack(old), Haystack("beta\n"), Haystack(new)])
    assert match is not None
    assert match[0] == 2


def test_a_text_shorter_than_the_quote_does_not_hold_it() -> None:
    assert found("Jane Roe signed the alphabetical beta contract", "beta\n") is None


def test_a_quote_does_not_match_within_a_word_or_number() -> None:
    assert found("42", "In 1942 it began. The answer is 42.") is None  # twice, and short
    assert found("art of war", "The cart of war, the art of war.") == "art of war"
    assert align("art of war", [Haystack("cart of war, art of war")])[1].start == 13
    assert found("東京", "彼は東京に住んでいる") == "東京"


def test_an_ellipsis_tries_each_place_of_its_first_part() -> None:
    text = "The treaty was void. " + "x " * 400 + "The treaty was signed in Rome."
    assert found("The treaty … in Rome", text) == "The treaty was signed in Rome"


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_input_gives_valid_offsets_or_nothing(text: str, quote: str) -> None:
    match = align(quote, [Haystack(text)])
    if match is not None:
        assert 0 <= match[1].start < match[1].end <= len(text)


@given(st.text(max_size=100), st.text(min_size=4, max_size=60).filter(str.strip), st.text(max_size=100))
def test_what_stands_in_the_text_is_found(before: str, quote: str, after: str) -> None:
    text = f"{before} {quote} {after}"
    if len(quote.strip()) >= 4:
        assert found(quote, text) == quote.strip()
