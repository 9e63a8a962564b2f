"""Contexts hold what is needed, and are as long as asked and no longer."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from longread.synth.context import fill

_NAMES = [f"d{n}" for n in range(20)]
_SIZES = st.fixed_dictionaries({name: st.integers(1, 50) for name in _NAMES})
_SOME = st.lists(st.sampled_from(_NAMES), max_size=6)


@given(_SIZES, _SOME, _SOME, st.integers(1, 300), st.integers(0, 100), st.integers())
def test_what_is_required_is_kept_and_bounds_hold(
    tokens: dict[str, int], required: list[str], near: list[str], target: int, more: int, seed: int
):
    def filled() -> tuple[str, ...] | None:
        return fill(random.Random(seed), required, near, _NAMES, tokens, target, target + more)

    found = filled()
    assert found == filled()
    least = sum(tokens[doc] for doc in set(required))
    if found is None:
        assert least > target + more
        return
    total = sum(tokens[doc] for doc in found)
    assert len(set(found)) == len(found)
    assert set(required) <= set(found) <= set(_NAMES)
    assert total <= target + more
    if total < target:  # nothing else fits
        assert all(total + tokens[doc] > target + more for doc in set(_NAMES) - set(found))
    elif set(found) != set(required):
        assert total - max(tokens[doc] for doc in set(found) - set(required)) < target


def test_hard_and_easy_distractors_are_both_drawn_and_order_varies():
    near, others = _NAMES[1:11], _NAMES[11:]
    tokens = dict.fromkeys(_NAMES, 10)
    hard, places = 0, set()
    for seed in range(60):
        found = fill(random.Random(seed), ["d0"], near, others, tokens, 70, 70)
        assert found is not None and len(found) == 7
        hard += len(set(found) & set(near))
        places.add(found.index("d0"))
    assert places == set(range(7))
    assert 120 < hard < 240


def test_too_little_is_all_there_is():
    found = fill(random.Random(0), ["d0"], [], ["d1"], {"d0": 3, "d1": 4}, 100, 200)
    assert found is not None and sorted(found) == ["d0", "d1"]
