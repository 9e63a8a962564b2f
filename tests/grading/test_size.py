"""Nominal tokens."""

import pytest

from longread.grading.size import tokens


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("x", 1), ("xxxx", 1), ("xxxxx", 2), ("éé", 1), ("ééé", 2), ("漢字", 2)]
)
def test_tokens_are_bytes_over_four_rounded_up(text: str, count: int) -> None:
    assert tokens(text) == count
