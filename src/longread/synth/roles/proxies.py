"""Stand-ins for models: one that varies accepted plans, and one that reads only what a search finds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from longread.synth import plans
from longread.synth.answers import answer
from longread.synth.proof import Proof, UnderivableError
from longread.synth.propose import Topics
from longread.synth.roles.proposals import Proposal, Quote, View
from longread.synth.solvers import executed, scorer
from longread.synth.verify import Ground
from longread.types import Document, Sample

_TRIES = 8
"""Variations of one view."""
TOP = 3
"""Documents that the solver reads."""


class MutatingProposer:
    """Puts another entity or relation into a plan that was accepted, or a step more before an entity."""

    def __init__(self, documents: Mapping[str, Document]) -> None:
        self._documents = documents

    def __call__(self, view: View) -> Iterator[Proposal | str]:
        """Variations of accepted plans that the pages shown have an answer to; none without history."""
        for _ in range(_TRIES if view.history else 0):
            tree = json.loads(view.rng.choice(view.history).plan)
            _vary(view.rng, tree, view.topics)
            try:
                plan = plans.PLAN.validate_python(tree)
                proof = Proof(view.base)
                derived = answer(proof.execute(plan))
            except (ValidationError, UnderivableError):
                yield "variation without an answer"
                continue
            quotes = tuple(
                Quote(doc=doc, quote=self._documents[doc].text[start:end])
                for doc, start, end, _ in proof.evidence
            )
            yield Proposal(plan=plan, answer=derived, quotes=quotes)


class SearchSolver:
    """Executes plans over the few documents of the context that match the question best (BM25)."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    def __call__(self, sample: Sample) -> bool:
        """Whether those documents alone give the answer."""
        scores = dict(zip(self._ground.documents, self._score(sample.question), strict=True))
        best = sorted(sample.documents, key=lambda doc: -scores[doc])
        return executed(sample, self._ground, best[:TOP])

    @cached_property
    def _score(self) -> Callable[[str], list[float]]:
        return scorer([document.text for document in self._ground.documents.values()])


def _vary(rng: random.Random, tree: dict[str, Any], topics: Topics) -> None:
    """Changes one node of a plan's JSON."""
    nodes = list(_nodes(tree))
    named = [node for node in nodes if node["op"] == "entity"]
    if not named or rng.random() < 0.3:
        _relate(rng, nodes, topics)
        return
    node = rng.choice(named)
    leading = [(name, way) for name, ways in topics.ways.items() for way in ways if way.name == node["name"]]
    if leading and rng.random() < 0.5:
        name, way = rng.choice(leading)
        node.pop("name")
        node |= {
            "op": "follow",
            "of": {"op": "entity", "name": name},
            "relation": way.relation,
            "pick": way.pick,
        }
    else:
        node["name"] = rng.choice(topics.base.pages).name


def _relate(rng: random.Random, nodes: list[dict[str, Any]], topics: Topics) -> None:
    """Another quantity for one that is asked for, wherever it stands."""
    asked = sorted({node["relation"] for node in nodes if node.get("relation") in topics.quantities})
    if asked:
        old, new = rng.choice(asked), rng.choice(list(topics.quantities))
        for node in nodes:
            if node.get("relation") == old:
                node["relation"] = new


def _nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for part in tree.values():
        for one in part if isinstance(part, list) else [part]:
            if isinstance(one, dict):
                yield from _nodes(one)
