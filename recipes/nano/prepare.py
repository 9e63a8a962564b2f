"""What the nano recipe learns from: a Qwen3 with random weights, its tokenizer, texts, questions and stage files.

    python recipes/nano/prepare.py OUT [--seed 0] [--smoke]

All follows from the seeds below, but for the order in which reinforcement learning draws (`--seed`); evaluation draws
other names and other seeds. What is there already stays as it is.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from lessons import CHUNK, HOPS, LESSONS, texts

from longread.synth.dataset import DOCUMENTS, SAMPLES, Made, write_documents, write_samples
from longread.worlds.nano.questions import TASKS, Item, make

SEED = 1
SMOKE = {"1-few": 40}
"""Steps of a stage in a smoke run, else two: a model that never earns anything cannot be reinforced."""
SMALL = {"steps": 2, "questions": 10, "attempts": 8}
"""Reinforcement learning in a smoke run."""
VOCABULARY = 1_280
SHAPE = {
    "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 4, "head_dim": 32, "max_position_embeddings": 2_048, "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}, "bos_token_id": None,
}  # fmt: skip
TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 divides text before it looks up words, so that a GGUF of the model can say so."""
ASKED = {"full-1": (64, 88), "full-2": (96, 120), "full-3": (128, 152), "memory": (216, 300)}
"""Lines of the texts that reinforcement learning asks about, stage by stage; a chunk of a memory has about 30."""
ASKED_HOPS = (2, 3)
NEAR = {"memory": 0.35}
"""Share of their lines that are nearly about what is asked: what far reading is led astray by."""
CLIPPED = 0.5
"""Entropy, in nats, above or below which gradients of negatives are masked in the ablations of it."""
RL = Path(__file__).parent / "rl"
BASE = "../../base/6-settled/model"
_PLAIN: dict[str, object] = {"balanced": False, "advantage": "group", "aepo": None}
_NO_AEPO: dict[str, object] = {"aepo": None}
COMPARED: dict[str, tuple[str, dict[str, object]]] = {
    "grpo": ("1-full", _PLAIN),
    "balanced": ("1-full", _NO_AEPO | {"advantage": "group"}),
    "balanced-batch": ("1-full", _NO_AEPO | {"advantage": "batch"}),
    "balanced-task": ("1-full", _NO_AEPO),
    "aepo": ("1-full", {"aepo": [0.1, 0.12]}),
    **{
        f"clipped-{unit}-{side}": (
            "1-full",
            _NO_AEPO | {"negatives.unit": unit, "negatives.side": side, "negatives.threshold": CLIPPED},
        )
        for unit in ("token", "sequence")
        for side in ("high", "low")
    },
    "memory-by-answer": ("4-memory", {"step_credit": None, "stray_cost": None}),
    "memory-by-fact": ("4-memory", {"stray_cost": None}),
    "memory-by-step": ("4-memory", {}),
}
"""Other settings for a stage of the recipe: the ablations, at the length of stage 1 and of the memory's."""
CONTROLS: dict[str, tuple[tuple[str, dict[str, object]], ...]] = {
    "naive": (
        ("3-full", _PLAIN | {"steps": 40, "learning_rate": 2e-3}),
        ("3-full", _PLAIN | {"steps": 30}),
        ("6-full", _PLAIN),
    ),
    "resampled": tuple(
        (source, _NO_AEPO | {"positives_only": True} | more)
        for source, more in (("1-full", {}), ("2-full", {}), ("3-full", {}), ("6-full", {"steps": 21}))
    ),
}
"""Stages that the whole recipe is measured against, with as many tokens and a rate that falls as there: plain GRPO on
the longest texts from the start, and rejection sampling through growing lengths, where only what beats its group is
learnt (the tokens of the memory stage go to its last stage)."""


def asked(count: int) -> Iterator[tuple[str, list[Item]]]:
    """The data that reinforcement learning asks about: questions of all tasks in turn, so many for each of ASKED."""
    for seed, (name, lines) in enumerate(ASKED.items(), SEED + 1):
        rng, near = random.Random(f"items/{seed}"), NEAR.get(name, 0.0)  # noqa: S311 -- no secret
        made = [
            make(TASKS[at % len(TASKS)], rng.randint(*lines), seed, at, "train", ASKED_HOPS, near)
            for at in range(count)
        ]
        yield name, made


def write(folder: Path, made: list[Item]) -> None:
    """A data set as `longread synth` writes them."""
    documents = {document.id: document for item in made for document in item.documents}
    folder.mkdir(parents=True, exist_ok=True)
    write_documents(folder / DOCUMENTS, list(documents.values()), dict.fromkeys(documents, "train"))
    write_samples(folder / SAMPLES.format(0), [Made(item.sample, ()) for item in made])


def write_checkpoint(folder: Path, made: list[Item], seed: int) -> None:
    """A Qwen3 with random weights, and a tokenizer to which each word of the world is one token."""
    import torch
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
    from weights import look_back

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["<|endoftext|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
    )  # fmt: skip
    prompts = (Path(__file__).parent / "prompts.toml").read_text()
    raw.train_from_iterator([*(d.text for item in made for d in item.documents), *[prompts] * 500], trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",  # noqa: S106
        pad_token="<|endoftext|>",  # noqa: S106
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(seed)
    config = Qwen3Config(vocab_size=VOCABULARY, eos_token_id=1, pad_token_id=0, **SHAPE)
    model = Qwen3ForCausalLM(config)
    look_back(model, seed)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def write_stages(source: Path, folder: Path, seed: int, smoke: bool) -> None:
    """Copies stage files, with the seed of those that draw, and with few steps for a smoke run."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(source.glob("*.toml")):
        text = file.read_text("utf-8")
        if 'kind = "rl"' in text:
            text = changed(text, seed=seed, **SMALL if smoke else {})
        elif smoke and "\nsteps = " in text:
            text = changed(text, steps=SMOKE.get(file.stem, 2))
        (folder / file.name).write_text(text, "utf-8")


def write_compared(out: Path, seed: int, smoke: bool) -> None:
    """Stage files of what the recipe is compared with: COMPARED, each beginning with the base, and CONTROLS."""
    few = SMALL if smoke else {}
    written = [(f"compared-{seed}", name, seed, *change) for name, change in COMPARED.items()]
    for control, stages in CONTROLS.items():
        names = [*map(str, range(1, len(stages))), "last"]
        for at, (name, change) in enumerate(zip(names, stages, strict=True)):
            # Each draws anew: several have the same questions.
            written.append((f"{control}-{seed}", name, seed + 10 * at, *change))
    for folder, name, draws, source, settings in written:
        begins = {"model": BASE} if name == "1" or name in COMPARED else {}
        text = changed((RL / f"{source}.toml").read_text("utf-8"), seed=draws, **begins | settings | few)
        (out / folder).mkdir(parents=True, exist_ok=True)
        (out / folder / f"{name}.toml").write_text(text, "utf-8")


def changed(text: str, **settings: object) -> str:
    """The text of a stage file with other settings; those that are None are left out."""
    named = {name.partition(".")[0] for name in settings}
    kept = [line for line in text.splitlines() if line.partition(" = ")[0] not in named]
    given = [f"{name} = {json.dumps(value)}" for name, value in settings.items() if value is not None]
    return "\n".join([*kept, *given, ""])


def main() -> None:
    """Writes all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--smoke", action="store_true", help="Few texts, and few steps of each stage.")
    given = parser.parse_args()
    here, out = Path(__file__).parent, given.out
    count, questions = (400, 100) if given.smoke else (30_000, 2_000)
    prompts = (here / "prompts.toml").read_text("utf-8")
    settings = json.dumps(
        {
            "texts": count, "questions": questions, "seed": SEED, "lessons": LESSONS, "chunk": CHUNK, "hops": HOPS,
            "asked": ASKED, "asked hops": ASKED_HOPS, "near": NEAR, "prompts": prompts,
        }
    )  # fmt: skip
    kept = out / "made.json"
    if kept.is_file() and kept.read_text("utf-8") != settings:
        sys.exit(f"{out} holds data of another size or kind ({kept}); give another folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / "prompts.toml").write_text(prompts, "utf-8")
    write_stages(here / "base", out / "base", 0, given.smoke)
    write_stages(RL, out / f"rl-{given.seed}", given.seed, given.smoke)
    write_compared(out, given.seed, given.smoke)
    if kept.is_file():
        return
    made = {name: list(texts(count, SEED, lessons)) for name, lessons in LESSONS.items()}
    for name, some in made.items():
        write(out / name, some)
    for name, some in asked(questions):
        write(out / name, some)
    write_checkpoint(out / "start", made["short"][:2_000], SEED)
    kept.write_text(settings, "utf-8")


if __name__ == "__main__":
    main()
