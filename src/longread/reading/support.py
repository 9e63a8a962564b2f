"""What an answer or a memory rests on: verified quotes that hold its words."""

from __future__ import annotations

from longread.reading.notes import Add, Notes
from longread.reading.replies import parse_evidence
from longread.reading.section import Section
from longread.reading.sentences import quotes
from longread.reading.terms import overlap, terms


class Evidence:
    """The NOTE lines that come before the answer of a one-pass reply, as notes; labels count the lines.

    Args:
        exact: Whether quotes that do not stand in the section word for word are none.
    """

    def __init__(self, section: Section, *, exact: bool = False) -> None:
        self._section = section
        self._exact = exact
        self._head: str | None = None
        self._labels: dict[int, int] = {}
        self.notes = Notes()

    def labels(self, head: str) -> dict[int, int]:
        """Label in the reply -> id of the verified entry it stands for."""
        if head != self._head:
            self._head, self._labels, self.notes = head, {}, Notes()
            for label, note in enumerate(parse_evidence(head), 1):
                if note and self._exact and not self._section.holds(note.quote):
                    continue
                before = self.notes.next_id
                self.notes = self.notes.update((note,) if note else (), None, self._section)
                if self.notes.next_id > before and self.notes.entries[-1].span:
                    self._labels[label] = before
        return self._labels


def supports(memory: str, previous: str, section: Section) -> tuple[Add, ...]:
    """Sentences new in `memory` that stand, nearly word for word, in the section."""
    found = []
    for start, end in quotes(memory, "text"):
        sentence = memory[start:end].strip()
        if len(sentence) >= 16 and sentence not in previous and (span := section.align(sentence)):
            found.append(Add(sentence, sentence, span))
    return tuple(found)


def supporting(answer: str, notes: Notes, most: int = 5) -> tuple[int, ...]:
    """For an answer without labels: the verified entries that hold at least half of its words."""
    asked = terms(answer)
    scored = [(overlap(asked, f"{e.claim} {e.quote}"), -e.id) for e in notes.entries if e.span]
    return tuple(-id for score, id in sorted(scored, reverse=True)[:most] if score >= 0.5)
