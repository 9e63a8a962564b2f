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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from longread.synth.dataset import DOCUMENTS, SAMPLES, Made, write_documents, write_samples
from longread.types import Document, Evidence, Sample, document_id
from longread.worlds.nano.language import RELATIONS, Statement, kinds, parse, state
from longread.worlds.nano.questions import TASKS, Item, Question, ask_many, like, make, wanted

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
CHUNK = 32
"""Lines of a chunk at most, but for one that comes now and then."""


class Lessons(NamedTuple):
    """What texts the base model learns from in a stage."""

    lines: tuple[int, int]
    """Of a text; of one longer than a chunk it sees a chunk at most."""
    often: tuple[int, ...] = (4, 3, 2, 1)
    """How often the forms of FORMS come."""
    near: float = 0.0
    """Share of the lines that are nearly about what is asked."""
    stray: float = 0.0
    """Share of the lines read before that are noted though nobody asks: readers err, and read on."""
    mistaken: float = 0.0
    """Share of the questions of several steps whose plan follows from a note that is nearly right."""
    tasks: tuple[str, ...] = TASKS
    """What is asked, each as often as it stands here."""


LESSONS = {
    "few": Lessons((3, 6)),
    "short": Lessons((3, 16)),
    "chunk": Lessons((3, CHUNK), near=0.2),
    "notes": Lessons((8, 160), often=(2, 6, 2, 1), near=0.35, stray=0.03),
    "far": Lessons(
        (8, 160), often=(2, 6, 2, 1), near=0.35, stray=0.03, mistaken=0.15,
        tasks=(*TASKS, "multi_hop", "numerical", "numerical"),
    ),
}  # fmt: skip
"""One after the other. From the fourth on, as in far reading, most of a text is not about what is asked."""
HOPS = (2, 3)
"""Relations that its questions join."""
ASKED = {"full-1": (64, 88), "full-2": (96, 120), "full-3": (128, 152), "memory": (216, 300)}
"""Lines of the texts that reinforcement learning asks about, stage by stage; a chunk of a memory has about 30."""
ASKED_HOPS = (2, 3)
CLIPPED = 0.5
"""Entropy, in nats, above or below which gradients of negatives are masked in the ablations of it."""
RL = Path(__file__).parent / "rl"
BASE = "../../base/7-settled/model"
_PLAIN: dict[str, object] = {"balanced": False, "advantage": "group", "aepo": None}
_NO_AEPO: dict[str, object] = {"aepo": None}
COMPARED: dict[str, tuple[str, dict[str, object]]] = {
    "naive": ("3-full", _PLAIN | {"steps": 70}),
    "grpo": ("1-full", _PLAIN),
    "balanced": ("1-full", _NO_AEPO | {"advantage": "group"}),
    "balanced-batch": ("1-full", _NO_AEPO | {"advantage": "batch"}),
    "balanced-task": ("1-full", _NO_AEPO),
    "aepo": ("1-full", {"aepo": [0.1, 0.2]}),
    **{
        f"clipped-{unit}-{side}": (
            "1-full",
            _NO_AEPO | {"negatives.unit": unit, "negatives.side": side, "negatives.threshold": CLIPPED},
        )
        for unit in ("token", "sequence")
        for side in ("high", "low")
    },
    "memory-by-answer": ("4-memory", {"step_credit": 0.0}),
    "memory-by-step": ("4-memory", {}),
}
"""Other settings for a stage of the recipe: plain GRPO on the longest texts with as many tokens as all stages of full
context, and the ablations, at the length of stage 1 and of the memory's."""
RESAMPLED = ("1-full", "2-full", "3-full", "6-full")
"""Stages that rejection sampling goes through: only what beats its group is learnt."""


class Said(NamedTuple):
    """A stretch of a text; `learnt` is what a model says in it."""

    text: str
    learnt: bool = False


def solved(seed: int, index: int, lessons: Lessons) -> list[Said]:
    """A text, then questions about it, each with the reply of who knows, in one of the forms of the prompt sets.

    Forms differ in what stands before the text (nothing, notes or a memory) and in what is said of it. Some of the
    lines that answer are noted already, those that come first: the text goes on where the notes end.
    """
    rng = random.Random(f"solved/{seed}/{index}/{lessons}")  # noqa: S311 -- no secret
    form = rng.choices(list(FORMS), lessons.often)[0]
    tasks = [rng.choice(lessons.tasks) for _ in range(1 if form == "memory" else rng.randint(2, 5))]
    least, most = lessons.lines
    lines = rng.randint(least, min(most, CHUNK) if form == "whole" else most)
    text, asked = ask_many(rng, tasks, lines, "train", HOPS, lessons.near)
    return FORMS[form](rng, text, asked, lessons)


def _whole(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons
) -> list[Said]:
    made = [Said(f"TEXT\n{_page(text)}")]
    for question in asked:
        notes = "".join(f"NOTE: {line}\n" for line in question.lines)
        made += [
            Said(f"{question.text}\nNOTE and ANSWER\n"),
            Said(f"{notes}ANSWER: {question.answer}", learnt=True),
        ]
    return made


def _section(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons
) -> list[Said]:
    noted, section = _begun(rng, text, asked, lessons)
    known = [_known(question, noted) for question in asked]
    plans = [
        _plan(question, _planned(rng, question, held)) for question, held in zip(asked, known, strict=True)
    ]
    for at, question in enumerate(asked):
        if _joined(question) and rng.random() < lessons.mistaken:
            line, plans[at] = _mistaken(rng, question)
            noted.insert(rng.randint(0, len(noted)), line)
    made = [Said(f"NOTES\n{_ledger(noted)}\nSECTION\n{_page(section, _some_page(rng))}")]
    for question, plan, before in zip(asked, plans, known, strict=True):
        said = [f"NOTE: {line}" for line in section if line in question.lines]
        after = before + _known(question, section)
        if before < after < len(question.lines) and _joined(question):
            said.append(f"PLAN: {_plan(question, after)}")
        made += [
            Said(f"{question.text}\n{plan}\nNOTE or NOTHING\n"),
            Said(_lines(said) or "NOTHING", learnt=True),
        ]
    return made


def _mistaken(rng: random.Random, question: Question) -> tuple[str, str]:
    """A line that is nearly the first that a question needs, and the plan of who took it for that."""
    (relation, subject, _), second, *rest = _facts(question.lines)
    pools, of = kinds("train"), RELATIONS[relation]
    other, object = like(rng, subject, pools[of.subject]), rng.choice(pools[of.object])
    return state(rng, relation, other, object), f"What is {wanted([second._replace(subject=object), *rest])}?"


def _joined(question: Question) -> bool:
    """Whether it takes several steps, one after the other."""
    return question.type.endswith("hops")


def _facts(lines: Sequence[str]) -> list[Statement]:
    facts = [fact for fact in map(parse, lines) if isinstance(fact, Statement)]
    assert len(facts) == len(lines), lines
    return facts


def _known(question: Question, lines: Sequence[str]) -> int:
    return sum(line in lines for line in question.lines)


def _planned(rng: random.Random, question: Question, known: int) -> int:
    """How many facts were known when the plan was made: it stays as it is once there is nothing left to look for, and
    the last fact may have come with any of those before."""
    return known if known < len(question.lines) else rng.randrange(known)


def _plan(question: Question, known: int) -> str:
    """What to look for next: of a question of several steps, what is left of it."""
    if not known or not _joined(question):
        return "nothing in particular"
    return f"What is {wanted(_facts(question.lines[known:]))}?"


def _answer(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons
) -> list[Said]:
    made = [Said(f"NOTES\n{_ledger(_noted(rng, text, asked, lessons))}\n")]
    for question in asked:
        made += [Said(f"{question.text}\nANSWER\n"), Said(question.answer, learnt=True)]
    return made


def _memory(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons
) -> list[Said]:
    (question,) = asked
    if rng.random() < 0.2:
        before = f"MEMORY\n{_lines(_noted(rng, text, asked, lessons))}\n{question.text}\nANSWER\n"
        return [Said(before), Said(question.answer, learnt=True)]
    noted, section = _begun(rng, text, asked, lessons)
    after = [*noted, *(line for line in section if line in question.lines)]
    before = f"MEMORY\n{_lines(noted)}\nSECTION\n{_page(section, _some_page(rng))}{question.text}\nMEMORY\n"
    return [Said(before), Said(f"<memory>\n{_lines(after)}\n</memory>", learnt=True)]


FORMS: dict[str, Callable[[random.Random, Sequence[str], Sequence[Question], Lessons], list[Said]]] = {
    "whole": _whole, "section": _section, "answer": _answer, "memory": _memory,
}  # fmt: skip


def _begun(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons
) -> tuple[list[str], list[str]]:
    """What is noted of a text that was read up to some line, often its first, and the section that is read next."""
    read = 0 if rng.random() < 0.4 else rng.randrange(len(text))
    end = rng.randint(read + 1, min(len(text), read + CHUNK))
    return _noted(rng, text[:read], asked, lessons), list(text[read:end])


def _noted(rng: random.Random, text: Sequence[str], asked: Sequence[Question], lessons: Lessons) -> list[str]:
    return [
        line
        for line in text
        if any(line in question.lines for question in asked) or rng.random() < lessons.stray
    ]


def _some_page(rng: random.Random) -> int:
    """Its number: often the first, else one of thousands, low ones more often."""
    return 1 if rng.random() < 0.5 else int(10 ** (3.5 * rng.random()))


def _page(lines: Sequence[str], number: int = 1) -> str:
    return f"--- page-{number}.txt ---\n" + "".join(f" {line}\n" for line in lines) + "\n"


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(lines)


def _ledger(lines: Sequence[str]) -> str:
    return _lines([f"[n{number}] {line}" for number, line in enumerate(lines, 1)]) or "(none)"


def texts(count: int, seed: int, lessons: Lessons) -> Iterator[Item]:
    """Solved texts, each as the document of a sample that is never asked; its evidence is what is to be learnt."""
    for index in range(count):
        text, source = "", f"solved-{seed}-{index}.txt"
        learnt: list[tuple[int, int]] = []
        for said in solved(seed, index, lessons):
            if said.learnt:
                learnt.append((len(text), len(text) + len(said.text)))
            text += f"{said.text}\n" if said.learnt else said.text
        document = Document(document_id(source, text), source, text)
        evidence = tuple(Evidence(document.id, start, end) for start, end in learnt)
        yield Item(
            Sample(source, "reading", "text", "?", "?", "exact", (document.id,), evidence=evidence, split="train"),
            (document,),
        )  # fmt: skip


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


def write_compared(folder: Path, seed: int, smoke: bool) -> None:
    """Stage files of what the recipe is compared with: COMPARED, each beginning with the base, and RESAMPLED."""
    few = SMALL if smoke else {}
    folder.mkdir(parents=True, exist_ok=True)
    for name, (source, settings) in COMPARED.items():
        text = (RL / f"{source}.toml").read_text("utf-8")
        (folder / f"{name}.toml").write_text(changed(text, seed=seed, model=BASE, **settings | few), "utf-8")
    resampled = folder.with_name(f"resampled-{seed}")
    resampled.mkdir(exist_ok=True)
    for source in RESAMPLED:
        text = (RL / f"{source}.toml").read_text("utf-8")
        (resampled / f"{source}.toml").write_text(
            changed(text, seed=seed, aepo=None, positives_only=True, **few), "utf-8"
        )


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
    count, asked = (400, 100) if given.smoke else (30_000, 2_000)
    prompts = (here / "prompts.toml").read_text("utf-8")
    settings = json.dumps(
        {
            "texts": count, "questions": asked, "seed": SEED, "lessons": LESSONS, "chunk": CHUNK, "hops": HOPS,
            "asked": ASKED, "asked hops": ASKED_HOPS, "prompts": prompts,
        }
    )  # fmt: skip
    kept = out / "made.json"
    if kept.is_file() and kept.read_text("utf-8") != settings:
        sys.exit(f"{out} holds data of another size or kind ({kept}); give another folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / "prompts.toml").write_text(prompts, "utf-8")
    write_stages(here / "base", out / "base", 0, given.smoke)
    write_stages(RL, out / f"rl-{given.seed}", given.seed, given.smoke)
    write_compared(out / f"compared-{given.seed}", given.seed, given.smoke)
    if kept.is_file():
        return
    made = {name: list(texts(count, SEED, lessons)) for name, lessons in LESSONS.items()}
    for name, some in made.items():
        write(out / name, some)
    for number, (name, lines) in enumerate(ASKED.items(), SEED + 1):
        write(out / name, list(items(asked, number, lines, ASKED_HOPS)))
    write_checkpoint(out / "start", made["short"][:2_000], SEED)
    kept.write_text(settings, "utf-8")


if __name__ == "__main__":
    main()
