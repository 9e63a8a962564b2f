"""Batched generation and the update beside the plain forward pass of transformers."""

import random

import pytest
import torch

from longread.training import generation
from longread.training.generation import Drawing, Generated, Request, generate
from longread.training.records import Conversation
from longread.training.update import logprobs, passes, trees
from tests.training.conftest import Tiny


def requests(count: int = 4, attempts: int = 3, *, longest: int = 30, limit: int = 9) -> list[Request]:
    drawing = random.Random(0)
    prompts = [
        tuple(drawing.randrange(4, 80) for _ in range(drawing.randint(1, longest))) for _ in range(count)
    ]
    return [Request(prompt, limit + at) for prompt in prompts for at in range(attempts)]


def drawing(tiny: Tiny, temperature: float = 0.7, top_p: float = 1.0, seed: int = 0) -> Drawing:
    return Drawing(temperature, top_p, tiny.turns.ends, torch.Generator().manual_seed(seed))


def plain(tiny: Tiny, conversation: Conversation, temperature: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-probabilities and entropies of a reply, (T,), by one pass over prompt and reply."""
    ids = torch.tensor([conversation.prompt + conversation.reply])
    with torch.no_grad():
        logits = tiny.network.model(input_ids=ids).logits[0, len(conversation.prompt) - 1 : -1]
    logs = (logits / temperature).log_softmax(-1)
    chosen = logs.gather(1, torch.tensor(conversation.reply)[:, None])[:, 0]
    return chosen, -(logs.exp() * logs).sum(-1)


@pytest.mark.parametrize("at_once", [1, 40, 4_096])
@pytest.mark.parametrize("most_cached", [1, 200, 1_000_000])
def test_log_probabilities_and_entropies_are_those_of_a_plain_pass(
    tiny: Tiny, most_cached: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "_PREFILL", at_once)
    for made in generate(tiny.network, requests(), drawing(tiny), most_cached):
        chosen, entropies = plain(tiny, made.conversation, 0.7)
        assert torch.allclose(torch.tensor(made.conversation.logprobs), chosen, atol=1e-4)
        assert torch.allclose(torch.tensor(made.conversation.entropies), entropies, atol=1e-4)


def test_the_likeliest_tokens_are_those_of_transformers(tiny: Tiny) -> None:
    for made in generate(tiny.network, requests(attempts=1), drawing(tiny, 0.0), 10_000):
        ids = torch.tensor([made.conversation.prompt])
        expected = tiny.network.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=9
        )
        assert made.conversation.reply == tuple(expected[0, ids.shape[1] :].tolist())


def ends_at_limit(made: Generated, limit: int, ends: frozenset[int]) -> bool:
    reply = made.conversation.reply
    stopped = reply[-1] in ends
    assert not any(token in ends for token in reply[:-1])
    return made.finish == "stop" if stopped else made.finish == "length" and len(reply) == limit


def test_a_reply_ends_at_its_end_or_its_own_limit(tiny: Tiny) -> None:
    asked = requests(12, 8, limit=1)
    ends = frozenset(range(10))
    made = generate(tiny.network, asked, Drawing(1.0, 1.0, ends, torch.Generator().manual_seed(1)), 1_000_000)
    assert all(ends_at_limit(one, request.limit, ends) for one, request in zip(made, asked, strict=True))
    assert {one.finish for one in made} == {"stop", "length"}


def test_replies_are_drawn_from_the_distribution(tiny: Tiny) -> None:
    count = 3_000
    made = generate(tiny.network, [Request((5, 6, 7), 1)] * count, drawing(tiny, 1.0), 1_000_000)
    logits = tiny.network.model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1]
    drawn = torch.bincount(torch.tensor([one.conversation.reply[0] for one in made]), minlength=len(logits))
    probabilities = logits.softmax(-1)
    spread = (count * probabilities * (1 - probabilities)).sqrt()
    assert ((drawn - count * probabilities).abs() < 5 * spread + 1).all()


def test_the_nucleus_cuts_the_tail_off(tiny: Tiny) -> None:
    logits = tiny.network.model(input_ids=torch.tensor([[5, 6, 7]])).logits[0, -1]
    probabilities = (logits / 0.2).softmax(-1)
    ranked, order = probabilities.sort(descending=True)
    nucleus = set(order[ranked.cumsum(-1) - ranked < 0.3].tolist())
    made = generate(tiny.network, [Request((5, 6, 7), 1)] * 500, drawing(tiny, 0.2, top_p=0.3), 1_000_000)
    assert {one.conversation.reply[0] for one in made} <= nucleus


def test_one_seed_gives_the_same_replies(tiny: Tiny) -> None:
    made = [generate(tiny.network, requests(), drawing(tiny, seed=seed), 300) for seed in (0, 0, 1)]
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize("most", [1, 60, 100_000])
def test_trees_give_the_log_probabilities_and_gradients_of_single_replies(tiny: Tiny, most: int) -> None:
    made = [one.conversation for one in generate(tiny.network, requests(), drawing(tiny), 10_000)]
    empty = Conversation((1, 2), (), (), ())
    conversations = [empty, *made]
    grown = trees(conversations)
    assert sorted(member for tree in grown for member in tree.members) == list(range(1, len(conversations)))
    tiny.network.model.zero_grad()
    for some in passes(grown, most):
        found = logprobs(tiny.network, some, 0.7)
        for member, own in zip([m for tree in some for m in tree.members], found, strict=True):
            expected, _ = plain(tiny, conversations[member], 0.7)
            assert torch.allclose(own, expected, atol=1e-4)
        torch.cat(found).sum().backward()
    by_trees = {name: value.grad.clone() for name, value in tiny.network.model.named_parameters()}
    tiny.network.model.zero_grad()
    for one in made:
        ids = torch.tensor([one.prompt + one.reply])
        logits = tiny.network.model(input_ids=ids).logits[0, len(one.prompt) - 1 : -1] / 0.7
        logits.log_softmax(-1).gather(1, torch.tensor(one.reply)[:, None]).sum().backward()
    for name, value in tiny.network.model.named_parameters():
        assert torch.allclose(by_trees[name], value.grad, atol=2e-3, rtol=1e-3), name


def test_a_pass_is_mostly_no_padding() -> None:
    grown = trees(
        [Conversation((1, length), tuple(range(length)), (), ()) for length in (100, 90, 74, 40, 39, 8)]
    )
    made = [[tree.tokens for tree in some] for some in passes(grown, 220)]
    assert made == [[101, 91], [75], [41, 40], [9]]


def test_logits_are_made_in_parts(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    from longread.training import update

    (tree,) = trees([Conversation((4, 5, 6), tuple(range(10, 30)), (), ())])
    (whole,) = logprobs(tiny.network, [tree], 1.0)
    sizes: list[int] = []
    logits = tiny.network.logits
    monkeypatch.setattr(tiny.network, "logits", lambda hidden: sizes.append(len(hidden)) or logits(hidden))
    monkeypatch.setattr(update, "_LOGITS", 3 * tiny.network.vocabulary)
    (parts,) = logprobs(tiny.network, [tree], 1.0)
    parts.sum().backward()
    assert torch.allclose(whole, parts, atol=1e-6)
    assert max(sizes) == 3
