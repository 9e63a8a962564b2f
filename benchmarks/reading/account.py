"""The account of one run: what each of its calls held and cost, as the server saw it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from pydantic import BaseModel

from benchmarks.reading.oracle import View
from benchmarks.reading.protocol import MARK, REFERENCE
from benchmarks.reading.rivals.job import CHARACTERS

_BLOCK = 64
"""Characters of a block of the simulated prefix cache: 16 tokens, as servers have them."""


class Price(BaseModel, frozen=True):
    """Seconds that a call takes a server: base + a * uncached input tokens + b * output tokens."""

    base: float = 0.1
    input: float = 1e-4
    output: float = 0.02


class Call(BaseModel):
    """One line of the log."""

    run: str
    kind: str
    prompt: int
    """Tokens."""
    uncached: int
    output: int
    status: int
    repeated: bool
    """Whether the same prompt was answered before in this run."""
    paragraphs: list[int]
    held: list[str]
    """Facts in the contender's memory."""
    fresh: list[str]
    """Facts in document text."""
    replied: list[str]
    """Facts in the reply."""
    round: int = -1


class Summary(BaseModel):
    """A run as measured."""

    calls: int = 0
    refused: int = 0
    """Prompts above the window."""
    unknown: int = 0
    """Prompts that the stub did not recognise."""
    input: int = 0
    uncached: int = 0
    output: int = 0
    largest: int = 0
    repeated: int = 0
    rounds: int = 0
    path_output: int = 0
    """Output tokens on the critical path: of each round's longest reply."""
    path_seconds: float = 0.0
    paragraphs: int = 0
    """How many ever reached a prompt as document text."""
    reached: list[str] = []
    captured: list[str] = []
    retained: list[str] = []
    kinds: dict[str, int] = {}


@dataclass
class Account:
    """Adds up a run's calls."""

    price: Price
    summary: Summary = field(default_factory=Summary)
    _cached: set[int] = field(default_factory=set)
    _answered: set[bytes] = field(default_factory=set)
    _paragraphs: set[int] = field(default_factory=set)
    _reached: set[str] = field(default_factory=set)
    _captured: set[str] = field(default_factory=set)
    _retained: set[str] = field(default_factory=set)

    def uncached(self, prompt: str) -> tuple[int, list[int]]:
        """Tokens of a prompt that no earlier one began with, and its blocks, to be remembered once it is answered."""
        blocks: list[int] = []
        chain = hits = 0
        for start in range(0, len(prompt) - _BLOCK + 1, _BLOCK):
            chain = hash((chain, prompt[start : start + _BLOCK]))
            hits += chain in self._cached and hits == len(blocks)
            blocks.append(chain)
        return (len(prompt) - hits * _BLOCK) // CHARACTERS, blocks

    def add(self, run: str, view: View, text: str, status: int, uncached: int, blocks: list[int]) -> Call:
        """Counts a call; gives its line of the log."""
        prompt = view.prompt.whole
        digest = hashlib.blake2b(prompt.encode("utf-8", "replace"), digest_size=16).digest()
        call = Call(
            run=run,
            kind=view.prompt.form.name,
            prompt=len(prompt) // CHARACTERS,
            uncached=uncached,
            output=max(1, len(text) // CHARACTERS),
            status=status,
            repeated=digest in self._answered,
            paragraphs=[int(number) for number in MARK.findall(view.prompt.text)],
            held=[fact.id for fact in view.held],
            fresh=[fact.id for fact in view.fresh],
            replied=REFERENCE.findall(text),
        )
        summary = self.summary
        summary.calls += 1
        summary.kinds[call.kind] = summary.kinds.get(call.kind, 0) + 1
        summary.largest = max(summary.largest, call.prompt)
        if status == 400:
            summary.refused += 1
            return call
        summary.unknown += call.kind == "unknown"
        summary.input += call.prompt
        summary.uncached += uncached
        summary.output += call.output
        if status == 200:
            summary.repeated += call.repeated
            self._answered.add(digest)
            self._cached.update(blocks)
            self._paragraphs.update(call.paragraphs)
            self._reached.update(call.held, call.fresh)
            self._captured.update(call.replied)
            self._retained = set(call.replied) | (
                set(call.held + call.fresh) if view.prompt.form.final else set()
            )
        return call

    def round(self, calls: list[Call]) -> None:
        """Counts calls that were answered together."""
        summary, price = self.summary, self.price
        summary.rounds += 1
        summary.path_output += max(call.output for call in calls)
        summary.path_seconds += max(
            price.base + price.input * call.uncached + price.output * call.output for call in calls
        )

    def close(self) -> Summary:
        """The run as it stands."""
        return self.summary.model_copy(
            update={
                "paragraphs": len(self._paragraphs),
                "reached": sorted(self._reached),
                "captured": sorted(self._captured),
                "retained": sorted(self._retained),
            }
        )
