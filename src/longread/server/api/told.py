"""What happens in a run, as objects for the page and for streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from longread.reading.events import (
    Answering,
    AnswerText,
    ChunkBegun,
    ChunkRead,
    Event,
    Finished,
    Started,
    Understood,
)
from longread.reading.journal import StepRow
from longread.reading.notes import Entry, Notes
from longread.reading.objects import as_object
from longread.types import Answer, Chunk, Citation, Corpus, Document


class Told(NamedTuple):
    """An event under its name."""

    name: str
    data: dict[str, Any]


class Teller:
    """Puts a run's events in words that programs read; remembers which notes were told."""

    def __init__(self, questions: Sequence[str], corpus: Corpus) -> None:
        self._questions = list(questions)
        self._sources = {document.id: document.source for document in corpus}
        self._next = [1] * len(questions)
        """By question, the id from which on notes are new."""

    def tell(self, event: Event, chunks: Sequence[Chunk]) -> Told:
        """The event as an object. `chunks` are the run's, where it has started."""
        match event:
            case Started():
                documents = [{"id": id, "source": source} for id, source in self._sources.items()]
                kept = {
                    "questions": self._questions,
                    "chunks": [c.tokens for c in chunks],
                    "documents": documents,
                }
                return Told("started", event._asdict() | kept)
            case Understood():
                return Told("understood", event._asdict())
            case ChunkBegun():
                return Told("begun", event._asdict())
            case ChunkRead():
                return Told("chunk", self._chunk(event))
            case Answering():
                return Told("answering", event._asdict())
            case AnswerText():
                return Told("text", event._asdict())
            case Finished(answers):
                told = [answered(answer, self._sources) for answer in answers]
                first = answers[0]
                return Told("finished", {"run_id": first.run_id, "answers": told, "stored": first.stored})

    def _chunk(self, event: ChunkRead) -> dict[str, Any]:
        new, dropped = [], []
        for question, (notes, change) in enumerate(zip(event.notes, event.changes, strict=True)):
            new += [note(entry, question, self._sources) for entry in self._new(question, notes)]
            dropped += [{"question": question, "id": entry.id} for entry in change.dropped]
        return {
            "chunk": event.chunk, "read": event.read, "total": event.total, "tokens": event.tokens, "notes": new,
            "dropped": dropped, "plan": event.notes[0].plan, "memory": event.notes[0].memory,
            "skipped": event.skipped,
        }  # fmt: skip

    def _new(self, question: int, notes: Notes) -> list[Entry]:
        new = [entry for entry in notes.entries if entry.id >= self._next[question]]
        self._next[question] = max(self._next[question], notes.next_id)
        return new


def note(entry: Entry, question: int, sources: Mapping[str, str]) -> dict[str, Any]:
    """A note; without a document where its quote was not found."""
    span = entry.span
    return {
        "question": question, "id": entry.id, "claim": entry.claim, "quote": entry.quote,
        "document": span.doc if span else None, "source": sources.get(span.doc) if span else None,
        "start": span.start if span else None, "end": span.end if span else None, "replaces": entry.replaces,
    }  # fmt: skip


def answered(answer: Answer, sources: Mapping[str, str]) -> dict[str, Any]:
    """An answer, each citation with its document and place.

    Args:
        answer: What came of a run.
        sources: Of the run's documents, by id; no two are alike.
    """
    ids = {source: id for id, source in sources.items()}
    cited = [c._asdict() | {"document": ids.get(c.source), "place": c.place} for c in answer.citations]
    return as_object(answer, None) | {"citations": cited}


def step(row: StepRow, sources: Mapping[str, str]) -> dict[str, Any]:
    """What one section did to the notes of a question."""
    return {
        "chunk": row.chunk, "question": row.question, "plan": row.plan, "memory": row.memory,
        "added": [note(entry, row.question, sources) for entry in row.added],
        "dropped": [{"question": row.question, "id": entry.id} for entry in row.dropped],
        "refused": [{"note": refused.said, "why": refused.why} for refused in row.refused],
    }  # fmt: skip


def passage(document: Document, start: int, end: int, around: int) -> dict[str, Any]:
    """A stretch of a document with what stands around it, `around` characters on each side."""
    start = min(max(start, 0), len(document.text))
    end = min(max(end, start), len(document.text))
    first, last = max(0, start - around), min(len(document.text), end + around)
    line, page, part = document.locate(start)
    cited = Citation(document.source, start, end, line, page, document.text[start:end], part)
    return {
        "source": document.source, "place": cited.place, "start": first,
        "before": document.text[first:start], "passage": cited.text, "after": document.text[end:last],
        "begins": first == 0, "ends": last == len(document.text),
    }  # fmt: skip
