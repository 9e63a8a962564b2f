"""The first axis of reading: what to note from a chunk, and how to answer.

The other axis, which chunk is read when and against which notes, is a strategy's. Every policy runs under
every strategy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, Self, runtime_checkable

from longread.models.base import Delta, Message, Reply, Sampling
from longread.reading.notes import Entry, Notes, Operation
from longread.reading.recording import Run
from longread.reading.section import Section

Emit = Callable[[Delta], None]

NOT_ANSWERED = "The documents do not answer this question."
"""What a policy says when it has nothing else to say."""


@dataclass(frozen=True)
class Task:
    """A query, split. Policies may extend it with what they learned of the corpus in `begin`."""

    question: str
    """The core question: all that reading knows of the query."""
    instructions: str = ""
    """How the answer is to be worded; withheld until then, so that it does not bend the notes (recipe §5)."""
    telling: frozenset[str] = frozenset()
    """Words that stand for names where lines without any are skipped and the question has none."""


class Turn(NamedTuple):
    """An earlier question and what was answered, which a follow-up may refer to."""

    question: str
    answer: str


class Call(NamedTuple):
    """One exchange with a model. Training reads traces made of these."""

    messages: tuple[Message, ...]
    sampling: Sampling
    reply: Reply


class Noted(NamedTuple):
    """What a policy took from one section for one question."""

    operations: tuple[Operation, ...]
    plan: str | None = None
    """What to look for next; None leaves the plan as it was."""
    calls: tuple[Call, ...] = ()
    """Where several questions share a call, it stands with the first of them."""
    repaired: bool = False
    """Whether the model's reply broke the format and was mended."""


class Review(NamedTuple):
    """Whether notes suffice for an answer."""

    enough: bool = False
    """Whether it was found that they do; False also where nobody could tell."""
    seeks: tuple[str, ...] = ()
    """Names and words by which what is missing could be found, if any can be told."""
    calls: tuple[Call, ...] = ()


class Draft(NamedTuple):
    """An answer before it is made known: its citations are ids of entries in `notes`."""

    text: str
    """With markers `[1]`, `[2]`… that count `cited` from 1."""
    answered: bool
    cited: tuple[int, ...]
    notes: Notes
    calls: tuple[Call, ...] = ()
    stopped: str | None = None
    """Why the answer is not all it could be: text left out, or the answer cut off."""


@runtime_checkable
class Policy(Protocol):
    """What strategies drive. Implementations keep no state between calls, so one can serve many runs."""

    @property
    def name(self) -> str:
        """For the user: the model's name, or `extractive`."""
        ...

    @property
    def room(self) -> int | None:
        """Tokens of text that `whole` can take in one pass; None when any amount."""
        ...

    @property
    def chunk_tokens(self) -> int:
        """Size of the chunks it wants to read."""
        ...

    @property
    def concurrency(self) -> int:
        """How many sections it may be asked to read at once, 1 or more; 1 where more gains nothing."""
        ...

    @property
    def fingerprint(self) -> str:
        """Changes whenever a setting changes that could change an answer."""
        ...

    def bind(self, run: Run) -> Self:
        """The same policy with its calls recorded in, and replayed from, `run`."""
        ...

    def count(self, text: str) -> int:
        """Tokens in `text`."""
        ...

    async def prepare(self, samples: Sequence[str]) -> None:
        """Learns to count from pieces of the text to be read, before a run is bound."""
        ...

    @property
    def apart(self) -> bool:
        """Whether notes of sections that were read apart can be put together."""
        ...

    @property
    def recalls(self) -> bool:
        """Whether it can tell if notes taken for another question suffice (for follow-ups)."""
        ...

    async def begin(
        self, query: str, sections: Sequence[Section], *, withhold: bool, history: Sequence[Turn] = ()
    ) -> Task:
        """Prepares a run over `sections`. With `withhold`, wishes about form are told from the question; with
        `history`, the question is made to stand by itself."""
        ...

    def shown(self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section) -> Section:
        """What of a section is worth a look, given these notes; `note` is not called where that is nothing."""
        ...

    async def note(
        self, tasks: Sequence[Task], notes: Sequence[Notes], section: Section, total: int
    ) -> Sequence[Noted]:
        """What to note from one section of `total` for each task, given its notes so far.

        It may heed their entries, plan and memory and nothing else of them: notes alike in these count as the same.
        """
        ...

    def fit(self, tasks: Sequence[Task], notes: Sequence[Notes]) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """The notes of all tasks within the policy's budget, and what was dropped from each for it."""
        ...

    async def consolidate(
        self, tasks: Sequence[Task], notes: Sequence[Notes]
    ) -> Sequence[tuple[Notes, tuple[Entry, ...]]]:
        """As `fit`, for notes of any size; what is kept may be a matter of judgement, and take calls."""
        ...

    async def review(self, task: Task, notes: Notes) -> Review:
        """Whether the notes suffice, and what else to look for."""
        ...

    async def answer(self, task: Task, notes: Notes, emit: Emit) -> Draft:
        """The answer that the notes support; `emit` gets its text as it comes, markers resolved."""
        ...

    async def whole(self, task: Task, section: Section, emit: Emit) -> Draft:
        """The answer from one section read in a single pass."""
        ...
