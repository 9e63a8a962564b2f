"""Evidence that reached a prompt, was captured, was retained; citations against evidence."""

from pathlib import Path

import pytest

from longread.evals.results import Cited, Found
from longread.evals.witness import Seen, Witnessed, cited
from longread.models.base import Message, Sampling
from longread.models.scripted import ScriptedModel
from longread.reading.extractive import ExtractivePolicy
from longread.reading.language import LanguagePolicy
from longread.reading.reader import Reader
from longread.types import Citation, Corpus, Document, Evidence, Span
from tests.support import planted


def test_shares_are_counted_over_the_evidence() -> None:
    evidence = [Evidence("a", 0, 10), Evidence("a", 20, 30), Evidence("b", 0, 10), Evidence("b", 40, 60)]
    seen = Seen(
        [Span("a", 0, 5), Span("a", 5, 30), Span("b", 45, 60)],
        {Span("a", 0, 4), Span("a", 29, 50), Span("b", 30, 52)},
        {Span("a", 0, 4)},
        begun=True,
    )
    # Two chunks cover the first together; the last is not all there; a tenth of the second does not capture it.
    assert seen.found(evidence) == Found(0.5, 0.5, 0.25)


def test_nothing_is_claimed_without_evidence_or_reading() -> None:
    assert Seen([Span("a", 0, 5)]).found([]) is None
    assert Seen().found([Evidence("a", 0, 10)]) is None


def test_citations_are_matched_by_source() -> None:
    corpus = Corpus((Document("1", "one.txt", "x" * 100), Document("2", "two.txt", "y" * 100)))
    evidence = [Evidence("1", 10, 20), Evidence("2", 0, 40)]
    citations = [
        Citation("one.txt", 12, 18, 1, None, "x" * 6),
        Citation("one.txt", 50, 60, 1, None, "x" * 10),
        Citation("two.txt", 90, 99, 1, None, "y" * 9),
    ]
    assert cited(citations, corpus, evidence) == Cited(1 / 3, 0.5)
    assert cited([], corpus, evidence) == Cited(0.0, 0.0)
    assert cited(citations, corpus, []) is None


@pytest.mark.parametrize("policy", ["extractive", "perfect reader"])
@pytest.mark.parametrize("strategy", ["sequential", "search"])
def test_a_reader_that_finds_both_hops(policy: str, strategy: str) -> None:
    world = planted.plant(4_000, 2, seed=3, decoys=20)
    document = world.document()
    starts = [world.text.index(hop) for hop in world.hops]
    evidence = [Evidence(document.id, at, at + len(hop)) for at, hop in zip(starts, world.hops, strict=True)]
    seen = Seen()
    reads = (
        ExtractivePolicy(500)
        if policy == "extractive"
        else LanguagePolicy.over(
            ScriptedModel(lambda messages, _: planted.read(messages[-1].text)), window=8_192, chunk=500
        )
    )
    answer = Reader(Witnessed(reads, seen), strategy=strategy, discover=False).ask(world.question, [document])
    found = seen.found(evidence)
    assert found == Found(1.0, 1.0, 1.0)
    assert world.answer in answer.text
    scored = cited(answer.citations, Corpus((document,)), evidence)
    assert scored is not None and scored.recall == 1.0


def test_what_is_not_read_is_not_reached() -> None:
    world = planted.plant(60_000, 1, seed=3, decoys=200)
    document = world.document()
    at = world.text.index(world.hops[0])
    half = Document(document.id, document.source, document.text[:at])
    seen = Seen()
    Reader(Witnessed(ExtractivePolicy(500), seen), strategy="sequential", discover=False).ask(
        world.question, [half]
    )
    assert seen.found([Evidence(document.id, at, at + len(world.hops[0]))]) == Found(0.0, 0.0, 0.0)


def test_what_is_skipped_is_not_reached(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(planted.prompts(exact=True, named=True, skip=True), "utf-8")
    world = planted.plant(4_000, 1, seed=3, decoys=20)
    document = world.document()
    at = world.text.index(world.hops[0])
    evidence = [Evidence(document.id, at, at + len(world.hops[0]))]
    for question, found in (
        (world.question, Found(1.0, 1.0, 1.0)),
        ("Who founded the company Omega?", Found(0.0, 0.0, 0.0)),
    ):
        seen = Seen()
        model = ScriptedModel(lambda messages, _: planted.read(messages[-1].text))
        policy = LanguagePolicy.over(model, str(tmp_path / "mine.toml"), window=8_192, chunk=500)
        Reader(Witnessed(policy, seen), strategy="sequential", discover=False).ask(question, [document])
        assert seen.found(evidence) == found


def test_of_a_section_only_the_lines_that_were_shown_are_reached(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(planted.prompts(exact=True, named=True, skip=True), "utf-8")
    lines = "Velmar lies in Riga.", "Omega Works was founded by Adra.", "Riga is old."
    text = "\n".join(lines)
    evidence = [Evidence("a", text.index(line), text.index(line) + len(line)) for line in lines]
    seen = Seen()
    model = ScriptedModel(
        lambda messages, _: "\n".join(
            f'NOTE: {line} | "{line}"' for line in lines if line in messages[-1].text
        )
    )
    policy = LanguagePolicy.over(model, str(tmp_path / "mine.toml"), window=8_192, chunk=500)
    Reader(Witnessed(policy, seen), strategy="sequential", discover=False, revisits=0).ask(
        "Where is Velmar?", [Document("a", "a.txt", text)]
    )
    assert [seen.found([one]).reached for one in evidence] == [1.0, 0.0, 1.0]


def test_what_a_memory_forgot_had_been_reached_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(planted.prompts(of="text", skip=True), "utf-8")
    lines = [f"Place{at} lies in Place{at + 1}." for at in range(5)]
    text = "\n".join(lines)
    seen = Seen()

    def reply(messages: tuple[Message, ...], _: Sampling) -> str:
        (newest,) = [line for line in lines if line in messages[-1].text.partition("<section>")[2]] or [
            "None"
        ]
        return f"<memory>{newest}</memory>"

    policy = LanguagePolicy.over(
        ScriptedModel(reply), str(tmp_path / "mine.toml"), window=8_192, chunk=500, notes=64
    )
    Reader(Witnessed(policy, seen), strategy="sequential", discover=False, revisits=0).ask(
        "Where is Place0?", [Document("a", "a.txt", text)]
    )
    for line in lines:
        start = text.index(line)
        assert seen.found([Evidence("a", start, start + len(line))]).reached == 1.0, line


def test_a_memory_holds_only_what_its_text_still_says() -> None:
    from longread.reading.notes import Entry, Notes
    from longread.reading.retained import standing

    kept = Entry(1, "", "Velmar was founded by Adra Lomis.", Span("a", 0, 33), 0)
    lost = Entry(2, "", "The mill burned down in 1702.", Span("a", 40, 69), 0)
    notes = Notes((kept, lost), memory="So far: Velmar was founded by Adra Lomis in some year.")
    assert standing(notes) == {kept.span}
    assert standing(Notes((kept, lost))) == {kept.span, lost.span}
