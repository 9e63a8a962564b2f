"""Where each byte of a training stage goes, from shapes and settings alone.

In one process: weights, gradients and moments in single precision, gradients kept until the next step, no activation
computed twice (network.py, update.py, learner.py). On a cluster: verl's FSDP2 with weights, gradients and moments in
single precision, parted among all GPUs, each layer's activations computed again in the backward pass, and an engine
that holds a copy in bfloat16 of its own while replies are drawn, whatever the precision of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from longread.training.cluster.config import pass_tokens
from longread.training.shapes import Shape
from longread.training.stage import Cluster, Reinforcement, Supervised
from longread.training.workload import Alike

GIB = 1 << 30
LIBRARIES = 506 << 20
"""Python, PyTorch and transformers in one process on the CPU; measured (docs/benchmarks.md)."""
CONTEXT = 2 * GIB
"""A GPU's context, communication buffers and what the allocator cannot use; assumed."""
WORKSPACE = 2 * GIB
"""What an engine needs beside weights and cache; assumed."""
_PREFILL = 4_096
"""Prompt tokens of one pass, or one longer prompt, while replies are drawn in one process (generation.py)."""
_LOGITS = 1 << 24
"""Logits held at once in one process (update.py)."""
_DRAWN = 36
"""Bytes a logit from which a token is drawn: logits, logarithms, probabilities, their order and sums."""

_FUSED_TOKENS = 512
_FUSED = 24
"""verl makes logits of so many tokens at once, in the backward pass again; bytes a logit there (its fused kernel)."""


class Part(NamedTuple):
    """Bytes of one kind, on each GPU or in the one process, in the two phases of a step; and on each host."""

    name: str
    drawing: int = 0
    """While replies are drawn."""
    learning: int = 0
    """While the model learns from them."""
    host: int = 0
    """On each node; of loading, what is more than waits there later."""


def trained(shape: Shape, stage: Reinforcement | Supervised) -> int:
    """Parameters that have gradients."""
    if stage.lora is None:
        return shape.parameters
    targets = stage.lora.targets
    return sum(
        stage.lora.rank * (inputs + outputs) * count
        for name, (inputs, outputs, count) in shape.linear.items()
        if targets == "all-linear" or name in targets
    )


def moments(shape: Shape, stage: Reinforcement | Supervised) -> int:
    """Numbers that the optimizer keeps: two a parameter (AdamW), one in matrices of the decoder (Muon)."""
    count = trained(shape, stage)
    if stage.optimizer == "adamw":
        return 2 * count
    return 2 * count - (shape.matrices if stage.lora is None else count)


def activations(shape: Shape) -> int:
    """Numbers that a token leaves for the backward pass in the largest layer, as transformers' Qwen3 saves them."""
    queries, keys = shape.heads * shape.head, shape.kv_heads * shape.head
    # Each norm keeps what came in, what it made of it before its weights, and what came out.
    attention = 6 * shape.hidden + 4 * queries + 4 * keys + 2 * shape.heads + shape.kv_heads
    dense = 4 * shape.inner if shape.sparse < shape.layers else 0
    experts = (
        shape.experts + shape.chosen * (2 * shape.hidden + 4 * shape.expert_inner) if shape.sparse else 0
    )
    return attention + max(dense, experts)


def one_process(
    shape: Shape, stage: Reinforcement | Supervised, work: Sequence[Alike], *, width: int, gpu: bool
) -> list[Part]:
    """Of our own trainer; `width` is 4 where products are made in single precision, else 2."""
    count = trained(shape, stage)
    weights = 4 * (shape.parameters + (count if stage.lora else 0))
    cast = 0 if width == 4 else width * shape.parameters
    tokens, replies, mask = _pass(stage, work)
    logits = min(replies * shape.vocabulary, max(_LOGITS, shape.vocabulary))
    saved = tokens * (shape.layers * activations(shape) + 2 * shape.hidden) * width
    if mask:  # each layer keeps it, and keys and values repeated for their queries
        repeated = 2 * (shape.heads - shape.kv_heads) * shape.head
        saved += mask + shape.layers * width * (mask + tokens * repeated)
    drawing = isinstance(stage, Reinforcement)
    rows, held = _drawn_at_once(stage, work) if isinstance(stage, Reinforcement) else (0, 0)
    longest = max([_PREFILL, *(one.prompt for one in work)])
    read = min(longest, sum(one.number * one.prompt for one in work))
    return [
        Part("Python and libraries" if not gpu else "GPU context", *[CONTEXT if gpu else LIBRARIES] * 2),
        Part("parameters", weights + cast, weights + cast),
        Part("gradients", 4 * count if drawing else 0, 4 * count),
        Part("optimizer", 4 * moments(shape, stage), 4 * moments(shape, stage)),
        Part("activations", read * activations(shape) * width if drawing else 0, saved),
        Part("logits", rows * shape.vocabulary * _DRAWN, 3 * 4 * logits),
        Part("KV cache", held * shape.kv_bytes(width), 0),
    ]


def on_cluster(shape: Shape, stage: Reinforcement, cluster: Cluster, gpu: int, *, width: int) -> list[Part]:
    """Of verl, on GPUs with `gpu` bytes each; `width` is 4 where products are made in single precision, else 2."""
    world = cluster.nodes * cluster.gpus
    weights = 4 * shape.parameters
    tokens = pass_tokens(stage, cluster)
    # Two layers' weights (the next one's come in time) and one's gradient; the output's matrix with its gradient.
    gathered = width * (3 * shape.largest_layer + 2 * shape.embedding)
    copy = 2 * shape.parameters // cluster.tensor_parallel
    cache = max(0, int(cluster.rollout_memory * gpu) - copy - WORKSPACE)

    def waits(part: int) -> tuple[int, int, int]:
        share = -(-part // world)
        return (0, share, -(-part // cluster.nodes)) if cluster.offload else (share, share, 0)

    parts = [
        Part("GPU context", CONTEXT, CONTEXT),
        Part("parameters", *waits(weights)),
        Part("gradients", 0, -(-weights // world)),
        Part("optimizer", *waits(4 * moments(shape, stage))),
        Part("gathered layers", 0, gathered),
        Part("activations", 0, width * tokens * (shape.layers * shape.hidden + activations(shape))),
        Part("logits", 0, _FUSED * min(_FUSED_TOKENS, tokens) * shape.vocabulary),
        Part("rollout weights", copy + WORKSPACE),
        Part("KV cache", cache),
    ]
    # Where embeddings are tied, each process reads all weights, else the first alone (verl's `_build_module`); what
    # waits on the host comes there later.
    loaded = weights * (cluster.gpus if shape.tied else 1)
    return [*parts, Part("loading", 0, 0, max(0, loaded - sum(part.host for part in parts)))]


def _pass(stage: Reinforcement | Supervised, work: Sequence[Alike]) -> tuple[int, int, int]:
    """Of the largest forward and backward pass: tokens, reply tokens, and entries of the mask (update.py)."""
    largest = (0, 0, 0)
    for one in work:
        most = max(256, one.prompt)
        members = max(1, min(one.sharing, most // one.reply))
        tree = one.prompt + members * (one.reply - 1)
        rows = max(1, min(stage.pass_tokens // tree, one.number // members))
        mask = rows * tree * tree if members > 1 else 0
        largest = max(largest, (rows * tree, rows * members * one.reply, mask))
    return largest


def _drawn_at_once(stage: Reinforcement, work: Sequence[Alike]) -> tuple[int, int]:
    """Of the largest batch: replies, and tokens of keys and values (generation.py)."""
    rows = held = 0
    for one in work:
        group = one.prompt + one.sharing * one.reply
        groups = max(1, min(one.number // one.sharing, stage.cache_tokens // group))
        rows = max(rows, groups * one.sharing)
        # Prompts are read in parts and put together, so that they are there twice.
        held = max(held, groups * max(2 * one.prompt, group))
    return rows, held
