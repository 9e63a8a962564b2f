"""Many replies at once, with a cache sized to the batch.

A prompt that several replies share (the attempts at one question) is read and kept once. Log-probabilities and
entropies are those of the distribution at the sampling temperature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from longread.training.attention import Room
from longread.training.network import Network
from longread.training.records import Conversation

_PREFILL = 4_096
"""Prompt tokens read in one forward pass, where a prompt is not longer; a CPU's caches keep the states of so many."""


class Request(NamedTuple):
    """A prompt and how many tokens the reply may have."""

    prompt: tuple[int, ...]
    limit: int


class Generated(NamedTuple):
    """A reply; `length` when it was cut off at its limit."""

    conversation: Conversation
    finish: Literal["stop", "length"]


class Drawing(NamedTuple):
    """How tokens are drawn. The same requests and random state give the same replies."""

    temperature: float
    """0 takes the likeliest token."""
    top_p: float
    """Cuts the tail off what is drawn; log-probabilities and entropies do not heed it."""
    ends: Collection[int]
    """Ids that end a reply; the end belongs to it."""
    random: torch.Generator


@torch.inference_mode()
def generate(
    network: Network, requests: Sequence[Request], drawing: Drawing, most_cached: int
) -> list[Generated]:
    """A reply for each request, in their order. The cache of one batch holds at most `most_cached` tokens."""
    made: dict[int, Generated] = {}
    for batch in _batches(requests, most_cached):
        made.update(zip(batch, _generate(network, [requests[at] for at in batch], drawing), strict=True))
    return [made[at] for at in range(len(requests))]


def _batches(requests: Sequence[Request], most: int) -> Iterator[list[int]]:
    """Requests of like length together, as many as the cache may hold; never fewer than one."""
    first: dict[tuple[int, ...], int] = {}
    for at, request in enumerate(requests):
        first.setdefault(request.prompt, at)
    batch: list[int] = []
    prompts, limit = 0, 0
    for at in sorted(
        range(len(requests)), key=lambda at: (len(requests[at].prompt), first[requests[at].prompt], at)
    ):
        prompt, own = requests[at]
        new = not batch or requests[batch[-1]].prompt != prompt
        if batch and (prompts + new) * len(prompt) + (len(batch) + 1) * max(limit, own) > most:
            yield batch
            batch, prompts, limit, new = [], 0, 0, True
        batch.append(at)
        prompts, limit = prompts + new, max(limit, own)
    if batch:
        yield batch


def _generate(network: Network, requests: Sequence[Request], drawing: Drawing) -> list[Generated]:
    """One batch."""
    prompts = sorted({request.prompt for request in requests}, key=len)
    place = {prompt: at for at, prompt in enumerate(prompts)}
    longest, most = len(prompts[-1]), max(request.limit for request in requests)
    index = torch.tensor([place[request.prompt] for request in requests], device=network.device)
    lengths = torch.tensor([len(request.prompt) for request in requests], device=network.device)
    ends = torch.tensor([len(prompt) for prompt in prompts], device=network.device)
    unseen = torch.arange(longest, device=network.device) >= ends[:, None]
    layers, hidden = _prefill(network, prompts)
    cache = Cache(layers=[Room(keys, values, unseen, index, most) for keys, values in layers])
    del layers
    hidden = hidden[index]
    rows = list(range(len(requests)))
    """The request of each row of the batch."""
    drawn: list[list[tuple[int, float, float]]] = [[] for _ in requests]
    stopped = [False] * len(requests)
    for step in range(most):
        tokens, logprobs, entropies = _draw(network.logits(hidden), drawing)
        for at, *one in zip(rows, tokens.tolist(), logprobs.tolist(), entropies.tolist(), strict=True):
            if not stopped[at] and len(drawn[at]) < requests[at].limit:
                drawn[at].append((one[0], one[1], one[2]))
                stopped[at] = one[0] in drawing.ends
        going = [
            row for row, at in enumerate(rows) if not stopped[at] and len(drawn[at]) < requests[at].limit
        ]
        if not going:
            break
        if len(going) <= len(rows) // 2:  # the others draw on, unheard, until then
            kept = torch.tensor(going, device=network.device)
            for layer in cache.layers:
                layer.reorder_cache(kept)  # type: ignore[arg-type]
            rows, tokens, lengths = [rows[row] for row in going], tokens[kept], lengths[kept]
        hidden = network.hidden(tokens[:, None], (lengths + step)[:, None], None, cache)[:, -1]
    return [
        Generated(
            Conversation(
                request.prompt,
                tuple(token for token, _, _ in own),
                tuple(logprob for _, logprob, _ in own),
                tuple(entropy for _, _, entropy in own),
            ),
            "stop" if end else "length",
        )
        for request, own, end in zip(requests, drawn, stopped, strict=True)
    ]


def _prefill(
    network: Network, prompts: Sequence[tuple[int, ...]]
) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Keys and values of each layer, (P, H, S, D), and the hidden state after each prompt, (P, D).

    Padding stands behind a prompt: causal attention does not see it and needs no mask, which is half the work.
    """
    longest = len(prompts[-1])
    size = max(1, _PREFILL // longest)
    whole = len(prompts), longest
    layers: list[tuple[Tensor, Tensor]] = []
    hidden = []
    for start in range(0, len(prompts), size):
        some = prompts[start : start + size]
        room = len(some[-1])
        ids = torch.tensor([[*prompt, *[0] * (room - len(prompt))] for prompt in some], device=network.device)
        ends = torch.tensor([len(prompt) - 1 for prompt in some], device=network.device)
        cache = DynamicCache()
        states = network.hidden(ids, torch.arange(room, device=network.device).expand_as(ids), None, cache)
        hidden.append(states[torch.arange(len(some), device=network.device), ends])
        read = [(keys, values) for keys, values, *_ in cache]
        if not layers:
            layers = [(_room(keys, whole), _room(values, whole)) for keys, values in read]
        for pair, parts in zip(layers, read, strict=True):
            for kept, part in zip(pair, parts, strict=True):
                kept[start : start + len(some), :, :room] = part
    return layers, torch.cat(hidden)


def _room(part: Tensor, whole: tuple[int, int]) -> Tensor:
    """(P, H, S, D) zeros for what is read in parts, (., H, ., D)."""
    return part.new_zeros(whole[0], part.shape[1], whole[1], part.shape[3])


def _draw(logits: Tensor, drawing: Drawing) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens, their log-probabilities and the entropies: each (B,), from `logits: (B, V)`."""
    logs = (logits / (drawing.temperature or 1.0)).log_softmax(-1)
    probabilities = logs.exp()
    entropies = -(probabilities * logs).sum(-1)
    if not drawing.temperature:
        tokens = logs.argmax(-1)
    else:
        if drawing.top_p < 1:
            ranked, order = probabilities.sort(descending=True)
            ranked[ranked.cumsum(-1) - ranked >= drawing.top_p] = 0
            probabilities = torch.zeros_like(ranked).scatter(-1, order, ranked)
        tokens = _sample(probabilities, drawing.random)
    return tokens, logs.gather(-1, tokens[:, None])[:, 0], entropies


def _sample(probabilities: Tensor, random: torch.Generator) -> Tensor:
    """(B,): a token each, from `probabilities: (B, V)`, by their sums.

    `torch.multinomial` takes 4 to 12 times as long. Sums are in double precision, so that a likely token far back in
    a large vocabulary keeps its share. A token of probability 0 is not drawn: the sum before it is the same.
    """
    sums = probabilities.double().cumsum(-1)
    drawn = torch.rand(len(sums), 1, dtype=torch.float64, device=sums.device, generator=random)
    found = torch.searchsorted(sums, drawn * sums[:, -1:], right=True)[:, 0]
    return found.clamp(max=sums.shape[1] - 1)  # a draw may round up to the whole sum
