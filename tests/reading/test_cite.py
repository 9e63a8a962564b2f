from hypothesis import given
from hypothesis import strategies as st

from longread.reading.cite import align

TEXT = (
    "Preface.\nThe  treaty was signed in\nGeneva on 14 March 1907 by the “High Council”.\n"
    "Its seat — a small house — is in **Lausanne**, the revenue was 14.5 million francs. "
    "Nothing else is known about the remaining years of the council."
)


def found(quote: str) -> str | None:
    span = align(quote, TEXT)
    return None if span is None else TEXT[span[0] : span[1]]


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


@given(st.text(max_size=200), st.text(max_size=60))
def test_any_input_gives_valid_offsets_or_nothing(text: str, quote: str) -> None:
    span = align(quote, text)
    if span is not None:
        assert 0 <= span[0] < span[1] <= len(text)


@given(st.text(max_size=100), st.text(min_size=1, max_size=60).filter(str.strip), st.text(max_size=100))
def test_what_stands_in_the_text_is_found(before: str, quote: str, after: str) -> None:
    span = align(quote, before + quote + after)
    assert span is not None
    assert (before + quote + after)[span[0] : span[1]] == quote.strip()
