"""What the nano recipe learns from: a Qwen3 with random weights, its tokenizer, texts and questions.

    python recipes/nano/prepare.py OUT [--texts 40000] [--questions 8000]

All follows from the seeds below; evaluation draws other names and other seeds.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from longread.synth.dataset import DOCUMENTS, SAMPLES, Made, write_documents, write_samples
from longread.types import Document, Sample, document_id
from longread.worlds.nano.questions import TASKS, Item, Question, ask_many, make

SEED = 1
VOCABULARY = 1_280
SHAPE = {
    "hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 4, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 32, "max_position_embeddings": 65_536, "tie_word_embeddings": True,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}, "bos_token_id": None,
}  # fmt: skip
TEMPLATE = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Qwen2 divides text before it looks up words, so that a GGUF of the model can say so."""
SHORT = (3, 16)
"""Lines of a text that the base model learns from."""
HOPS = (2,)
"""Relations that its questions join."""


def solved(seed: int, index: int) -> str:
    """A text, then questions about it with the replies of who knows: all tokens of it are worth predicting."""
    rng = random.Random(f"solved/{seed}/{index}")  # noqa: S311 -- no secret
    tasks = [rng.choice(TASKS) for _ in range(rng.randint(3, 6))]
    lines, asked = ask_many(rng, tasks, rng.randint(*SHORT), "train", HOPS)
    text = "".join(f" {line}\n" for line in lines)
    return f"TEXT\n{text}" + "".join(said(question) for question in asked)


def said(question: Question) -> str:
    """A question and its reply, as in the prompt set."""
    notes = "".join(f"NOTE: {line}\n" for line in question.lines)
    return f"{question.text}\nNOTE and ANSWER\n{notes}ANSWER: {question.answer}\n"


def texts(count: int, seed: int) -> Iterator[Item]:
    """Texts of solved questions, each as the document of a sample that is never asked."""
    for index in range(count):
        text = solved(seed, index)
        source = f"solved-{seed}-{index}.txt"
        document = Document(document_id(source, text), source, text)
        yield Item(
            Sample(source, "reading", "text", "?", "?", "exact", (document.id,), split="train"), (document,)
        )


def items(count: int, seed: int, lines: tuple[int, int], hops: Sequence[int]) -> Iterator[Item]:
    """Questions of all tasks in turn."""
    rng = random.Random(f"items/{seed}")  # noqa: S311 -- no secret
    for index in range(count):
        yield make(TASKS[index % len(TASKS)], rng.randint(*lines), seed, index, "train", hops)


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
    Qwen3ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def main() -> None:
    """Writes all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--texts", type=int, default=40_000)
    parser.add_argument("--questions", type=int, default=8_000)
    given = parser.parse_args()
    made = list(texts(given.texts, SEED))
    write_checkpoint(given.out / "start", made[:2_000], SEED)
    write(given.out / "texts", made)
    write(given.out / "short", list(items(given.questions, SEED + 1, SHORT, HOPS)))


if __name__ == "__main__":
    main()
