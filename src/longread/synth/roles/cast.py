"""Who plays the roles in a run: a model with its budget of calls, or stand-ins where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longread.models.base import ChatModel, Reply
from longread.reading.store import Store
from longread.synth.avoid import Avoided
from longread.synth.make import Unit, Yield
from longread.synth.roles.asking import Asker
from longread.synth.roles.mase import Proposer, Roles, play
from longread.synth.roles.proposals import Gate
from longread.synth.roles.proposer import ModelProposer
from longread.synth.roles.proxies import MutatingProposer, SearchSolver
from longread.synth.roles.triples import Stated, extract, passages
from longread.synth.verify import Ground
from longread.types import Document, Sample

_SHOWN = 16
"""Pages that a model is shown at a time."""


@dataclass(frozen=True)
class Cast:
    """Who proposes, and how often.

    Args:
        calls: Prompts in all, half of them at most to find facts in prose; rounds where there is no model.
        model: Is asked; None for stand-ins.
        wait: Runs a call to its end, in the event loop that the model belongs to.
    """

    calls: int
    model: ChatModel | None = None
    wait: Callable[[Coroutine[Any, Any, Reply]], Reply] = asyncio.run

    @property
    def decides(self) -> list[str | int]:
        """What makes another data set of the same documents and recipe."""
        return [self.model.name if self.model else "", self.calls]

    def extract(self, kept: Path, prose: Sequence[Document]) -> Stated:
        """What the model finds in documents that are no pages; replies are kept in the folder `kept`."""
        if self.model is None:
            return Stated()
        with closing(Store(kept)) as store:
            return extract(Asker(self.model, store, self.wait), prose, self._reading(prose))

    def left(self, prose: Sequence[Document]) -> int:
        """Calls for proposals, after those for prose."""
        return self.calls if self.model is None else self.calls - self._reading(prose)

    def propose(
        self,
        kept: Path,
        begun: Iterable[tuple[Unit, Sequence[Sample]]],
        ground: Ground,
        tokens: Mapping[str, int],
        avoid: Avoided,
    ) -> Iterator[tuple[Unit, Yield]]:
        """What comes of `unit.wanted` rounds of each unit of a split, beside the samples of it that there are."""
        with closing(Store(kept)) as store:
            proposer: Proposer = MutatingProposer(ground.documents)
            shown = len(ground.documents)
            if self.model:
                proposer = ModelProposer(Asker(self.model, store, self.wait), ground.documents)
                shown = _SHOWN
            roles = Roles(proposer, Gate(ground, tokens), SearchSolver(ground), shown)
            for unit, before in begun:
                yield unit, play(unit, ground, roles, before, avoid)

    def _reading(self, prose: Sequence[Document]) -> int:
        return min(self.calls // 2, sum(1 for document in prose for _ in passages(document.text)))
