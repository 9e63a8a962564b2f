"""Watches a policy read: which text came before it, what it noted, and what it still held at the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from longread.evals.results import Cited, Found
from longread.reading.notes import Entry, Notes
from longread.reading.policy import Draft, Emit, Noted, Policy, Review, Task, Turn
from longread.reading.recording import RecordedModel, Run
from longread.reading.retained import matches, share, spans, standing
from longread.reading.section import Section
from longread.types import Citation, Corpus, Evidence, Span


@dataclass
class Seen:
    """What was seen of one question's reading."""

    reached: list[Span] = field(default_factory=list)
    captured: set[Span] = field(default_factory=set)
    retained: set[Span] = field(default_factory=set)
    begun: bool = False
    """Whether the question came before the policy, and no stored answer stood for it."""
    model: RecordedModel | None = None
    """Who was asked, once the run has begun."""

    @property
    def path(self) -> int:
        """Calls that waited for one another."""
        return self.model.path if self.model else 0

    def found(self, evidence: Sequence[Evidence]) -> Found | None:
        """How far the evidence got; None where there is none, or nothing was read in this process."""
        if not evidence or not self.begun:
            return None
        reached = _Cover(self.reached)
        return Found(
            sum(reached.holds(one.span) for one in evidence) / len(evidence),
            share(evidence, self.captured),
            share(evidence, self.retained),
        )


class Witnessed:
    """A policy that does what `policy` does, and lets `seen` know. Implements `policy.Policy`."""

    def __init__(self, policy: Policy, seen: Seen) -> None:
        self._policy = policy
        self._seen = seen

    @property
    def name(self) -> str:
        """The watched policy's."""
        return self._policy.name

    @property
    def room(self) -> int | None:
        """The watched policy's."""
        return self._policy.room

    @property
    def chunk_tokens(self) -> int:
        """The watched policy's."""
        return self._policy.chunk_tokens

    @property
    def concurrency(self) -> int:
        """The watched policy's."""
        return self._policy.concurrency

    @property
    def fingerprint(self) -> str:
        """The watched policy's."""
        return self._policy.fingerprint

    @property
    def apart(self) -> bool:
        """The watched policy's."""
        return self._policy.apart

    @property
    def recalls(self) -> bool:
        """The watched policy's."""
        return self._policy.recalls

    def bind(self, run: Run) -> Witnessed:
        """The same, bound."""
        bound = self._policy.bind(run)
        model = getattr(bound, "model", None)
        self._seen.model = model if isinstance(model, RecordedModel) else None
        return Witnessed(bound, self._seen)

    def count(self, text: str) -> int:
        """Tokens in `text`."""
        return self._policy.count(text)

    async def prepare(self, samples: Sequence[str]) -> None:
        """Passed on."""
        await self._policy.prepare(samples)

    async def begin(
        self, query: str, sections: Sequence[Section], *, withhold: bool, history: Sequence[Turn] = ()
    ) -> Task:
        """Sees that the text is going to be read."""
        self._seen.begun = True
        return await self._policy.begin(query, sections, withhold=withhold, history=history)

    def shown(self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section) -> Section:
        """Passed on."""
        return self._policy.shown(tasks, notes, section)

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        """Sees what comes before the policy: what is shown, and what is for each thing that was noted of it.

        For each, since a memory that is written anew may leave out what led on.
        """
        noted = await self._policy.note(tasks, notes, section, total)
        shown = [self._policy.shown(tasks, notes, section)]
        if shown[0] is not section:
            held = list(notes)
            for at, new in enumerate(noted):
                for operation in new.operations:
                    held[at] = held[at].update([operation], new.plan, section)
                    shown.append(self._policy.shown(tasks, held, section))
        self._seen.reached += [piece.span for part in shown for piece in part.pieces]
        return noted

    def fit(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """Sees what was noted before any of it is dropped."""
        for held in notes:
            self._seen.captured |= spans(held)
        return self._policy.fit(tasks, notes)

    async def consolidate(
        self, tasks: Sequence[Task], notes: Sequence[Notes]
    ) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """Sees what was noted before any of it is dropped."""
        for held in notes:
            self._seen.captured |= spans(held)
        return await self._policy.consolidate(tasks, notes)

    async def review(self, task: Task, notes: Notes) -> Review:
        """Passed on."""
        return await self._policy.review(task, notes)

    async def answer(self, task: Task, notes: Notes, emit: Emit) -> Draft:
        """Sees what is held at the end."""
        self._seen.retained = standing(notes)
        return await self._policy.answer(task, notes, emit)

    async def whole(self, task: Task, section: Section, emit: Emit) -> Draft:
        """Sees what comes before the policy in one pass, and what it noted of it."""
        self._seen.reached += section.chunk.spans
        draft = await self._policy.whole(task, section, emit)
        self._seen.captured |= spans(draft.notes)
        self._seen.retained = standing(draft.notes)
        return draft


def cited(citations: Sequence[Citation], corpus: Corpus, evidence: Sequence[Evidence]) -> Cited | None:
    """How well citations match the evidence; None where there is none to match."""
    if not evidence:
        return None
    ids = {document.source: document.id for document in corpus}
    quoted = [Span(ids[c.source], c.start, c.end) for c in citations]
    right = sum(any(matches(span, one.span) for one in evidence) for span in quoted)
    return Cited(right / len(quoted) if quoted else 0.0, share(evidence, quoted))


class _Stretch(NamedTuple):
    start: int
    end: int


class _Cover:
    """The union of spans."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._stretches: dict[str, list[_Stretch]] = {}
        for doc, start, end in sorted(spans):
            stretches = self._stretches.setdefault(doc, [])
            if stretches and start <= stretches[-1].end:
                stretches[-1] = _Stretch(stretches[-1].start, max(end, stretches[-1].end))
            else:
                stretches.append(_Stretch(start, end))

    def holds(self, span: Span) -> bool:
        """Whether all of `span` is covered."""
        return any(s.start <= span.start and span.end <= s.end for s in self._stretches.get(span.doc, ()))
