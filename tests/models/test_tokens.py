from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.models.tokens import (
    Codec,
    Estimator,
    calibrate,
    truncate_middle,
    truncate_middle_ids,
    utf8_length,
)

ENGLISH = "The estimate learns from what the server reports. " * 100


@given(st.text(), st.floats(0.5, 4.0))
def test_count_is_a_ratio_of_the_bytes(text: str, ratio: float) -> None:
    assert Estimator(ratio).count(text) == math.ceil(len(text.encode()) / 4 * ratio)


def test_lone_surrogates_are_counted() -> None:
    assert utf8_length("a\ud800") == 4


@given(st.lists(st.floats(0.6, 3.5), min_size=1, max_size=60))
def test_later_counts_err_slightly_high(ratios: list[float]) -> None:
    estimator = Estimator()
    size = len(ENGLISH)
    for ratio in ratios:
        estimator.observe(size, round(size / 4 * ratio))
    median = sorted(ratios[-32:])[len(ratios[-32:]) // 2]
    assert median <= estimator.ratio <= max(ratios[-32:]) * 1.021


def test_one_odd_report_moves_it_little() -> None:
    estimator = Estimator()
    for tokens in [1200] * 10 + [5000] + [1200] * 10:
        estimator.observe(4000, tokens)
    assert estimator.ratio == pytest.approx(1.2 * 1.02)


def test_a_server_that_reports_only_part_of_a_prompt_cannot_ruin_it() -> None:
    estimator = Estimator()
    for _ in range(40):
        estimator.observe(400_000, 2050)
    assert estimator.ratio == 0.5


def test_short_prompts_teach_nothing() -> None:
    estimator = Estimator()
    assert not estimator.observe(800, 400)
    assert estimator.ratio == 1.0


async def test_a_tokenizer_sets_the_ratio_and_its_absence_changes_nothing() -> None:
    async def bytewise(text: str) -> int:
        return len(text)

    async def absent(text: str) -> None:
        return None

    estimator = Estimator()
    assert not await calibrate(estimator, absent, [ENGLISH])
    assert estimator.ratio == 1.0
    assert await calibrate(estimator, bytewise, [ENGLISH])
    assert estimator.count(ENGLISH) >= len(ENGLISH)


@given(st.lists(st.integers()), st.integers(0, 40))
def test_ids_keep_both_ends(ids: list[int], limit: int) -> None:
    kept = truncate_middle_ids(ids, limit)
    if len(ids) <= limit:
        assert kept == ids
    else:
        head = limit // 2
        assert kept == ids[:head] + ids[len(ids) - (limit - head) :]


@given(st.text(max_size=300), st.integers(0, 60), st.floats(0.5, 4.0))
def test_text_is_cut_to_the_limit_and_no_shorter(text: str, limit: int, ratio: float) -> None:
    count = Estimator(ratio).count
    cut = truncate_middle(text, limit, count)
    assert count(cut) <= limit
    if cut != text:
        head = len(cut) // 2
        tail = len(cut) - head
        assert text.startswith(cut[:head])
        assert text.endswith(cut[head:])
        one_more = text[: (len(cut) + 1) // 2] + text[len(text) - (len(cut) + 1 - (len(cut) + 1) // 2) :]
        assert tail + head < len(text)
        assert count(one_more) > limit


class Characters:
    """A tokenizer of one character a token."""

    def encode(self, text: str) -> list[int]:
        return [ord(character) for character in text]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(map(chr, ids))


@given(st.text("abcdefg", max_size=100), st.integers(1, 40))
def test_with_a_tokenizer_the_cut_is_between_tokens(text: str, limit: int) -> None:
    codec = Characters()
    assert isinstance(codec, Codec)
    cut = truncate_middle(text, limit, lambda t: len(codec.encode(t)), codec)
    ids = codec.encode(text)
    if len(ids) > limit:
        assert cut == codec.decode(ids[: limit // 2] + ids[-limit // 2 :])
    else:
        assert cut == text


@given(st.text(max_size=200), st.integers(0, 30))
def test_a_tokenizer_that_grows_on_reencoding_is_still_held_to_the_limit(text: str, limit: int) -> None:
    class Growing(Characters):
        def decode(self, ids: Sequence[int]) -> str:
            return super().decode(ids) + "\ufffd" * 80

    codec = Growing()
    assert len(codec.encode(truncate_middle(text, limit, lambda t: len(codec.encode(t)), codec))) <= limit
