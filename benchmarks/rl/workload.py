"""The model, its prompts and lengths, and how a side can run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import NamedTuple

VOCABULARY = 1_500
LAYERS, WIDTH, HEADS, GROUPS, HEAD, INNER = 4, 128, 4, 2, 32, 384
QUESTIONS, ATTEMPTS = 4, 8
SPREAD = 16
"""Prompts differ in length by up to so many tokens, as prompts do."""
PASS = 2_048
"""Tokens of a pass of ours (a stage's `pass_tokens`): on a CPU as fast as more, in less memory."""
BAR = 2.0


class Workload(NamedTuple):
    """Lengths in tokens."""

    name: str
    prompt: int
    reply: int
    shared: bool = True
    """Whether the attempts of a group have one prompt. TRL reads a prompt for each attempt either way."""


WORKLOADS = (Workload("long prompts", 512, 64), Workload("long replies", 64, 256))
APART = Workload("long prompts, none shared", 512, 64, shared=False)


class Setting(NamedTuple):
    """How a side runs."""

    side: str
    threads: int
    dtype: str
    """`bf16` is autocast over fp32 weights; `bf16-weights` keeps the weights in bf16 too, which only TRL does."""
    backend: str = "dynamic"
    """TRL's: `dynamic` or `static` cache of transformers, or its `continuous` batching."""
    parts: int = 1
    """TRL's: micro-batches of an update, by gradient accumulation."""
    checkpointing: bool = False
    """TRL's default: activations are computed again in the backward pass, for less memory."""

    def __str__(self) -> str:
        own = [self.backend, f"{self.parts} part{'s' * (self.parts > 1)}"] if self.side == "trl" else []
        own += ["checkpointing"] * self.checkpointing
        return ", ".join([f"{self.threads} thread{'s' * (self.threads > 1)}", self.dtype, *own])


def prompts(workload: Workload, steps: int, seed: int) -> list[list[int]]:
    """Ids of QUESTIONS prompts for each step, or of as many as there are rows where none is shared."""
    rng = random.Random(seed)
    count = steps * QUESTIONS * (1 if workload.shared else ATTEMPTS)
    return [
        rng.choices(range(2, VOCABULARY), k=workload.prompt - rng.randrange(SPREAD)) for _ in range(count)
    ]


def write_model(folder: Path, seed: int) -> None:
    """The model and a tokenizer of whole words; the id that ends a reply is one that the model cannot draw."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

    words = {"<pad>": 0, "<unk>": 1, **{f"w{at}": at for at in range(2, VOCABULARY)}, "<end>": VOCABULARY}
    raw = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<end>", pad_token="<pad>", unk_token="<unk>"
    )
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=LAYERS,
        num_attention_heads=HEADS, num_key_value_heads=GROUPS, head_dim=HEAD, max_position_embeddings=4096,
        tie_word_embeddings=True, pad_token_id=0, bos_token_id=None, eos_token_id=VOCABULARY,
    )  # fmt: skip
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
