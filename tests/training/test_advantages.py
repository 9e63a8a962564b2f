"""Each estimator beside a slow reference written from its formula."""

import math
import statistics

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longread.training.advantages import EPSILON, ESTIMATORS, step_advantages
from longread.training.records import Conversation, Trajectory
from longread.training.stage import Reinforcement
from longread.training.weighing import Weigher

Row = tuple[float, int]


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[float], list[int], list[int]]:
    """Rewards, groups and tasks: groups of one, equal rewards and batches of one task among them."""
    rewards, groups, tasks = [], [], []
    for group in range(draw(st.integers(1, 5))):
        task = draw(st.integers(0, 2))
        kind = draw(st.sampled_from([st.sampled_from([0.0, 1.0]), st.floats(0, 1), st.just(0.3)]))
        for reward in draw(st.lists(kind, min_size=1, max_size=6)):
            rewards.append(reward)
            groups.append(group * 7)
            tasks.append(task)
    return rewards, groups, tasks


def deviation(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 and max(values) > min(values) else 0.0


def reference(name: str, rewards: list[float], groups: list[int], tasks: list[int]) -> list[float]:
    made = []
    for reward, group, task in zip(rewards, groups, tasks, strict=True):
        own = [r for r, g in zip(rewards, groups, strict=True) if g == group]
        if max(own) == min(own):
            made.append(0.0)
            continue
        over = {
            "group": own,
            "batch": None,
            "task": [i for i, t in enumerate(tasks) if t == task],
        }[name]
        mean = statistics.fmean(own)
        if name == "group":
            made.append((reward - mean) / (deviation(own) + EPSILON))
        else:
            members = range(len(rewards)) if over is None else over
            made.append((reward - mean) / (deviation([rewards[int(i)] for i in members]) + EPSILON))
    return made


@pytest.mark.parametrize("name", list(ESTIMATORS))
@given(batch=batches())
def test_estimators_equal_their_formulas(name: str, batch: tuple[list[float], list[int], list[int]]) -> None:
    rewards, groups, tasks = batch
    found = ESTIMATORS[name](
        torch.tensor(rewards, dtype=torch.float64), torch.tensor(groups), torch.tensor(tasks)
    )
    assert found.tolist() == pytest.approx(reference(name, *batch), rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_equal_rewards_and_groups_of_one_give_nothing(name: str) -> None:
    rewards = torch.tensor([0.1, 0.1, 0.1, 0.7])
    found = ESTIMATORS[name](rewards, torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 0, 0]))
    assert found.tolist() == [0.0] * 4


def test_a_task_of_dense_rewards_weighs_like_one_of_binary_rewards() -> None:
    rewards = torch.tensor([0.50, 0.52, 0.0, 1.0])
    groups, tasks = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1])
    by_task = ESTIMATORS["task"](rewards, groups, tasks)
    by_batch = ESTIMATORS["batch"](rewards, groups, tasks)
    assert by_task[1].item() == pytest.approx(by_task[3].item(), rel=1e-3)
    assert by_batch[1].item() < by_batch[3].item() / 10


@given(batch=batches(), coefficient=st.floats(0, 1), data=st.data())
def test_step_credit_equals_its_formula(
    batch: tuple[list[float], list[int], list[int]], coefficient: float, data: st.DataObject
) -> None:
    rewards, groups, tasks = batch
    gain = st.one_of(st.none(), st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]))
    gains = [data.draw(st.lists(gain, min_size=3, max_size=3)) for _ in rewards]
    advantages = torch.tensor(rewards, dtype=torch.float64)
    found = step_advantages(
        advantages,
        torch.tensor([[math.nan if g is None else g for g in row] for row in gains], dtype=torch.float64),
        torch.tensor(groups),
        torch.tensor(tasks),
        coefficient,
    )
    for i, row in enumerate(gains):
        all_of_task = [
            g for j, other in enumerate(gains) if tasks[j] == tasks[i] for g in other if g is not None
        ]
        for k, own in enumerate(row):
            if own is None:
                assert found[i, k].item() == rewards[i]
                continue
            beside = [
                o for j, other in enumerate(gains) if groups[j] == groups[i] and (o := other[k]) is not None
            ]
            credit = (own - statistics.fmean(beside)) / (deviation(all_of_task) + EPSILON)
            if max(beside) == min(beside):
                credit = 0.0
            expected = (1 - coefficient) * rewards[i] + coefficient * credit
            assert found[i, k].item() == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_attempts_are_compared_by_what_they_read_however_many_conversations_it_took() -> None:
    said = Conversation((1,), (2,), (-0.5,), (0.5,))
    once, twice = (
        Trajectory(0, "reading", (said,) * len(updates), "", 0.0, gains, updates)
        for gains, updates in (
            ((0.0, 1.0, 0.0, None), (0, 1, 2, None)),
            ((0.5, 0.5, 1.0, 0.5, 0.5, None), (0, 0, 1, 2, 2, None)),
        )
    )
    weighed = Weigher(Reinforcement(data="d", steps=1, step_credit=1.0)).weigh([once, twice])
    signs: dict[int, list[float]] = {0: [0.0] * 4, 1: [0.0] * 6}
    for part in weighed.parts:
        signs[part.trajectory][part.conversation] = float(part.weights.sign())
    assert signs == {0: [-1, 0, -1, 0], 1: [1, 1, 0, 1, 1, 0]}


def test_an_update_that_keeps_what_others_lose_is_credited() -> None:
    gains = torch.tensor([[1.0, 0.0, math.nan], [1.0, -1.0, math.nan]])
    found = step_advantages(torch.zeros(2), gains, torch.tensor([0, 0]), torch.tensor([0, 0]), 0.5)
    assert found[0].tolist()[1] > 0 > found[1].tolist()[1]
    assert found[:, [0, 2]].tolist() == [[0.0, 0.0], [0.0, 0.0]]
