import collections

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.errors import InputError
from longread.training.sampling import BalancedSampler, equal_draw, retrospective

TASKS = {"dialogue": list("abcdefg"), "multi_hop": list("hijklmnopqrstuvw"), "numerical": ["x"]}


@given(st.integers(1, 17), st.integers(0, 5))
def test_tasks_get_the_same_share_and_the_remainder_rotates(size: int, seed: int) -> None:
    sampler = BalancedSampler(TASKS, size, seed)
    owner = {item: task for task, items in TASKS.items() for item in items}
    total: collections.Counter[str] = collections.Counter()
    for number in range(1, 10):
        batch = sampler.batch()
        assert len(batch) == size
        total.update(owner[item] for item in batch)
        assert all(abs(total[task] - number * size / 3) < 1 + 1e-6 for task in TASKS)


def test_each_question_comes_once_before_any_comes_twice() -> None:
    sampler = BalancedSampler({"a": list(range(10))}, 5, 0)
    turns = [sampler.batch() + sampler.batch() for _ in range(3)]
    assert all(sorted(turn) == list(range(10)) for turn in turns)
    assert turns[0] != turns[1]


def test_weights_set_the_shares() -> None:
    sampler = BalancedSampler({"a": ["a"], "b": ["b"]}, 4, 0, {"a": 3.0})
    assert collections.Counter(sampler.batch()) == {"a": 3, "b": 1}


@given(st.integers(0, 6), st.integers(0, 6), st.integers(1, 9))
def test_a_restored_sampler_goes_on_with_the_same_batches(before: int, after: int, size: int) -> None:
    first, second = BalancedSampler(TASKS, size, 3), BalancedSampler(TASKS, size, 3)
    for _ in range(before):
        first.batch()
    second.restore(first.state)
    assert [first.batch() for _ in range(after)] == [second.batch() for _ in range(after)]


def test_a_state_of_other_tasks_is_refused() -> None:
    with pytest.raises(InputError, match="tasks"):
        BalancedSampler({"a": [1]}, 1, 0).restore(BalancedSampler(TASKS, 1, 0).state)


def test_nothing_to_draw_from_is_an_error() -> None:
    with pytest.raises(InputError, match="no samples"):
        BalancedSampler({"a": []}, 1, 0)


@given(st.lists(st.tuples(st.sampled_from("xy"), st.sampled_from([0.0, 0.25, 0.3, 1.0])), max_size=40))
def test_equal_draw_takes_as_many_from_every_cell(rows: list[tuple[str, float]]) -> None:
    items = [(at, source, rate) for at, (source, rate) in enumerate(rows)]
    drawn = equal_draw(items, [rate for *_, rate in items], [0.25, 0.5], lambda item: item[1], 0)
    cells = collections.Counter((s, r > 0.25) for _, s, r in items if r <= 0.5)
    assert collections.Counter((s, r > 0.25) for _, s, r in drawn) == dict.fromkeys(
        cells, min(cells.values(), default=0)
    )
    assert len(set(drawn)) == len(drawn)


def test_retrospection_drops_what_is_always_or_never_solved_and_favours_the_hard() -> None:
    items = list(range(900))
    passed = [0] * 100 + [8] * 100 + [1] * 350 + [7] * 350
    drawn = retrospective(items, passed, 8, 300, 0)
    assert len(drawn) == 300 == len(set(drawn))
    assert min(drawn) >= 200
    hard = sum(item < 550 for item in drawn)
    assert hard > 220  # weights 7/8 and 1/8
    assert retrospective(items, passed, 8, 5_000, 0) == items[200:]
