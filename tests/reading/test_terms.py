"""Search terms: what two spellings of one thing share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.reading.terms import overlap, terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("founder", "founded"),
        ("cities", "city"),
        ("raises", "raised"),
        ("running", "run"),
        ("location", "located"),
        ("independence", "independent"),
        ("used", "using"),
        ("1,234", "1234"),
        ("Bogotá", "bogota"),
        ("２０２０", "2020"),
        ("Jane's", "Jane"),
    ],
)
def test_spellings_of_one_word_are_one_term(one: str, other: str) -> None:
    assert terms(one) == terms(other) != []


def test_identifiers_are_split_and_kept_whole() -> None:
    assert {"timeoutexpired", "timeout", "expir"} <= set(terms("TimeoutExpired"))
    assert {"request_queue_size", "request", "queu", "siz"} <= set(terms("request_queue_size"))
    assert {"subprocess.run", "subprocess", "run"} <= set(terms("subprocess.run(x)"))


def test_function_words_and_question_words_are_dropped() -> None:
    assert terms("Which of the two is it, and where?") == ["two"]


def test_chinese_and_japanese_become_bigrams_without_particles() -> None:
    assert {"山田", "田太", "太郎", "設立", "会社", "本社"} == set(
        terms("山田太郎が設立した会社の本社はどこですか")
    )
    assert {"公司", "总部", "城市"} <= set(terms("张伟的公司总部在哪个城市？"))
    assert terms("猫") == ["猫"]
    assert "トヨ" in terms("トヨタ")


def test_overlap_is_the_share_of_terms_found() -> None:
    assert overlap(terms("founder of Acme"), "Acme was founded in 1990.") == 1.0
    assert overlap(terms("founder of Acme"), "Bolt was founded in 1990.") == 0.5
    assert overlap([], "anything") == 0.0


@given(st.text())
def test_any_text_has_terms_and_they_do_not_depend_on_what_came_before(text: str) -> None:
    assert terms(text) == terms(text)
    assert all(terms(text))
