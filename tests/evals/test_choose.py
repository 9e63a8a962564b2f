"""Which items --limit leaves."""

from collections import Counter

from longread.evals.benchmarks import Options, get_benchmark
from longread.evals.tasks import choose


def test_a_limit_takes_of_every_group_before_any_has_two_and_keeps_pairs_whole() -> None:
    items = list(get_benchmark("longbook").items(Options(lengths=(4_096,), samples=2)))
    tasks = [item.groups["task"] for item in choose(items, 12, 0)]
    assert sorted(tasks) == sorted([*{item.groups["task"] for item in items}, "absent"])
    fewer = Counter(item.groups["task"] for item in choose(items, 11, 0))
    assert "absent" not in fewer and "code" in fewer  # a pair is for two places, and there is one left


def test_a_limit_is_drawn_by_the_seed() -> None:
    items = list(get_benchmark("longbook").items(Options(lengths=(4_096,), samples=10)))
    drawn = [{item.id for item in choose(items, 12, seed)} for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1] != drawn[2]
