"""The reader as a library."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread import Corpus, Document, Journal, Reader, load
from longread.errors import UsageError
from longread.models.base import Message, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.events import Answering, AnswerText, ChunkBegun, ChunkRead, Finished, Started
from longread.reading.language import LanguagePolicy
from longread.reading.policy import Draft
from longread.reading.section import Sections
from longread.reading.strategies import Reading, strategy
from longread.reading.strategies.full import keep_ends
from longread.types import Chunk, Span
from tests.servers.model import ModelServer
from tests.support import planted

WORLD = planted.plant(4_000, 2, seed=51, decoys=20)
CORPUS = Corpus((WORLD.document(),))


def scripted() -> ScriptedModel:
    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        return planted.read(messages[0].text)

    return ScriptedModel(reply, window=8192)


def policy(model: ScriptedModel | None = None) -> LanguagePolicy:
    return LanguagePolicy.over(model or scripted(), chunk=800)


def test_one_reader_answers_several_questions_synchronously(tmp_path: Path) -> None:
    (tmp_path / "world.txt").write_text(WORLD.text)
    with ModelServer(planted.read) as server:
        reader = Reader(
            "scripted", base_url=server.base_url, window=8192, chunk_tokens=800, strategy="sequential"
        )
        corpus = load(tmp_path)
        first = reader.ask(WORLD.question, corpus)
        second = reader.ask("Who founded the company " + WORLD.hops[0].split()[2] + "?", corpus)
    assert first.text == f"{WORLD.answer} [1][2]"
    assert second.citations[0].text == WORLD.hops[0]


async def test_the_synchronous_call_works_inside_a_running_loop() -> None:
    assert Reader(policy()).ask(WORLD.question, CORPUS).answered


async def test_events_tell_the_whole_story_in_order() -> None:
    events = [event async for event in Reader(policy(), strategy="sequential").read(WORLD.question, CORPUS)]
    kinds = [type(event) for event in events]
    chunks = [event for event in events if isinstance(event, ChunkRead)]
    assert kinds[0] is Started
    assert kinds[1 : 2 * len(chunks) + 1] == [ChunkBegun, ChunkRead] * len(chunks)
    assert kinds[2 * len(chunks) + 1] is Answering
    assert kinds[-1] is Finished
    assert [event.read for event in chunks] == list(range(1, chunks[0].total + 1))
    text = "".join(event.text for event in events if isinstance(event, AnswerText))
    assert text.strip() == events[-1].answers[0].text
    assert len(chunks[-1].notes[0].entries) == 2


async def test_a_plain_chat_model_is_enough() -> None:
    assert (await Reader(scripted()).aask(WORLD.question, CORPUS)).answered


async def test_a_new_strategy_is_a_registered_coroutine() -> None:
    @strategy("backwards")
    async def backwards(reading: Reading) -> list[Draft]:
        tasks = await reading.begin(withhold=True)
        notes = reading.start(tasks)
        for section in reversed(reading.sections):
            notes = await reading.note(tasks, notes, section)
        return await reading.answer(tasks, notes)

    order = [
        event.chunk
        async for event in Reader(policy(), strategy="backwards").read(WORLD.question, CORPUS)
        if isinstance(event, ChunkRead)
    ]
    assert order == sorted(order, reverse=True)
    with pytest.raises(UsageError, match="backwards"):
        Reader(policy(), strategy="sideways")


async def test_an_abandoned_run_is_kept_and_goes_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    model = scripted()
    reader = Reader(policy(model), strategy="sequential", journal=journal)
    reading = reader.read(WORLD.question, CORPUS)
    async for event in reading:
        if isinstance(event, ChunkRead) and event.read == 3:
            break
    await reading.aclose()
    assert journal.list()[0].status == "interrupted"
    done = model.calls
    answer = await reader.aask(WORLD.question, CORPUS)
    assert answer.text == f"{WORLD.answer} [1][2]"
    assert model.calls <= done + answer.chunks.total + 2 - 3
    assert answer.usage.calls == answer.chunks.total + 2  # the review and the answer
    assert (await reader.aask(WORLD.question, CORPUS)).stored
    journal.close()


async def test_a_resumed_run_takes_the_same_notes_although_the_estimate_learned(tmp_path: Path) -> None:
    """Dropped notes follow token counts; were they counted anew, prompts would differ and calls be repeated."""
    prompts: list[str] = []

    def reply(messages: tuple[Message, ...], sampling: Sampling) -> str:
        prompts.append(messages[0].text)
        if "Do these notes suffice" in messages[0].text:
            return "ENOUGH"
        lines = [line for line in messages[0].text.splitlines() if len(line) > 60][5:12]
        return "\n".join(f'NOTE: said | "{line[:200]}"' for line in lines)

    journal = Journal(tmp_path)
    model = ScriptedModel(reply, window=8192)
    reader = Reader(LanguagePolicy.over(model, chunk=400, notes=300), strategy="sequential", journal=journal)
    reading = reader.read(WORLD.question, CORPUS)
    async for event in reading:
        if isinstance(event, ChunkRead) and event.read == 8:
            break
    await reading.aclose()
    model._estimator.observe(4000, 3000)
    assert model.ratio > 2
    await reader.aask(WORLD.question, CORPUS)
    journal.close()
    assert len(prompts) - len(set(prompts)) <= 1


@settings(max_examples=50)
@given(
    st.lists(st.text(alphabet="ab\n中", min_size=1, max_size=40), min_size=1, max_size=5), st.integers(0, 80)
)
def test_keep_ends_keeps_beginning_and_end_within_the_limit(texts: list[str], limit: int) -> None:
    documents = tuple(Document(f"d{i}", f"{i}.txt", text) for i, text in enumerate(texts))
    corpus = Corpus(documents)
    spans = tuple(Span(d.id, 0, len(d.text)) for d in documents)
    whole = Sections(corpus, [Chunk(0, spans, sum(map(len, texts)))]).whole()
    cut = keep_ends(whole, limit, len) if whole.chunk.tokens > limit else whole
    everything = "".join(texts)
    kept = "".join(piece.text for piece in cut.pieces)
    assert all(corpus.text(piece.span) == piece.text for piece in cut.pieces)
    if len(everything) > limit:
        half = limit // 2
        assert kept == everything[:half] + everything[len(everything) - half :]
    else:
        assert kept == everything
