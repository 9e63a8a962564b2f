"""The loss and its masks beside slow references, and its gradient beside finite differences."""

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longread.training.entropy import Aepo, Band, Clip, batch_entropy
from longread.training.learner import Learner
from longread.training.loss import policy_loss, updates
from longread.training.records import Conversation, Trajectory
from tests.training.conftest import open_tiny


def conversation(entropies: list[float]) -> Conversation:
    count = len(entropies)
    return Conversation((1,), (2,) * count, (-1.0,) * count, tuple(entropies))


entropy_lists = st.lists(st.floats(0, 3), max_size=4)
trajectories = st.lists(
    st.builds(
        lambda group, parts: Trajectory(group, "reading", tuple(map(conversation, parts)), ""),
        st.integers(0, 2),
        st.lists(entropy_lists, min_size=1, max_size=7),
    ),
    min_size=1,
    max_size=6,
)
clips = st.one_of(
    st.none(),
    st.builds(
        Clip, st.sampled_from(["token", "sequence"]), st.sampled_from(["high", "low"]), st.floats(0.5, 2)
    ),
)


def masked(clip: Clip | None, entropies: tuple[float, ...], at: int) -> bool:
    if clip is None:
        return False
    value = entropies[at] if clip.unit == "token" else sum(entropies) / len(entropies)
    return value > clip.threshold if clip.side == "high" else value < clip.threshold


@given(made=trajectories, negatives=st.booleans(), clip=clips, data=st.data())
def test_weights_equal_the_formula(
    made: list[Trajectory], negatives: bool, clip: Clip | None, data: st.DataObject
) -> None:
    """J = mean over groups of 1/(tokens of the group) * sum over its tokens of A * mask."""
    advantage = st.sampled_from([-1.5, -0.25, 0.0, 0.5, 2.0])
    advantages = [
        torch.tensor(data.draw(st.lists(advantage, min_size=n, max_size=n)), dtype=torch.float64)
        for n in (len(one.conversations) for one in made)
    ]
    found = updates(made, advantages, negatives=negatives, clip=clip)
    weights = {(part.trajectory, part.conversation): part.weights for part in found}

    def takes_part(at: int, number: int) -> bool:
        return negatives or advantages[at][number] >= 0

    counts: dict[int, int] = {}
    for at, one in enumerate(made):
        for number, own in enumerate(one.conversations):
            if takes_part(at, number):
                counts[one.question] = counts.get(one.question, 0) + len(own.reply)
    groups = sum(count > 0 for count in counts.values())
    for at, one in enumerate(made):
        for number, own in enumerate(one.conversations):
            if not own.reply or not takes_part(at, number):
                assert (at, number) not in weights
                continue
            value = float(advantages[at][number])
            for token, weight in enumerate(weights[at, number].tolist()):
                hidden = value < 0 and masked(clip, own.entropies, token)
                expected = 0.0 if hidden else value / counts[one.question] / groups
                assert weight == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_a_long_reply_weighs_by_its_tokens_and_a_group_once() -> None:
    made = [
        Trajectory(0, "reading", (conversation([1.0] * 3), conversation([1.0])), ""),
        Trajectory(0, "reading", (conversation([1.0] * 4),), ""),
        Trajectory(1, "reading", (conversation([1.0] * 100),), ""),
    ]
    parts = updates(made, [torch.ones(2), torch.ones(1), torch.ones(1)])
    assert sum(float(part.weights.sum()) for part in parts if part.trajectory < 2) == pytest.approx(0.5)
    assert float(parts[-1].weights.sum()) == pytest.approx(0.5)


@given(st.lists(st.tuples(st.floats(-3, 0), st.floats(-3, 0), st.sampled_from([-1.0, 0.0, 2.0])), min_size=1))
def test_the_clipped_loss_equals_its_formula(rows: list[tuple[float, float, float]]) -> None:
    new, old, weights = (torch.tensor(column, dtype=torch.float64) for column in zip(*rows, strict=True))
    total = 0.0
    for n, o, w in rows:
        ratio = torch.tensor(n - o, dtype=torch.float64).exp().item()
        total -= min(ratio * w, min(max(ratio, 0.8), 1.3) * w)
    assert float(policy_loss(new, old, weights, (0.2, 0.3))) == pytest.approx(total, rel=1e-9, abs=1e-12)


def test_parts_add_up_to_the_whole() -> None:
    new, weights = torch.randn(9), torch.randn(9)
    whole = policy_loss(new, new, weights)
    parts = sum(policy_loss(new[i : i + 4], new[i : i + 4], weights[i : i + 4]) for i in (0, 4, 8))
    assert torch.allclose(whole, torch.as_tensor(parts))


def test_on_policy_the_gradient_is_that_of_weighted_log_probabilities() -> None:
    new = torch.randn(5, requires_grad=True)
    weights = torch.randn(5)
    policy_loss(new, new, weights).backward()
    assert torch.allclose(new.grad, -weights)


@given(st.lists(entropy_lists, max_size=5))
def test_the_entropy_of_a_batch_is_a_mean_of_means(parts: list[list[float]]) -> None:
    means = [sum(own) / len(own) for own in parts if own]
    expected = sum(means) / len(means) if means else 0.0
    assert batch_entropy(list(map(conversation, parts))) == pytest.approx(expected)


def test_the_mode_of_aepo_has_hysteresis() -> None:
    aepo = Aepo(Band(0.2, 0.5))
    seen = [aepo.observe(h) for h in (0.3, 0.1, 0.49, 0.51, 0.3, 0.2, 0.19, 0.5, 0.6)]
    assert seen == [True, True, True, False, False, False, True, True, False]


def test_without_negatives_a_batch_of_losers_leaves_nothing() -> None:
    made = [Trajectory(0, "reading", (conversation([1.0]),), "") for _ in range(3)]
    assert updates(made, [torch.tensor([-1.0])] * 3, negatives=False) == []


@pytest.mark.parametrize("clip", [None, (0.2, 0.3)])
def test_the_gradient_equals_finite_differences(dense: Path, clip: tuple[float, float] | None) -> None:
    """A step of plain descent moves the weights by the gradient of the loss as its formula gives it."""
    network = open_tiny(dense).network
    model = network.model.double()  # but for norms and logits, which are taken in single precision
    drawing = torch.Generator().manual_seed(3)

    def ids(count: int) -> tuple[int, ...]:
        return tuple(torch.randint(2, 100, (count,), generator=drawing).tolist())

    shared = ids(7)  # two replies to one prompt are read as one tree
    said = [Conversation(p, ids(n), (), ()) for p, n in ((shared, 4), (shared, 2), (ids(12), 3))]
    made = [
        Trajectory(0, "reading", (said[0], said[2]), ""),
        Trajectory(0, "reading", (said[1],), ""),
    ]
    advantages = [torch.tensor([1.5, -0.5]), torch.tensor([-1.0])]
    parts = updates(made, advantages)
    taken = [made[part.trajectory].conversations[part.conversation] for part in parts]

    def logprobs(one: Conversation) -> torch.Tensor:
        logits = (
            model(input_ids=torch.tensor([one.prompt + one.reply])).logits[0, len(one.prompt) - 1 : -1] / 0.7
        )
        return logits.log_softmax(-1)[range(len(one.reply)), one.reply]

    with (
        torch.no_grad()
    ):  # the policy that drew them differs from the one that learns, so that clipping matters
        noise = [torch.randn(len(one.reply), generator=drawing, dtype=torch.float64) / 2 for one in taken]
        old = {at: logprobs(one) + noise[at] for at, one in enumerate(taken)}

    def loss() -> float:
        total = 0.0
        for at, (one, part) in enumerate(zip(taken, parts, strict=True)):
            ratios = (logprobs(one) - old[at]).exp().tolist()
            for ratio, weight in zip(ratios, part.weights.tolist(), strict=True):
                bounded = min(max(ratio, 0.8), 1.3) if clip else ratio
                total -= min(ratio * weight, bounded * weight)
        return total

    places = []  # the weights of largest change in each matrix, and the loss on both sides of each
    before = {name: own.detach().clone() for name, own in model.named_parameters()}
    learner = Learner(
        network, [torch.optim.SGD(model.parameters(), lr=1.0)], temperature=0.7, pass_tokens=20, max_norm=1e9
    )
    learner.learn(taken, [part.weights for part in parts], dict(old), clip)
    gradient = {name: before[name] - own.detach() for name, own in model.named_parameters()}
    with torch.no_grad():
        model.load_state_dict(before, strict=False)
        for name, own in model.named_parameters():
            at = int(gradient[name].abs().argmax())
            flat = own.view(-1)
            value = float(flat[at])
            sides = []
            for change in (2e-3, -2e-3):
                flat[at] = value + change
                sides.append(loss())
            flat[at] = value
            places.append((name, float(gradient[name].view(-1)[at]), (sides[0] - sides[1]) / 4e-3))
    assert sum(abs(found) > 0.01 for _, found, _ in places) > len(places) / 2
    for name, found, expected in places:
        assert found == pytest.approx(expected, rel=1e-3, abs=1e-4), name
