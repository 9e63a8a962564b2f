"""The reader that knows what is planted: what of a prompt's facts it notes, and what of a memory it keeps.

It behaves the same for all contenders and knows nothing of them. Two failings are swept: a fact that could be noted
is missed (`capture`), and a fact held in a memory that is written anew is lost (`overwrite`). Each draw is a hash of
the fact, the place, what is done and what else is held, so that the same prompt always gets the same reply and runs
do not depend on the order of their calls.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from pydantic import BaseModel

from benchmarks.reading.protocol import MARK, NAME, QUESTION, REFERENCE, Prompt
from benchmarks.reading.world import Fact, Item, World

UNKNOWN_ANSWER = "I do not know."


class Traits(BaseModel, frozen=True):
    """How good a reader it is."""

    capture: float = 1.0
    """Probability that a fact within reach is noted."""
    overwrite: float = 0.0
    """Probability that a held fact is lost each time a memory is written anew, merged or chosen from."""
    seed: int = 0


@dataclass(frozen=True)
class View:
    """What the oracle sees in one prompt."""

    world: World
    traits: Traits
    prompt: Prompt
    items: tuple[Item, ...]
    """The questions asked, in their order in the prompt."""
    held: tuple[Fact, ...]
    """Facts in the contender's memory."""
    fresh: tuple[Fact, ...]
    """Facts in document text."""

    @property
    def all(self) -> tuple[Fact, ...]:
        """Every fact in the prompt."""
        return self.held + self.fresh

    @cached_property
    def place(self) -> str:
        """Number of the first paragraph of document text."""
        mark = MARK.search(self.prompt.text)
        return mark[1] if mark else "-"

    def noted(self, item: Item) -> list[Fact]:
        """Facts of the document text that are within reach, not yet held, and not missed.

        A fact is within reach when its subject is named in the question, in the memory, or in another such fact.
        """
        known = set(NAME.findall(self.prompt.memory)) | set(NAME.findall(item.question))
        if len(self.items) > 1:  # what others ask about does not help this one
            known -= {
                name for other in self.items if other is not item for name in NAME.findall(other.question)
            }
        reached: dict[str, Fact] = {}
        grew = True
        while grew:
            grew = False
            for fact in self.fresh:
                if fact.id not in reached and fact.subject in known:
                    reached[fact.id] = fact
                    known.add(fact.object)
                    grew = True
        new = [fact for fact in reached.values() if fact not in self.held]
        return [fact for fact in new if self._draw("capture", fact.id) < self.traits.capture]

    def kept(self) -> list[Fact]:
        """Held facts that survive one rewriting."""
        return [fact for fact in self.held if self._survives(fact.id)]

    def missing(self, item: Item) -> list[str]:
        """Names whose next fact is not here. That a newer fact or one more signature is missing, nobody can see."""
        present = {fact.id for fact in self.all}
        if item.kind in ("updated", "count"):
            return [] if present & set(item.facts) else NAME.findall(item.question)
        return [self.world.fact[id].subject for id in item.facts if id not in present][:1]

    def told(self, item: Item) -> str | None:
        """The answer that the memory states already, if that survives one rewriting as a fact does."""
        if item.kind in ("updated", "count") or f"It is {item.answer}." not in self.prompt.whole:
            return None
        return item.answer if self._survives(item.id) else None

    def _survives(self, id: str) -> bool:
        if self.prompt.form.final:  # nothing is written anew
            return True
        return self._draw(self.prompt.form.name, id, self.place) >= self.traits.overwrite

    def _draw(self, *key: str) -> float:
        words = "|".join((str(self.traits.seed), *key, self._state))
        return int.from_bytes(hashlib.blake2b(words.encode(), digest_size=8).digest(), "big") / 2**64

    @cached_property
    def _state(self) -> str:
        return ",".join(sorted(fact.id for fact in self.held))


def look(world: World, traits: Traits, prompt: Prompt) -> View:
    """What stands in a prompt. A fact counts only if its sentence is there in full."""
    asked = dict.fromkeys(QUESTION.findall(prompt.whole))
    items = tuple(world.item[id] for id in asked if id in world.item)
    held, fresh = _facts(world, prompt.memory), _facts(world, prompt.text)
    return View(world, traits, prompt, items, held, tuple(fact for fact in fresh if fact not in held))


def answer(item: Item, facts: Iterable[Fact]) -> str | None:
    """What a reader would answer from these facts alone; None when they say nothing."""
    present = {fact.id: fact for fact in facts}
    needed = [present.get(id) for id in item.facts]
    if item.kind == "count":
        count = sum(fact is not None for fact in needed)
        return str(count) if count else None
    if item.kind == "updated":
        latest = next((fact for fact in reversed(needed) if fact), None)
        return latest.object if latest else None
    return item.answer if all(needed) else None


def _facts(world: World, text: str) -> tuple[Fact, ...]:
    found = (world.fact.get(id) for id in dict.fromkeys(REFERENCE.findall(text)))
    return tuple(fact for fact in found if fact and fact.text in text)
