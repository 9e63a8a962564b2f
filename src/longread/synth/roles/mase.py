"""The loop of three roles: one proposes, one verifies, one solves, and the next must go beyond what was accepted.

Each role is a protocol: a model or a stand-in can fill it. Only the verifier decides what is true.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from longread.synth.avoid import Avoided
from longread.synth.base import Base
from longread.synth.corpus import AVOIDED
from longread.synth.dataset import Made
from longread.synth.make import Unit, Yield, counted, quoting, topics_of
from longread.synth.propose import Topics
from longread.synth.roles.proposals import Proposal, Turn, View
from longread.synth.solvers import Trial, trials
from longread.synth.verify import Ground
from longread.types import Sample

PROXY = "search solver (proxy)"
"""What it solves says nothing of what a model would."""
_KEPT = 32
"""Turns of the history."""


class Proposer(Protocol):
    """Proposes questions over what it is shown."""

    def __call__(self, view: View) -> Iterable[Proposal | str]:
        """Proposals; a reason in place of one that could not be had."""
        ...


class Verifier(Protocol):
    """Decides what is true."""

    def check(self, proposal: Proposal, view: View) -> Sample | str:
        """A sample that is proved, or why there is none."""
        ...


class Solver(Protocol):
    """Tries what was accepted."""

    def __call__(self, sample: Sample) -> bool:
        """Whether it found the answer."""
        ...


class Roles(NamedTuple):
    """Who plays."""

    proposer: Proposer
    verifier: Verifier
    solver: Solver
    shown: int
    """Pages of a view."""


def play(unit: Unit, ground: Ground, roles: Roles, before: Sequence[Sample], avoid: Avoided) -> Yield:
    """`unit.wanted` rounds of proposals. No plan or answer of `before`, which are of this type and split, recurs."""
    topics = topics_of(unit.type, ground.base)
    made: list[Made] = []
    rejected: Counter[str] = Counter()
    asked = {sample.plan for sample in before}
    said = {counted(sample) for sample in before}
    history = deque((Turn(one.plan, roles.solver(one)) for one in before[-_KEPT:]), _KEPT)
    solved = 0
    for number in range(unit.wanted if topics.quantities else 0):
        rng = random.Random(f"roles:{unit.seed}:{unit.split}:{unit.type}:{number}")  # noqa: S311
        view = View(unit, _shown(rng, topics, roles.shown), topics, tuple(history), rng, number)
        for proposal in roles.proposer(view):
            sample = proposal if isinstance(proposal, str) else roles.verifier.check(proposal, view)
            if isinstance(sample, str):
                rejected[f"proposed: {sample}"] += 1
            elif sample.plan in asked:
                rejected["proposed: asked before"] += 1
            elif counted(sample) in said:
                rejected["proposed: answer too common"] += 1
            elif avoid.asks(sample.question.partition("\n")[0]):
                rejected[f"proposed: {AVOIDED}"] += 1
            else:
                asked.add(sample.plan)
                said.add(counted(sample))
                turn = Turn(sample.plan, roles.solver(sample))
                history.append(turn)
                solved += turn.solved
                made.append(quoting(sample, ground))
    tried = {**trials([one.sample for one in made], ground), PROXY: Trial(len(made), solved)}
    return Yield(tuple(made), dict(sorted(rejected.items())), tried)


def _shown(rng: random.Random, topics: Topics, most: int) -> Base:
    """Some pages, those first that lists lead to, so that there are chains among them."""
    waiting = rng.sample(topics.base.pages, len(topics.base.pages))
    chosen: dict[str, None] = {}
    while waiting and len(chosen) < most:
        page = waiting.pop()
        if page.name not in chosen:
            chosen[page.name] = None
            led = {way.name for way in topics.ways.get(page.name, ())}
            waiting += [topics.base.by_name[name] for name in rng.sample(sorted(led), min(len(led), 2))]
    return Base(tuple(page for page in topics.base.pages if page.name in chosen))
