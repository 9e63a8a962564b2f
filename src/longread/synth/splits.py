"""Which documents are for training and which for evaluation, decided by source before anything is made of them.

Chains of pages need neighbours. Drawn at random, one page in ten has none of its own among the others; so the sources
that list each other give evaluation a neighbourhood of about that share, with as few links to the rest as can be
found by growing it from several places. Other sources, and corpora that are too small, are split by a hash.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping

from longread.synth.base import Base

_SHARE = 10
"""One in so many sources is for evaluation."""
_LEAST = 16
"""Pages below which nothing can be asked over figures."""
_SMALL = 3
"""So many times that must be linked for a neighbourhood to be taken out."""
_STARTS = 24
"""Places from which one is grown."""

Graph = Mapping[str, Mapping[str, int]]
"""Source -> the sources it shares links with, and how many."""


def splits(sources: Mapping[str, str], base: Base) -> dict[str, str]:
    """`train` or `evaluation` for each document; the same for the same documents, in whatever order.

    Args:
        sources: By id of the document.
        base: What they state.
    """
    graph = _graph(sources, base)
    wanted = max(_LEAST, len(graph) // _SHARE)
    near = _neighbourhood(graph, wanted) if len(graph) >= _SMALL * wanted else None
    taken = {
        source: source in near if near is not None and source in graph else drawn(source)
        for source in sources.values()
    }
    return {doc: "evaluation" if taken[source] else "train" for doc, source in sources.items()}


def drawn(source: str) -> bool:
    """Whether a source is for evaluation that no others decide."""
    return _hash(source) % _SHARE == 0


def _graph(sources: Mapping[str, str], base: Base) -> Graph:
    graph: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for page in base.pages:
        for name in {link.name for listed in page.links.values() for link in listed}:
            other = base.by_name.get(name)
            if other and sources[other.doc] != sources[page.doc]:
                a, b = sources[page.doc], sources[other.doc]
                graph[a][b] += 1
                graph[b][a] += 1
    return graph


def _neighbourhood(graph: Graph, size: int) -> set[str]:
    """The one with the greatest share of its links within, of those grown from several starts."""
    starts = sorted(graph, key=_hash)[:_STARTS]
    grown = [_grown(graph, start, size) for start in starts]
    return max(grown, key=lambda found: (len(found), _within(graph, found)))


def _grown(graph: Graph, start: str, size: int) -> set[str]:
    """From a start, always the neighbour with the greatest share of its links to what is there."""
    found = {start}
    total = {source: sum(graph[source].values()) for source in graph}
    inside: dict[str, int] = dict(graph[start])
    while inside and len(found) < size:
        best = max(inside, key=lambda source: (inside[source] / total[source], inside[source], source))
        del inside[best]
        found.add(best)
        for other, links in graph[best].items():
            if other not in found:
                inside[other] = inside.get(other, 0) + links
    return found


def _within(graph: Graph, found: set[str]) -> float:
    links = [(other in found, n) for source in found for other, n in graph[source].items()]
    return sum(n for inner, n in links if inner) / sum(n for _, n in links)


def _hash(source: str) -> int:
    return int.from_bytes(hashlib.sha256(source.encode()).digest()[:4], "big")
