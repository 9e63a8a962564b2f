"""Lines that have none of the names asked for are not read, and nothing is lost by it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from longread import Answer, Corpus, Document, Journal, Reader
from longread.errors import CapReached
from longread.models.base import PROMPTS, Message, OnDelta, Reply, Sampling
from longread.models.discover import NANO_FOLDER
from longread.models.scripted import ScriptedModel
from longread.reading.events import ChunkBegun, ChunkRead, Event
from longread.reading.language import LanguagePolicy
from longread.reading.notes import Add, Notes
from longread.reading.objects import summary
from longread.reading.policy import Task
from longread.reading.recording import UnkeptRun
from longread.reading.section import Section, Sections
from longread.reading.strategies.base import Reading
from longread.reading.strategies.width import Width
from longread.types import Chunk, Span
from tests.support import planted

WORLD = planted.plant(6_000, 3, seed=5, decoys=20)
STRATEGIES = ["sequential", "speculative", "rounds"]


def policy(model: ScriptedModel, folder: Path, *, skip: bool = True) -> LanguagePolicy:
    (folder / "mine.toml").write_text(planted.prompts(exact=True, named=True, skip=skip), "utf-8")
    return LanguagePolicy.over(model, str(folder / "mine.toml"), window=8_192, chunk=300)


def model() -> ScriptedModel:
    return ScriptedModel(lambda messages, _: planted.read(messages[0].text))


def silent() -> ScriptedModel:
    return ScriptedModel(lambda *_: "NOTHING")


def pages(*lines: str) -> Corpus:
    """A document of one chunk for each line."""
    return Corpus(tuple(Document(str(at), f"{at}.txt", f"{line:.<800}\n") for at, line in enumerate(lines)))


async def events(reader: Reader, question: str | Sequence[str], corpus: Corpus) -> list[Event]:
    return [
        event async for event in reader.read([question] if isinstance(question, str) else question, corpus)
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_answer_and_its_citations_are_those_of_reading_it_all(
    strategy: str, tmp_path: Path
) -> None:
    corpus = Corpus((WORLD.document(),))

    async def ask(*, skip: bool) -> Answer:
        reader = Reader(policy(model(), tmp_path, skip=skip), strategy=strategy)
        return await reader.aask(WORLD.question, corpus)

    whole, short = await ask(skip=False), await ask(skip=True)
    assert short.text == whole.text and whole.text.startswith(WORLD.answer)
    assert short.citations == whole.citations
    assert whole.chunks.skipped == 0 and whole.chunks.read == whole.chunks.total
    assert short.chunks.skipped > 0 and short.chunks.read + short.chunks.skipped == short.chunks.total
    assert short.chunks.noted == whole.chunks.noted and short.usage.calls < whole.usage.calls
    if strategy == "sequential":
        assert whole.usage.calls - short.usage.calls == short.chunks.skipped
    assert f"; {short.chunks.skipped} skipped, without a name or word that is asked for" in summary(short)
    assert "skipped" not in summary(whole)


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_progress_counts_what_was_skipped_and_says_so(strategy: str, tmp_path: Path) -> None:
    seen = await events(
        Reader(policy(model(), tmp_path), strategy=strategy, revisits=0),
        WORLD.question,
        Corpus((WORLD.document(),)),
    )
    read = [event for event in seen if isinstance(event, ChunkRead)]
    assert [event.read for event in read] == list(range(1, read[0].total + 1))
    begun = {event.chunk for event in seen if isinstance(event, ChunkBegun)}
    assert begun == {event.chunk for event in read if not event.skipped}


async def test_a_section_with_a_name_of_any_question_is_read_for_all(tmp_path: Path) -> None:
    corpus = pages("The mayor of Perth", "Carl White sings", "Riga has a harbour", "Nobody does")
    reader = Reader(policy(silent(), tmp_path), strategy="sequential", revisits=0)
    for answer in await reader.aask(["Who is the mayor of Perth?", "Who is the mayor of Riga?"], corpus):
        assert (answer.chunks.total, answer.chunks.read, answer.chunks.skipped) == (4, 2, 2)


def test_each_question_has_the_names_of_its_own_notes(tmp_path: Path) -> None:
    corpus = pages("Riga has a harbour")
    section = Sections(corpus, [Chunk(0, (Span("0", 0, 800),), 200)])[0]
    lines = Sections(pages("Riga is old"), [Chunk(0, (Span("0", 0, 800),), 200)])[0]
    riga = Notes().update([Add("", "Riga is old")], None, lines)
    asked = policy(silent(), tmp_path)
    perth, anyone = Task("Who is the mayor of Perth?"), Task("who is mayor?")
    assert not asked.shown([perth], [Notes()], section).pieces
    assert not asked.shown([perth, perth], [Notes(), Notes(plan="Carl")], section).pieces
    assert asked.shown([perth, perth], [Notes(), riga], section).pieces
    assert asked.shown([perth], [Notes(plan="Riga")], section).pieces
    assert asked.shown([anyone], [Notes()], section).pieces
    assert asked.shown([perth, anyone], [Notes(), Notes()], section).pieces


def whole(text: str) -> Section:
    """A document as one section."""
    return Sections(Corpus((Document("a", "a.txt", text),)), [Chunk(0, (Span("a", 0, len(text)),), 100)])[0]


class Seeing(ScriptedModel):
    """Remembers the text of each prompt for notes, and notes those of `lines` that are in it."""

    def __init__(self, lines: Sequence[str] = (), plans: Sequence[str] = ()) -> None:
        super().__init__(self._read)
        self.lines = lines
        self.plans = iter(plans)
        self.shown: list[str] = []

    def _read(self, messages: tuple[Message, ...], _: Sampling) -> str:
        if not (fenced := re.search(r"\nSECTION .*?<<\w+\n(.*?)\w+>>", messages[0].text, re.S)):
            return "NOTHING"
        text = fenced[1].partition(" ---\n")[2].strip()
        self.shown.append(text)
        notes = [f'NOTE: {line} | "{line}"' for line in self.lines if line in text]
        return "\n".join([*notes, *(f"PLAN: {plan}" for plan in islice(self.plans, 1))]) or "NOTHING"


HOUSES = (
    "Kyoto is governed by Max Hill.\nThe river of Perth is Elbe.\nGreta North was born in Kyoto.\n"
    "Nobody sings.\nOmega Works was founded by Greta North."
)
FOUNDED = "Who governs where the founder of Omega Works was born?"


async def test_a_chain_is_followed_through_the_lines_of_a_section_each_shown_once(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    plans = "Where was Greta North born?", "Who governs Kyoto?"
    corpus = Corpus((Document("a", "a.txt", HOUSES),))
    asked = Seeing(lines)
    answer = await Reader(policy(asked, tmp_path), strategy="sequential", revisits=0).aask(FOUNDED, corpus)
    assert asked.shown == [lines[4], lines[2], lines[0]]
    assert (answer.chunks.read, answer.chunks.noted) == (1, 1)
    section = whole(HOUSES)
    (noted,) = await policy(Seeing(lines, plans), tmp_path).note([Task(FOUNDED)], [Notes()], section, 1)
    assert noted.plan == plans[1]
    assert [one.quote for one in noted.operations if isinstance(one, Add)] == [lines[4], lines[2], lines[0]]
    assert len(noted.calls) == 3


class Remembering(ScriptedModel):
    """Remembers the text of each prompt for a memory, and writes it anew with those of `lines` that are in it."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__(self._read)
        self.lines = lines
        self.shown: list[str] = []

    def _read(self, messages: tuple[Message, ...], _: Sampling) -> str:
        (memory,) = re.findall(r"^<memory>\n(.*?)\n?</memory>$", messages[0].text, re.S | re.M)[:1]
        if not (fenced := re.search(r"^<section>\n<<\w+\n(.*?)\n\w+>>$", messages[0].text, re.S | re.M)):
            return memory.splitlines()[-1]
        text = fenced[1].partition(" ---\n")[2].strip()
        self.shown.append(text)
        new = [line for line in self.lines if line in text and line not in memory]
        return "Updated memory:\n<memory>\n" + "\n".join(filter(None, [memory, *new])) + "\n</memory>"


def remembers(model: ScriptedModel, folder: Path, *, skip: bool = True) -> LanguagePolicy:
    (folder / "text.toml").write_text(planted.prompts(of="text", skip=skip), "utf-8")
    return LanguagePolicy.over(model, str(folder / "text.toml"), window=8_192, chunk=300)


async def test_a_memory_leads_on_as_notes_do(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    asked = Remembering(lines)
    corpus = Corpus((Document("a", "a.txt", HOUSES), *pages("Max Hill sings.", "Nobody hums.").documents))
    answer = await Reader(remembers(asked, tmp_path), strategy="sequential").aask(FOUNDED, corpus)
    assert asked.shown[:3] == [lines[4], lines[2], lines[0]]
    assert [text.rstrip(".") for text in asked.shown[3:]] == ["Max Hill sings"]
    assert [citation.text for citation in answer.citations] == [lines[0]] and lines[0] in answer.text
    (noted,) = await remembers(Remembering(lines), tmp_path).note(
        [Task(FOUNDED)], [Notes()], section := whole(HOUSES), 1
    )
    held = Notes().update(noted.operations, noted.plan, section)
    assert (
        held.memory.splitlines() == [entry.quote for entry in held.entries] == [lines[4], lines[2], lines[0]]
    )
    assert answer.chunks.read + answer.chunks.skipped == answer.chunks.total and answer.chunks.skipped


async def test_a_memory_in_the_model_s_own_words_leads_on(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    asked: list[str] = []

    def reply(messages: tuple[Message, ...], _: Sampling) -> str:
        asked.append(messages[0].text)
        return "<memory>Greta North did it</memory>"

    section = whole(HOUSES)
    await remembers(ScriptedModel(reply), tmp_path).note([Task(FOUNDED)], [Notes()], section, 1)
    assert [[line in prompt for line in lines] for prompt in asked] == [
        [line == shown for line in lines] for shown in (lines[4], lines[2])
    ]


@pytest.mark.parametrize("strategy", ["sequential", "speculative"])
async def test_with_a_memory_the_answer_is_that_of_reading_it_all(strategy: str, tmp_path: Path) -> None:
    corpus = Corpus((WORLD.document(),))
    whole, short = [
        await Reader(remembers(Remembering(WORLD.hops), tmp_path, skip=skip), strategy=strategy).aask(
            WORLD.question, corpus
        )
        for skip in (False, True)
    ]
    assert short.text == whole.text and WORLD.hops[-1] in whole.text
    assert short.citations == whole.citations and [one.text for one in whole.citations] == [WORLD.hops[-1]]
    assert whole.chunks.skipped == 0 < short.chunks.skipped
    assert short.usage.calls < whole.usage.calls


async def test_each_of_several_questions_has_a_memory_of_its_own(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    questions = [FOUNDED, "What is the river of Perth?", "who sings?"]
    asked = Remembering(lines)
    noted = await remembers(asked, tmp_path).note(
        [Task(one, telling=frozenset({"sings"} if one == questions[2] else ())) for one in questions],
        [Notes()] * 3,
        whole(HOUSES),
        1,
    )
    assert asked.shown == [lines[4], lines[2], lines[0], lines[1], lines[3]]
    assert [len(one.calls) for one in noted] == [3, 1, 1]


def test_notes_go_by_their_quotes_whatever_memory_they_follow_up(tmp_path: Path) -> None:
    section = whole("Anna Berg works for Silver Works.\nSilver Works is based in Oslo.")
    held = Notes().update([Add("", "Anna Berg works for Silver Works.")], None, section)
    task = Task("Where is the employer of Anna Berg based?")
    after = policy(silent(), tmp_path).shown([task], [replace(held, memory="Leo Hill sings.")], section)
    assert "".join(piece.text for piece in after.pieces) == section.pieces[0].text


def test_of_a_memory_what_it_says_now_leads_on(tmp_path: Path) -> None:
    section = whole("Riga has a harbour")
    riga = Notes().update([Add("", "Riga has a harbour")], None, section)
    asked, perth = remembers(silent(), tmp_path), Task("Who is the mayor of Perth?")
    assert riga.entries and not asked.shown([perth], [replace(riga, memory="Oslo is old")], section).pieces
    for held in (Notes(memory="Riga is old"), Notes(memory="Oslo is old", plan="Riga?")):
        assert asked.shown([perth], [held], section).pieces


async def test_a_chain_is_followed_through_a_section_so_far_and_no_further(tmp_path: Path) -> None:
    lines = [f"Place{at} lies in Place{at + 1}." for at in range(40)]
    text = "\n".join(reversed(lines))
    section = Sections(Corpus((Document("a", "a.txt", text),)), [Chunk(0, (Span("a", 0, len(text)),), 900)])[
        0
    ]
    (noted,) = await policy(Seeing(lines), tmp_path).note([Task("Where is Place0?")], [Notes()], section, 1)
    assert len(noted.calls) == 9 and not noted.repaired


async def test_a_reply_that_was_mended_further_down_a_section_is_told(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    replies = iter([f'NOTE: founded | "{lines[4]}"', "", f'NOTE: born | "{lines[2]}"', "NOTHING"])
    section = whole(HOUSES)
    (noted,) = await policy(ScriptedModel(lambda *_: next(replies)), tmp_path).note(
        [Task(FOUNDED)], [Notes()], section, 1
    )
    assert noted.repaired and len(noted.operations) == 2


async def test_a_source_is_named_once_for_all_that_is_shown_of_it(tmp_path: Path) -> None:
    text = (
        "Riga is old.\nNobody sings.\nRiga is cold.\nNobody hums.\nRiga is near Perth.\n\n"
        "Perth is new.\nAll is well.\nPerth is hot."
    )
    asked: list[str] = []

    def reply(messages: tuple[Message, ...], _: Sampling) -> str:
        asked.append(messages[0].text)
        return "\n".join(
            f'NOTE: {line} | "{line}"' for line in text.splitlines() if line and line in messages[0].text
        )

    section = Sections(Corpus((Document("a", "a.txt", text),)), [Chunk(0, (Span("a", 0, len(text)),), 100)])[
        0
    ]
    wants = policy(ScriptedModel(reply), tmp_path)
    confirming = replace(wants, prompts=replace(wants.prompts, confirm=True))
    (noted,) = await confirming.note([Task("What about Riga?")], [Notes()], section, 1)
    assert [prompt.count("--- a.txt ---") for prompt in asked] == [1, 1, 1, 1]
    assert len([one for one in noted.operations if isinstance(one, Add)]) == 5


@pytest.mark.parametrize("said", ["NOTE", "UPDATE n1"])
async def test_a_note_cites_the_line_that_was_shown(said: str, tmp_path: Path) -> None:
    text = "A ghost town lies in Riga.\nOmega Works lies in Riga."
    section = Sections(Corpus((Document("a", "a.txt", text),)), [Chunk(0, (Span("a", 0, len(text)),), 100)])[
        0
    ]
    asked = policy(ScriptedModel(lambda *_: f'{said}: there | "lies in Riga"'), tmp_path)
    before = Notes().update([Add("it is somewhere")], None, section)
    (noted,) = await asked.note([Task("Where is Omega Works?")], [before], section, 1)
    entry = before.update(noted.operations, noted.plan, section).entries[1]
    assert entry.span and entry.span.start > text.index("\n")
    assert entry.replaces == (None if said == "NOTE" else 1)


async def test_a_question_is_not_asked_about_what_has_names_of_the_others_alone() -> None:
    asked = Seeing()
    nano = LanguagePolicy.over(asked, str(NANO_FOLDER / PROMPTS), window=2_048)
    section = whole(HOUSES)
    tasks = [Task(f"Who is the mayor of {town}?") for town in ("Riga", "Perth", "Oslo")]
    noted = await nano.note(tasks, [Notes()] * 3, section, 1)
    assert [len(one.calls) for one in noted] == [0, 1, 0]


async def test_several_questions_are_shown_the_lines_of_each(tmp_path: Path) -> None:
    asked = Seeing()
    section = whole(HOUSES)
    lines = HOUSES.splitlines()
    for questions, seen in (
        ([FOUNDED, "What is the river of Perth?"], [lines[1], lines[4]]),
        ([FOUNDED, "who sings?"], lines),
    ):
        asked.shown.clear()
        await policy(asked, tmp_path).note([Task(one) for one in questions], [Notes()] * 2, section, 1)
        assert asked.shown == ["\n".join(seen)]


async def test_a_name_on_two_lines_shows_all_of_its_section(tmp_path: Path) -> None:
    text = "They say that Omega\nWorks was founded by Greta\nNorth, who sings."
    asked = Seeing()
    await Reader(policy(asked, tmp_path), strategy="sequential", revisits=0).aask(
        FOUNDED, Corpus((Document("a", "a.txt", text),))
    )
    assert asked.shown == [text]


@pytest.mark.parametrize(
    ("question", "plan", "kept"),
    [
        (FOUNDED, "Who governs where Greta North was born?", True),
        (FOUNDED, "Who governs where Greta South was born?", False),
        (FOUNDED, "Who governs the town of hamsters?", False),
        ("who was born where?", "Who governs the town of hamsters?", True),
    ],
)
@pytest.mark.parametrize("skip", [True, False])
async def test_a_plan_that_says_what_is_shown_names_what_was_read(
    question: str, plan: str, kept: bool, skip: bool, tmp_path: Path
) -> None:
    line = HOUSES.splitlines()[4]
    section = whole(HOUSES)
    asked = policy(ScriptedModel(lambda *_: f'NOTE: founded | "{line}"\nPLAN: {plan}'), tmp_path, skip=skip)
    (noted,) = await asked.note([Task(question)], [Notes()], section, 1)
    assert noted.plan == (plan if kept or not skip else None)
    assert [one.quote for one in noted.operations if isinstance(one, Add)] == [line]


@pytest.mark.parametrize(
    ("question", "read"),
    [
        ("how many keep a newt?", 2),
        ("how many keep newts?", 2),
        ("how many keep a newt in Riga?", 1),
        ("which people keep a newt?", 3),
        ("how many keep a dog?", 10),
        ("where is everybody?", 13),
        ("who sings?", 13),
    ],
)
async def test_a_question_without_names_is_read_by_its_telling_words(
    question: str, read: int, tmp_path: Path
) -> None:
    kept = "All keep a newt", "Max kept newts", "Riga is old, and sings", "Nobody counts people"
    pets = pages(*kept, *["Ada keeps what might be a dog"] * 9)
    for skip in (True, False):
        reader = Reader(policy(silent(), tmp_path, skip=skip), strategy="sequential", revisits=0)
        assert (await reader.aask(question, pets)).chunks.read == (read if skip else 13)


async def test_a_page_with_another_word_of_the_question_hides_no_other(tmp_path: Path) -> None:
    pets = [*["Max has a ferret"] * 9, *["Riga is old"] * 9]
    for text in (pets, ["Some people hum", *pets]):
        reader = Reader(policy(silent(), tmp_path), strategy="sequential", revisits=0)
        answer = await reader.aask("how many people have a ferret?", pages(*text))
        assert answer.chunks.read >= 9


async def test_each_of_several_questions_follows_its_own_chain(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    section = whole(HOUSES)

    def reply(messages: tuple[Message, ...], _: Sampling) -> str:
        text = messages[0].text
        if "Q2" not in text:
            return "\n".join(f'NOTE: {line} | "{line}"' for line in lines if line in text)
        return f'Q1 NOTE: founded | "{lines[4]}"\nQ2 NOTE: born | "{lines[2]}"'

    tasks = [Task(FOUNDED), Task("Where was Greta North born?")]
    noted = await policy(ScriptedModel(reply), tmp_path).note(tasks, [Notes()] * 2, section, 1)
    quotes = [one.quote for one in noted[0].operations if isinstance(one, Add)]
    assert quotes == [lines[4], lines[2], lines[0]]


async def test_what_is_followed_speaks_only_of_notes_that_every_look_has(tmp_path: Path) -> None:
    lines = HOUSES.splitlines()
    replies = iter(
        [f'NOTE: founded | "{lines[4]}"', f'UPDATE n1: born | "{lines[2]}"\nKEEP n1', "NOTHING", "NOTHING"]
    )
    section = whole(HOUSES)
    (noted,) = await policy(ScriptedModel(lambda *_: next(replies)), tmp_path).note(
        [Task(FOUNDED)], [Notes()], section, 1
    )
    assert [type(one) for one in noted.operations] == [Add, Add]


async def test_a_table_that_is_named_by_its_header_is_read_for_a_question_without_names(
    tmp_path: Path,
) -> None:
    tables = [
        Document(pet, f"{pet}.csv", f"{pet},pet\n1,2\n", kind="table", header=f"{pet},pet")
        for pet in ("newt", "dog", "cat", "pony")
    ]
    asked = Seeing()
    await Reader(policy(asked, tmp_path), strategy="sequential", revisits=0).aask(
        "how many keep a pet newt?", Corpus(tuple(tables))
    )
    assert asked.shown == ["newt,pet\n1,2"]


async def test_a_stopped_run_goes_on_and_counts_what_it_had_skipped(tmp_path: Path) -> None:
    corpus = Corpus((WORLD.document(),))
    asked = model()
    journal = Journal(tmp_path / "runs.db")

    def reader(**caps: int) -> Reader:
        return Reader(policy(asked, tmp_path), strategy="sequential", journal=journal, **caps)

    whole = await Reader(policy(model(), tmp_path), strategy="sequential").aask(WORLD.question, corpus)
    with pytest.raises(CapReached):
        await reader(max_calls=3).aask(WORLD.question, corpus)
    row = journal.latest()
    assert row is not None and row.steps == 3
    answer = await reader().aask(WORLD.question, corpus)
    assert answer.run_id == row.id
    assert (answer.text, answer.chunks) == (whole.text, whole.chunks)
    assert (await reader().aask(WORLD.question, corpus)).chunks == whole.chunks
    assert journal.get(row.id).skipped == whole.chunks.skipped > 0


async def test_what_it_may_take_is_reckoned_as_if_nothing_were_skipped(tmp_path: Path) -> None:
    corpus = Corpus((WORLD.document(),))
    short, whole = [
        await Reader(policy(model(), tmp_path, skip=skip), strategy="sequential").estimate(
            [WORLD.question], corpus
        )
        for skip in (True, False)
    ]
    assert short.plan == whole.plan and short.calls == whole.calls + 3


class Slow(ScriptedModel):
    """Answers when all that is going to be asked was asked; `together` is the most that waited at once."""

    together = 0
    _waiting = 0

    async def chat(
        self, messages: tuple[Message, ...], sampling: Sampling, on_delta: OnDelta | None = None
    ) -> Reply:
        self._waiting += 1
        for _ in range(50):
            await asyncio.sleep(0)
        self.together = max(self.together, self._waiting)
        self._waiting -= 1
        return await super().chat(messages, sampling, on_delta)


@pytest.mark.parametrize("every", [1, 2, 10])
async def test_what_is_skipped_takes_no_place_among_what_is_asked_ahead(
    every: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed: list[float] = []
    monkeypatch.setattr(Width, "value", 4)
    monkeypatch.setattr(Width, "took", lambda _, seconds, together: timed.append(seconds))
    asked: Any = Slow(lambda *_: "NOTHING")
    corpus = pages(*("Riga is old" if at % every == 0 else "Perth is new" for at in range(120 * every)))
    ahead = replace(policy(asked, tmp_path), concurrency=8)
    answer = await Reader(ahead, strategy="speculative", revisits=0).aask("Where is Riga?", corpus)
    assert answer.chunks.read == 120 and answer.chunks.skipped == 120 * (every - 1)
    assert asked.together == 4 and len(timed) == 120


async def test_what_a_note_makes_worth_reading_is_asked_ahead_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = "Perth lies beside Riga"

    def reply(messages: tuple[Message, ...], _: Sampling) -> str:
        return (
            f'NOTE: beside | "{found}"' if found in messages[0].text.partition("\nSECTION ")[2] else "NOTHING"
        )

    monkeypatch.setattr(Width, "value", 4)
    asked: Any = Slow(reply)
    ahead = replace(policy(asked, tmp_path), concurrency=8)
    reader = Reader(ahead, strategy="speculative", revisits=0)
    answer = await reader.aask("What lies beside Perth?", pages(found, *["Riga is old"] * 40))
    assert answer.chunks.read == 41 and asked.together == 4


async def test_what_was_read_once_is_not_skipped_later(tmp_path: Path) -> None:
    sections = Sections(pages("Riga is old"), [Chunk(0, (Span("0", 0, 800),), 200)])
    reading = Reading(["Who?"], policy(silent(), tmp_path), sections, UnkeptRun(), lambda _: None)
    await reading.take([Task("Where is Perth?")], [Notes()], sections[0], None)
    assert (reading.count.read, reading.count.skipped) == (0, 1)
    await reading.note([Task("Where is Riga?")], [Notes()], sections[0])
    assert (reading.count.read, reading.count.skipped, reading.count.reread) == (1, 0, 0)
    await reading.take([Task("Where is Perth?")], [Notes()], sections[0], None)
    assert (reading.count.read, reading.count.skipped, reading.count.reread) == (1, 0, 0)
