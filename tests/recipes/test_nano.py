"""The nano recipe: what it trains on is what the reader sees, and replies to imitate are right."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

torch = pytest.importorskip("torch")

import longread.models  # noqa: E402
from longread.models.local import end_ids, load_checkpoint  # noqa: E402
from longread.models.turns import Turns  # noqa: E402
from longread.reading.prompts import load_prompts  # noqa: E402
from longread.reading.replies import parse_memory  # noqa: E402
from longread.training.generation import Generated, Request  # noqa: E402
from longread.training.records import Conversation  # noqa: E402
from longread.training.rollouts import Case, Reads, rollouts  # noqa: E402
from longread.training.stage import Merge, Reinforcement  # noqa: E402
from longread.training.stages import plan  # noqa: E402
from longread.training.supervised import replies, texts  # noqa: E402
from longread.types import Document, Evidence  # noqa: E402
from longread.worlds.nano.language import kinds  # noqa: E402
from longread.worlds.nano.questions import TASKS, Question, make, prove, solve  # noqa: E402

RECIPE = Path(__file__).parents[2] / "recipes" / "nano"
PROMPTS = str(RECIPE / "prompts.toml")


def loaded(name: str) -> ModuleType:
    """A script of the recipe as a module."""
    spec = importlib.util.spec_from_file_location(f"nano_{name}", RECIPE / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def prepare() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(RECIPE)  # as where the script is run
        yield loaded("prepare")


@pytest.fixture(scope="module")
def lessons() -> ModuleType:
    return loaded("lessons")


@pytest.fixture(scope="module")
def turns(prepare: ModuleType, lessons: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Turns:
    folder = tmp_path_factory.mktemp("start")
    prepare.write_checkpoint(folder, list(lessons.texts(600, 1, lessons.LESSONS["short"])), 0)
    tokenizer, model = load_checkpoint(folder)
    assert 1e6 <= model.num_parameters() <= 4e6
    return Turns("nano", tokenizer, end_ids(tokenizer, model))


def test_each_word_is_one_token_and_any_text_has_some(turns: Turns) -> None:
    for split in ("train", "evaluation"):
        for names in kinds(split).values():
            assert all(len(turns.encode(f" {name}")) == len(name.split()) for name in names)
    for text in (" Anna Berg keeps a cat.\n", "Zwölf Boxkämpfer, 你好\n\tdef f(x): ..."):
        assert turns.decode(turns.encode(text)) == text


def test_texts_of_the_memory_stage_have_lines_nearly_about_the_question(prepare: ModuleType) -> None:
    spoken_of = {}
    for name, items in prepare.asked(10):
        assert [item.sample.task for item in items] == [*TASKS, *TASKS]
        lines = [line for d in items[0].documents for line in d.text.splitlines()]
        (subject,) = re.findall(r"[A-Z]\w+ [A-Z]\w+", items[0].sample.question)
        spoken_of[name] = sum(any(word in line for word in subject.split()) for line in lines) / len(lines)
    assert spoken_of.pop("memory") > 0.25 > 0.2 > max(spoken_of.values())


def test_lines_nearly_about_the_question_leave_its_answer_alone() -> None:
    for index in range(20):
        plain, near = (make("multi_hop", 300, 7, index, near=near) for near in (0.0, 0.5))
        assert near.sample.question == plain.sample.question and prove(near) == near.sample.answer
        subjects = re.findall(r"[A-Z]\w+ [A-Z]\w+", near.sample.question)
        first = [
            sum(subjects[0] in line for d in item.documents for line in d.text.splitlines())
            for item in (plain, near)
        ]
        assert first[0] <= 3 < first[1]


@pytest.mark.parametrize("mode", ["full", "memory"])
@pytest.mark.parametrize("task", TASKS)
def test_imitated_replies_earn_the_reward(turns: Turns, mode: str, task: str) -> None:
    reads = Reads(mode, PROMPTS, 8192, 128, chunk=512, notes=128)
    for index in range(4):
        item = make(task, 200, 7, index)
        case = Case(item.sample, item.documents)
        taught = asyncio.run(replies(case, reads, turns))
        assert len(taught) == 1 if mode == "full" else len(taught) > 3

        def spoken(requests: list[Request], said: list[Conversation] = taught) -> list[Generated]:
            by_prompt = {one.prompt: one.reply for one in said}
            return [
                Generated(
                    Conversation(r.prompt, ids := by_prompt[r.prompt], z := (0.0,) * len(ids), z), "stop"
                )
                for r in requests
            ]

        (made,) = asyncio.run(rollouts([case], 1, reads, turns, spoken))
        assert made.reward == 1.0, (item.sample, made.response)


def test_evidence_of_several_lines_is_one_note(turns: Turns) -> None:
    text = " Anna Berg keeps a cat.\n\n Answer: Leo King keeps a dog.\n"
    item = make("reading", 5, 7, 0)
    document = Document("d", "d.txt", text)
    evidence = (Evidence("d", 1, len(text) - 1),)
    case = Case(replace(item.sample, answer="cat", documents=("d",), evidence=evidence), (document,))
    (taught,) = asyncio.run(replies(case, Reads("full", PROMPTS, 2048, 128), turns))
    assert turns.decode(taught.reply[:-1]) == (
        "NOTE: Anna Berg keeps a cat. Answer: Leo King keeps a dog.\nANSWER: cat"
    )


def test_a_reply_that_would_be_cut_off_is_the_answer_alone(turns: Turns) -> None:
    item = make("multi_hop", 5, 7, 0)
    case = Case(item.sample, item.documents)
    (taught,) = asyncio.run(replies(case, Reads("full", PROMPTS, 2048, 16), turns))
    assert turns.decode(taught.reply[:-1]) == item.sample.answer


class _Whole(random.Random):
    """Draws so that nothing is noted and the section is the whole text."""

    def random(self) -> float:
        return 0.3

    def randint(self, a: int, b: int) -> int:
        return b


@pytest.mark.parametrize(
    ("form", "prompts", "mode", "at"),
    [("whole", PROMPTS, "full", 0), ("section", PROMPTS, "memory", 0), ("answer", PROMPTS, "memory", -1),
     ("memory", str(RECIPE / "prompts-text.toml"), "memory", 0)],
)  # fmt: skip
def test_solved_texts_look_as_the_reader_shows_them(
    lessons: ModuleType, turns: Turns, form: str, prompts: str, mode: str, at: int
) -> None:
    item = make("multi_hop", 9, 7, 0)
    taught = asyncio.run(replies(Case(item.sample, item.documents), Reads(mode, prompts, 2048, 128), turns))[
        at
    ]
    (document,) = item.documents
    lines = [line.strip() for line in document.text.splitlines()]
    evidence = tuple(document.text[piece.start : piece.end] for piece in item.sample.evidence)
    question = Question(item.sample.question, item.sample.answer, evidence, item.sample.type)
    *before, reply = lessons.FORMS[form](_Whole(), lines, [question], frozenset())
    assert turns.encode("".join(said.text for said in before)) == list(taught.prompt)
    assert reply.learnt and not any(said.learnt for said in before)
    if form != "memory":
        assert (*turns.encode(reply.text), min(turns.ends)) == taught.reply
    else:
        assert parse_memory(reply.text, "")[0].splitlines() == list(evidence)


class _From(random.Random):
    """Draws so that a text was read to some line, and the section goes from there to another."""

    def __init__(self, start: int, end: int) -> None:
        super().__init__(0)
        self._start, self._end = start, end

    def random(self) -> float:
        return 0.9

    def randrange(self, stop: int, *_: object) -> int:
        return min(self._start, stop - 1)

    def randint(self, *_: int) -> int:
        return self._end


def _first_page(shown: str) -> str:
    return re.sub(r"--- page-\d+", "--- page-1", shown)


def test_a_plan_asks_for_what_is_left_and_sections_are_learnt_as_the_reader_shows_them(
    lessons: ModuleType, turns: Turns
) -> None:
    reads = Reads("memory", PROMPTS, 8192, 128, chunk=64, notes=128)
    planned = 0
    for index in range(6):
        item = make("multi_hop", 40, 7, index)
        (document,) = item.documents
        text = [line.strip() for line in document.text.splitlines()]
        lines = tuple(document.text[piece.start : piece.end] for piece in item.sample.evidence)
        question = Question(item.sample.question, item.sample.answer, lines, item.sample.type)
        plans: list[str] = []

        def spoken(
            requests: list[Request],
            question: Question = question,
            text: list[str] = text,
            plans: list[str] = plans,
        ) -> list[Generated]:
            (request,) = requests
            _, _, section = turns.decode(request.prompt).partition("SECTION\n")
            reply = question.answer
            if section:
                shown = [line.strip() for line in section.splitlines() if line.startswith(" ")]
                start = text.index(shown[0])
                before, then, said = lessons.FORMS["section"](
                    # What was noted is shown again without the lines between.
                    _From(start, start + len(shown)),
                    [*text[:start], *shown],
                    [question],
                    frozenset(),
                )
                if sum(line in text[:start] for line in question.lines) < len(question.lines):
                    assert turns.decode(request.prompt) == _first_page(before.text) + then.text
                    plans.append(then.text.splitlines()[1])
                reply = said.text
            ids = tuple(turns.encode(reply))
            return [Generated(Conversation(request.prompt, ids, z := (0.0,) * len(ids), z), "stop")]

        (made,) = asyncio.run(rollouts([Case(item.sample, item.documents)], 1, reads, turns, spoken))
        assert made.reward == 1.0
        for planned_for in set(plans) - {"nothing in particular"}:
            planned += 1
            assert any(solve(planned_for, lines[known:]) == question.answer for known in range(1, len(lines)))
    assert planned > 5


def test_a_section_is_a_chunk_at_most_and_often_has_nothing(lessons: ModuleType) -> None:
    empty = total = 0
    for index in range(60):
        before, *rest = lessons.solved(1, index, lessons.LESSONS["notes"]._replace(often=(0, 1, 0, 0)))
        _, _, page = before.text.partition("SECTION\n")
        assert 1 <= sum(line.startswith(" ") for line in page.splitlines()) <= lessons.CHUNK
        replies = [said.text for said in rest if said.learnt]
        total += len(replies)
        empty += replies.count("NOTHING")
    assert 0.4 < empty / total < 0.7


def test_what_a_memory_gives_with_and_without_skipping_is_asked_for_in_the_same_words() -> None:
    whole, short = (load_prompts(str(RECIPE / f"prompts-text{end}.toml")) for end in ("", "-skip"))
    assert (whole.skip, short.skip) == (False, True)
    assert {key: one.template for key, one in short.templates.items()} == {
        key: one.template for key, one in whole.templates.items()
    }
    assert {**short.sizes, "chunk": 256} == whole.sizes and short.format == whole.format == "text"


def test_what_notes_hold_is_counted_in_facts() -> None:
    evaluate = loaded("evaluate")
    folder = Path(longread.models.__file__).parent / "nano"
    cell = evaluate.Cell("notes", "memory", 40, 2)
    for row in evaluate.measure(folder, cell, 2, folder / "prompts.toml"):
        planted = [
            len(make(row["task"], 40, evaluate.SEED, index, "evaluation", evaluate.HOPS).sample.evidence)
            for index in range(2)
        ]
        assert row["facts"] == sum(planted)
        assert min(planted) * row["kept"] * 2 - 0.5 <= row["retained"] <= max(planted) * row["kept"] * 2 + 0.5


@pytest.mark.parametrize(
    ("skips", "rewrites", "asked"),
    [
        (True, False, "{nano}/prompts.toml"),
        (False, False, "{model}/prompts.toml"),
        (True, True, "{recipe}/prompts-text-skip.toml"),
        (False, True, "{recipe}/prompts-text.toml"),
    ],
)
def test_what_was_measured_before_a_stop_is_not_measured_again(
    skips: bool, rewrites: bool, asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluate = loaded("evaluate")
    folder = tmp_path / "model"
    monkeypatch.setattr(evaluate, "TABLES", {"lengths": (evaluate.Cell("a", "full", 8, 2, skips, rewrites),)})
    monkeypatch.setattr(sys, "argv", ["", str(tmp_path / "r"), str(folder), "--table", "lengths"])
    measured: list[tuple[str, ...]] = []
    asked_with: set[Path] = set()

    def measure(
        folder: Path, cell: object, samples: int, prompts: Path, tasks: tuple[str, ...]
    ) -> list[dict]:
        measured.append(tuple(tasks))
        asked_with.add(prompts)
        if len(measured) == 3:
            raise KeyboardInterrupt
        row = {"model": str(folder), "cell": "a", "samples": samples, "right": 1.0}
        return [row | {"task": task} for task in tasks]

    monkeypatch.setattr(evaluate, "measure", measure)
    with pytest.raises(KeyboardInterrupt) if skips and not rewrites else nullcontext():
        evaluate.main()
    evaluate.main()
    rows = [json.loads(line)["task"] for line in (tmp_path / "r").read_text().splitlines()]
    assert tuple(rows) == TASKS
    one_by_one = [(task,) for task in TASKS]
    places = {"nano": evaluate.NANO_FOLDER, "model": folder, "recipe": Path(evaluate.__file__).parent}
    assert asked_with == {Path(asked.format_map(places))}
    assert measured == ([*one_by_one[:3], *one_by_one[2:]] if skips and not rewrites else [TASKS])


def test_of_a_solved_text_the_replies_are_learnt_and_where_they_end(
    lessons: ModuleType, turns: Turns
) -> None:
    solved = list(lessons.texts(40, 3, lessons.LESSONS["notes"]))
    read = texts([Case(item.sample, item.documents) for item in solved], turns, 2048, marked=True)
    assert len(read) == 40
    for item, (conversation, learnt) in zip(solved, read, strict=True):
        said = [
            one.text for one in lessons.solved(3, solved.index(item), lessons.LESSONS["notes"]) if one.learnt
        ]
        ids = [id for id, wanted in zip(conversation.reply, learnt, strict=True) if wanted]
        assert turns.decode(ids) == "".join(f"{text}<|im_end|>" for text in said)
        whole = turns.decode((*conversation.prompt, *conversation.reply))
        assert whole.replace("<|im_end|>", "") == item.documents[0].text


def test_evaluation_shares_no_question_and_no_name_with_training(
    prepare: ModuleType, lessons: ModuleType
) -> None:
    evaluate = loaded("evaluate")
    learnt = "".join(
        item.documents[0].text for item in lessons.texts(1_000, prepare.SEED, lessons.LESSONS["notes"])
    )
    asked = {
        make(task, 60, seed, index, "train").sample.question
        for task in TASKS
        for seed in range(3)
        for index in range(200)
    }
    for task in TASKS:
        for index in range(400):
            item = make(task, 60, evaluate.SEED, index, "evaluation")
            question = item.sample.question
            assert question not in asked or item.sample.type == "count"
            named = [
                name
                for kind in ("person", "company")
                for name in kinds("evaluation")[kind]
                if name in question
            ]
            assert named or item.sample.type == "count"
            assert not any(name in learnt for name in named)


@pytest.fixture(scope="module")
def report() -> ModuleType:
    return loaded("report")


def test_stage_files_fit_together_and_begin_where_the_base_ends(
    prepare: ModuleType, lessons: ModuleType, tmp_path: Path
) -> None:
    for seed in (0, 1):
        prepare.write_stages(RECIPE / "base", tmp_path / "recipe" / "base", 0, smoke=False)
        prepare.write_stages(RECIPE / "rl", tmp_path / "recipe" / f"rl-{seed}", seed, smoke=True)
        base = plan(tmp_path / "recipe" / "base", tmp_path / "base")
        later = plan(tmp_path / "recipe" / f"rl-{seed}", tmp_path / f"rl-{seed}")
        last, first, merged = base[-1], later[0].stage, later[4].stage
        assert not isinstance(first, Merge) and isinstance(merged, Merge)
        for name in (first.model, merged.base):
            assert name and Path(name).resolve() == last.out / "model"
        assert merged.experts == [str(later[at].out / "model") for at in (2, 3)]
        for one in (*base, *later):
            if not isinstance(one.stage, Merge):
                data = Path(one.stage.data).resolve()
                assert data.parent == tmp_path / "recipe"
                assert data.name in {*lessons.LESSONS, *prepare.ASKED}
                assert Path(one.stage.sizes.prompts).resolve() == tmp_path / "recipe" / "prompts.toml"
        assert {one.stage.seed for one in later if isinstance(one.stage, Reinforcement)} == {seed}
        assert {one.stage.steps for one in later if isinstance(one.stage, Reinforcement)} == {2}


def test_what_the_recipe_is_compared_with_differs_in_what_it_says(
    prepare: ModuleType, tmp_path: Path
) -> None:
    prepare.write_compared(tmp_path / "recipe", 4, smoke=False)
    made = {one.out.name: one.stage for one in plan(tmp_path / "recipe" / "compared-4", tmp_path / "out")}
    assert set(made) == set(prepare.COMPARED)
    credited = [
        (made[f"memory-by-{by}"].step_credit, made[f"memory-by-{by}"].stray_cost)
        for by in ("answer", "fact", "step")
    ]
    assert credited == [(0.0, 0.0), (0.5, 0.0), (0.5, 0.5)]


def test_a_control_goes_from_the_base_through_stages_that_draw_anew(
    prepare: ModuleType, tmp_path: Path
) -> None:
    prepare.write_compared(tmp_path / "recipe", 4, smoke=False)
    base = (tmp_path / "base" / "6-settled" / "model").resolve()
    for control, stages in (("naive", 3), ("resampled", 4)):
        made = plan(tmp_path / "recipe" / f"{control}-4", tmp_path / f"{control}-4")
        models = [
            Path(one.stage.model or "").resolve() for one in made if isinstance(one.stage, Reinforcement)
        ]
        assert models == [base, *(one.out / "model" for one in made[:-1])]
        drawn = {one.stage.seed for one in made if isinstance(one.stage, Reinforcement)}
        assert len(drawn) == stages
        for one in made:
            assert isinstance(one.stage, Reinforcement) and one.stage.aepo is None
            assert one.stage.positives_only == (control == "resampled")
            assert one.stage.balanced == (control == "resampled")


def test_curves_are_means_over_seeds_of_the_stages_in_a_row_and_of_each_ablation(tmp_path: Path) -> None:
    curves = loaded("curves")
    for run, entropies in {
        "rl-0/1-full": [0.1, 0.2], "rl-0/4-memory": [0.3], "rl-1/1-full": [0.3, 0.4], "rl-1/4-memory": [0.5],
        "compared-0/grpo": [0.7], "compared-0/memory-by-fact": [0.9], "naive-0/1": [0.6], "naive-0/last": [0.8],
    }.items():  # fmt: skip
        rows = [{"entropy": entropy, "length": 5.0, "reward": 0.5} for entropy in entropies]
        (tmp_path / run).mkdir(parents=True)
        (tmp_path / run / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = curves.read(tmp_path)
    chains, ablations, memory = found.values()
    assert curves.curve(chains["the recipe"], "entropy") == pytest.approx([0.2, 0.25, 0.3])
    assert curves.curve(chains["plain GRPO"], "entropy") == pytest.approx([0.6, 0.7])
    assert (set(ablations), set(memory)) == ({"grpo"}, {"memory-by-fact"})
    for picture in (tmp_path / "one.svg", tmp_path / "two.svg"):
        curves.draw(found, picture)
    text = (tmp_path / "one.svg").read_bytes()
    assert text.startswith(b"<?xml") and text == (tmp_path / "two.svg").read_bytes()


def test_the_table_has_a_row_for_a_stage_and_an_interval_for_several_seeds(report: ModuleType) -> None:
    rows = [
        {"model": f"out/{run}/model", "cell": cell, "task": task, "samples": 4, "right": right}
        | ({"kept": right / 2, "facts": 8, "retained": 3} if cell == "notes" else {})
        for run, right in (("base/6-settled", 0.25), ("rl-0/1-full", 0.5), ("rl-1/1-full", 0.7))
        for cell in ("full", "notes")
        for task in TASKS
    ]
    head, _, base, full = report.table([*rows, rows[0]])
    assert head == f"| after | {' | '.join(TASKS)} | average | notes | notes, evidence kept |"
    assert base == f"| base: 6-settled | {' | '.join(['25.0'] * 7)} | 12.5 |"
    assert full == f"| rl: 1-full | {' | '.join(['60.0 ± 127.1'] * 7)} | 30.0 ± 63.5 |"
    farther = [row | {"cell": "further"} for row in rows if row["cell"] == "full"]
    head, _, base, _ = report.table([*rows, *farther])
    assert head.endswith("| notes | notes, evidence kept | further |") and base.endswith(
        "| 25.0 | 12.5 | 25.0 |"
    )
    _, _, whole, noted, *others = report.lengths(rows)
    assert whole == f"| base: 6-settled | full | {' | '.join(['25.0'] * 6)} | 4 |  |"
    assert noted == f"| base: 6-settled | notes | {' | '.join(['25.0'] * 6)} | 4 | 15 of 40 |"
    assert [line.rpartition(" | ")[2] for line in others] == [" |", "30 of 80 |"]


def test_the_kept_base_is_what_a_run_begins_with_and_never_taken_for_another(tmp_path: Path) -> None:
    def run(out: Path, *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RECIPE / "run.sh", out, *options],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHON": "true"},
        )

    kept, out = RECIPE / "trained" / "base", tmp_path / "out"
    assert (kept / "prompts.toml").read_text() == Path(PROMPTS).read_text()
    stopped = out / "base" / "6-settled" / "model.part"
    stopped.mkdir(parents=True)
    (stopped / "model.safetensors").write_bytes(b"half")
    (out / "base" / "kept").touch()
    for _ in range(2):
        assert run(out, "--kept-base").returncode == 0
        begun = {file.name: file.read_bytes() for file in (out / "base" / "6-settled" / "model").iterdir()}
        assert begun == {file.name: file.read_bytes() for file in kept.iterdir()}
    assert "began with the kept base" in run(out).stderr
    (tmp_path / "own" / "base").mkdir(parents=True)
    assert "a base of its own" in run(tmp_path / "own", "--kept-base").stderr
    _, model = load_checkpoint(kept)
    assert model.num_parameters() < 4e6


@pytest.mark.slow
@pytest.mark.timeout(1_500)  # a warm-up, then two steps of each stage: four minutes of a core
def test_all_stages_run_go_on_where_they_stopped_and_are_scored(tmp_path: Path) -> None:
    def run(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [RECIPE / "run.sh", *options], capture_output=True, text=True,
            env=os.environ | {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    assert run().returncode == 2 and "usage" in run(str(tmp_path), "--seed").stderr
    done = run(str(tmp_path), "--smoke")
    assert done.returncode == 0, done.stderr[-2_000:]
    stages = [path.stem for part in ("base", "rl") for path in sorted((RECIPE / part).glob("*.toml"))]
    table = [line for line in done.stdout.splitlines() if line.startswith("|")]
    assert [line.split("|")[1].strip().partition(": ")[2] for line in table[2:]] == stages[
        stages.index("6-settled") :
    ]
    for stage in stages:
        (model,) = tmp_path.glob(f"*/{stage}/model")
        assert (model / "prompts.toml").read_text() == Path(PROMPTS).read_text()
    again = run(str(tmp_path), "--smoke")
    assert again.returncode == 0 and "loss" not in again.stderr and "reward" not in again.stderr
    assert [line for line in again.stdout.splitlines() if line.startswith("|")] == table
    other = run(str(tmp_path))
    assert other.returncode == 1 and "data of another size or kind" in other.stderr
