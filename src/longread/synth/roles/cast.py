"""Who plays the roles in a run: a model with its budget of calls, or stand-ins where there is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from longread.config import Settings
from longread.errors import UsageError
from longread.models.base import ChatModel
from longread.reading.caps import Caps
from longread.reading.store import Store
from longread.synth.avoid import Avoided
from longread.synth.base import Base
from longread.synth.dataset import Made
from longread.synth.make import Unit, Yield
from longread.synth.roles import tries
from longread.synth.roles.asking import Asker, Failures, KeptModel
from longread.synth.roles.finishing import Finished, attempt, balance, fence, reword
from longread.synth.roles.mase import Proposer, Roles, play
from longread.synth.roles.paraphrase import Paraphraser
from longread.synth.roles.proposals import Gate
from longread.synth.roles.proposer import ModelProposer
from longread.synth.roles.proxies import MutatingProposer, SearchSolver
from longread.synth.roles.tries import Trier
from longread.synth.roles.triples import Stated, extract, passages
from longread.synth.roles.views import Held, listen
from longread.synth.verify import Ground
from longread.types import Document, Sample

_SHOWN = 16
"""Pages that a model is shown at a time."""


class Shares(NamedTuple):
    """How many calls go to what."""

    facts: int
    views: int
    rounds: int
    """Of proposals."""
    finish: int
    """Paraphrases and tries."""


@dataclass(frozen=True)
class Cast:
    """Who proposes, and how often; and what a model does with samples that are made.

    Args:
        calls: Replies in all; rounds of proposals where there is no model.
        model: Is asked; None for stand-ins.
        wait: Runs a call to its end, in the event loop that the model belongs to.
        settings: How the model reads, and caps on tokens and cost.
        paraphrase: Whether it words questions anew.
        tries: How often it tries each sample in each way; 0 for none.
        tried: Samples that it tries, at most.
        balance: Whether as many samples are kept of each source and pass rate.
        failures: Calls of the run that failed.

    Errors: UsageError where no sample could be tried and so none would be left to balance.
    """

    calls: int
    model: ChatModel | None = None
    wait: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run
    settings: Settings = field(default_factory=lambda: Settings.model_validate({}))
    paraphrase: bool = False
    tries: int = 0
    tried: int | None = None
    balance: bool = False
    failures: Failures = field(default_factory=Failures)

    def __post_init__(self) -> None:
        if self.model and self.balance:
            self.must_try()

    def must_try(self) -> None:
        """UsageError where the calls are too few to try one sample."""
        least = 2 * self._trying * (2 if self.paraphrase else 1)
        if self.calls < least:
            raise UsageError(
                f"--tries {self.tries} needs {least:,} calls for one sample; give --max-calls {least:,} or more"
            )

    @property
    def decides(self) -> list[Any]:
        """What makes another data set of the same documents and recipe."""
        named = [self.model.name if self.model else "", self.calls]
        finished = [self.paraphrase, self.tries, self.tried, self.balance]
        return [*named, *finished] if self.model else named

    def shares(self, prose: Sequence[Document], heard: Sequence[Document]) -> Shares:
        """How the calls are shared between documents with facts or views to be found, proposals, and samples.

        Half goes to samples, where one can be tried or worded; of the rest half at most to facts, a quarter to views.
        """
        if self.model is None:
            return Shares(0, 0, self.calls, 0)
        half = self.calls // 2
        finish = half if self.paraphrase or (self.tries and half >= self._trying) else 0
        left = self.calls - finish
        facts, views = min(left // 2, _passages(prose)), min(left // 4, _passages(heard))
        return Shares(facts, views, left - facts - views, finish)

    def extract(self, kept: Path, prose: Sequence[Document], calls: int) -> Stated:
        """What the model finds in documents that are no pages; replies are kept in the folder `kept`."""
        if self.model is None:
            return Stated()
        with closing(Store(kept)) as store:
            return extract(Asker(self._kept(self.model, store, calls), self.wait), prose, calls)

    def listen(self, kept: Path, heard: Sequence[tuple[Document, Base]], calls: int) -> Held:
        """What the model finds that somebody holds, in documents each with what else is known."""
        if self.model is None:
            return Held()
        with closing(Store(kept)) as store:
            return listen(Asker(self._kept(self.model, store, calls), self.wait), heard, calls)

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
                asker = Asker(self._kept(self.model, store, self.calls), self.wait)
                proposer = ModelProposer(asker, ground.documents)
                shown = _SHOWN
            roles = Roles(proposer, Gate(ground, tokens), SearchSolver(ground), shown)
            for unit, before in begun:
                yield unit, play(unit, ground, roles, before, avoid)

    def finish(
        self, kept: Path, made: Sequence[Made], grounds: Mapping[str, Ground], avoid: Avoided, calls: int
    ) -> Finished:
        """The samples as they go into the data set; paraphrases get half of the calls if tries can do with half."""
        done = Finished(made)
        if self.model is None:
            return done
        with closing(Store(kept)) as store:
            if self.paraphrase:
                both = self.tries and calls // 2 >= self._trying
                model = self._kept(self.model, store, calls // 2 if both else calls)
                calls -= model.left
                reword(done, grounds, Paraphraser(Asker(model, self.wait), avoid))
                calls += model.left
            if self.tries:
                model = self._kept(self.model, store, calls)
                trier = Trier.over(model, self.settings, self.wait, self.tries, fence(store))
                attempt(done, grounds, trier, self.tried)
            if self.balance:
                balance(done)
        return done

    def _kept(self, model: ChatModel, store: Store, calls: int) -> KeptModel:
        caps = Caps(self.calls, self.settings.max_total_tokens, self.settings.max_cost)
        return KeptModel(model, store, caps, calls, self.failures, self.settings.window)

    @property
    def _trying(self) -> int:
        """Calls for the tries of one sample, at least."""
        return self.tries * tries.CALLS


def _passages(documents: Sequence[Document]) -> int:
    return sum(1 for document in documents for _ in passages(document.text))
