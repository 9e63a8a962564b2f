"""A reading task that a tiny model can learn: lines of a two-word name and a place.

Names recombine first and last names, and the pairs of evaluation never occur in training. Where the evidence lies in
the first lines, whoever sees the last chunk alone cannot answer.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from longread.training.rollouts import Case
from longread.types import Document, Evidence, Sample

FIRST = [f"{a}{b}" for a in ("ba", "de", "ki", "lo", "mu", "ra") for b in ("n", "r", "s", "l")]
LAST = [f"{a}{b}" for a in ("fo", "gi", "ha", "je", "pu", "ve") for b in ("mak", "rin", "sol", "tam")]
PLACES = [
    f"{a}{b}"
    for a in ("al", "or", "es", "un", "im", "ar", "el", "os")
    for b in ("dia", "gon", "mar", "tek", "via")
]
PROMPTS = """\
format = "text"
split = "$question"
note = '''
$memory
$section
$question update
'''
answer = '''
$memory
$question
'''
whole = '''
$section
$question
'''
again = "$error"
"""


def held_out(first: str, last: str) -> bool:
    """Whether a pair of names is kept for evaluation: a quarter of all."""
    return (FIRST.index(first) + LAST.index(last)) % 4 == 0


def case(seed: int, *, evaluation: bool = False, lines: int = 20, within: int = 8) -> Case:
    """One text and a question about one of its lines, the first `within`."""
    drawing = random.Random(seed)
    lasts = drawing.sample(LAST, lines)
    names = [
        (drawing.choice([first for first in FIRST if held_out(first, last) == evaluation]), last)
        for last in lasts
    ]
    places = drawing.sample(PLACES, lines)
    asked = drawing.randrange(min(lines, within))
    texts = [f"- {first} {last} {place} .\n" for (first, last), place in zip(names, places, strict=True)]
    start = sum(map(len, texts[:asked]))
    document = Document(f"d{seed}", f"d{seed}.txt", "".join(texts))
    evidence = Evidence(document.id, start, start + len(texts[asked]) - 1)
    sample = Sample(
        f"s{seed}", "reading", "lookup", f"{' '.join(names[asked])} ?", places[asked], "exact", (document.id,),
        evidence=(evidence,), split="evaluation" if evaluation else "train", seed=seed,
    )  # fmt: skip
    return Case(sample, (document,))


def text(seed: int, *, lines: int = 20) -> Case:
    """A text whose lines are asked about at its end, in another order: what is said there can be looked up."""
    made = case(seed, lines=lines)
    (document,) = made.documents
    asked = [
        f"{first} {last} ? {place}\n"
        for _, first, last, place, _ in map(str.split, document.text.splitlines())
    ]
    random.Random(seed).shuffle(asked)
    return made._replace(documents=(replace(document, text=document.text + "".join(asked)),))


def cases(count: int, seed: int, *, evaluation: bool = False, lines: int = 20, within: int = 8) -> list[Case]:
    """Different cases."""
    return [
        case(seed * 1_000_000 + at, evaluation=evaluation, lines=lines, within=within) for at in range(count)
    ]


def write_checkpoint(
    folder: Path, seed: int = 0, *, experts: int = 0, width: int = 64, layers: int = 3
) -> Path:
    """A Qwen3 with random weights, dense or with `experts`, and a tokenizer of whole words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen3Config,
        Qwen3ForCausalLM,
        Qwen3MoeConfig,
        Qwen3MoeForCausalLM,
    )

    tags = ["Updated", "memory:", "<memory>", "</memory>", "<plan>", "</plan>"]
    words = ["<pad>", "<end>", "<unk>", "-", ".", "?", "update", "\n", *tags]
    vocabulary = {word: at for at, word in enumerate([*words, *FIRST, *LAST, *PLACES])}
    raw = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split("\n", "isolated"), pre_tokenizers.Split(" ", "removed")]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, eos_token="<end>", pad_token="<pad>", unk_token="<unk>",
    )  # fmt: skip
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}{% endfor %}"
    shape = {
        "vocab_size": len(vocabulary), "hidden_size": width, "intermediate_size": 2 * width,
        "num_hidden_layers": layers, "num_attention_heads": 4, "num_key_value_heads": 4,
        "head_dim": 32, "rope_parameters": {"rope_type": "default", "rope_theta": 100.0},
        "max_position_embeddings": 4096, "tie_word_embeddings": True, "eos_token_id": 1,
        "pad_token_id": 0, "bos_token_id": None,
    }  # fmt: skip
    torch.manual_seed(seed)
    model = (
        Qwen3MoeForCausalLM(
            Qwen3MoeConfig(**shape, num_experts=experts, num_experts_per_tok=2, moe_intermediate_size=width)
        )
        if experts
        else Qwen3ForCausalLM(Qwen3Config(**shape))
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "prompts.toml").write_text(PROMPTS)
    return folder


def write_data(folder: Path, made: list[Case]) -> Path:
    """The cases as a data set of `longread synth`."""
    from longread.synth.dataset import DOCUMENTS, SAMPLES, Made, write_documents, write_samples

    documents = [document for case in made for document in case.documents]
    write_documents(folder / DOCUMENTS, documents, {document.id: "train" for document in documents})
    write_samples(folder / SAMPLES.format(0), [Made(one.sample, ()) for one in made])
    return folder
