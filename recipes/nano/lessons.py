"""What the base model learns from: texts with questions about them, each with the reply of who knows.

The world is small enough that all of it follows from a seed; forms are those of the prompt sets.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence, Set
from typing import NamedTuple

from longread.types import Document, Evidence, Sample, document_id
from longread.worlds.nano.language import Statement, parse
from longread.worlds.nano.questions import TASKS, Item, Question, ask_many, wanted

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


LESSONS = {
    "few": Lessons((3, 6)),
    "short": Lessons((3, 16)),
    "chunk": Lessons((3, CHUNK), near=0.2),
    "notes": Lessons((8, 160), often=(2, 6, 2, 1), near=0.35, stray=0.03),
}
"""One after the other. In the last, as in far reading, most of a text is not about what is asked."""
HOPS = (2, 3)
"""Relations that its questions join."""


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
    tasks = [rng.choice(TASKS) for _ in range(1 if form == "memory" else rng.randint(2, 5))]
    least, most = lessons.lines
    lines = rng.randint(least, min(most, CHUNK) if form == "whole" else most)
    text, asked = ask_many(rng, tasks, lines, "train", HOPS, lessons.near)
    stray = {line for line in text if rng.random() < lessons.stray}
    return FORMS[form](rng, text, asked, stray)


def _whole(rng: random.Random, text: Sequence[str], asked: Sequence[Question], stray: Set[str]) -> list[Said]:
    made = [Said(f"TEXT\n{_page(text)}")]
    for question in asked:
        notes = "".join(f"NOTE: {line}\n" for line in question.lines)
        made += [
            Said(f"{question.text}\nNOTE and ANSWER\n"),
            Said(f"{notes}ANSWER: {question.answer}", learnt=True),
        ]
    return made


def _section(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], stray: Set[str]
) -> list[Said]:
    noted, section = _begun(rng, text, asked, stray)
    made = [Said(f"NOTES\n{_ledger(noted)}\nSECTION\n{_page(section, _some_page(rng))}")]
    for question in asked:
        said = [f"NOTE: {line}" for line in section if line in question.lines]
        before, after = (_known(question, lines) for lines in (noted, [*noted, *section]))
        if before < after < len(question.lines) and question.type.endswith("hops"):
            said.append(f"PLAN: {_plan(question, after)}")
        made += [
            Said(f"{question.text}\n{_plan(question, _planned(rng, question, before))}\nNOTE or NOTHING\n"),
            Said(_lines(said) or "NOTHING", learnt=True),
        ]
    return made


def _known(question: Question, lines: Sequence[str]) -> int:
    return sum(line in lines for line in question.lines)


def _planned(rng: random.Random, question: Question, known: int) -> int:
    """How many facts were known when the plan was made: it stays as it is once there is nothing left to look for, and
    the last fact may have come with any of those before."""
    return known if known < len(question.lines) else rng.randrange(known)


def _plan(question: Question, known: int) -> str:
    """What to look for next: of a question of several steps, what is left of it."""
    if not known or not question.type.endswith("hops"):
        return "nothing in particular"
    left = question.lines[known:]
    facts = [fact for fact in map(parse, left) if isinstance(fact, Statement)]
    assert len(facts) == len(left), question
    return f"What is {wanted(facts)}?"


def _answer(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], stray: Set[str]
) -> list[Said]:
    made = [Said(f"NOTES\n{_ledger(_noted(text, asked, stray))}\n")]
    for question in asked:
        made += [Said(f"{question.text}\nANSWER\n"), Said(question.answer, learnt=True)]
    return made


def _memory(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], stray: Set[str]
) -> list[Said]:
    (question,) = asked
    if rng.random() < 0.2:
        before = f"MEMORY\n{_lines(_noted(text, asked, stray))}\n{question.text}\nANSWER\n"
        return [Said(before), Said(question.answer, learnt=True)]
    noted, section = _begun(rng, text, asked, stray)
    after = [*noted, *(line for line in section if line in question.lines)]
    before = f"MEMORY\n{_lines(noted)}\nSECTION\n{_page(section, _some_page(rng))}{question.text}\nMEMORY\n"
    return [Said(before), Said(f"<memory>\n{_lines(after)}\n</memory>", learnt=True)]


FORMS: dict[str, Callable[[random.Random, Sequence[str], Sequence[Question], Set[str]], list[Said]]] = {
    "whole": _whole, "section": _section, "answer": _answer, "memory": _memory,
}  # fmt: skip


def _begun(
    rng: random.Random, text: Sequence[str], asked: Sequence[Question], stray: Set[str]
) -> tuple[list[str], list[str]]:
    """What is noted of a text that was read up to some line, often its first, and the section that is read next."""
    read = 0 if rng.random() < 0.4 else rng.randrange(len(text))
    end = rng.randint(read + 1, min(len(text), read + CHUNK))
    return _noted(text[:read], asked, stray), list(text[read:end])


def _noted(text: Sequence[str], asked: Sequence[Question], stray: Set[str]) -> list[str]:
    return [line for line in text if line in stray or any(line in question.lines for question in asked)]


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
