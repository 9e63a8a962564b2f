"""Evaluation has a neighbourhood of its own where a corpus has one, and shares no source with training."""

from __future__ import annotations

import random

import pytest

from longread.synth.corpus import choose
from longread.synth.pages import base_of
from longread.synth.propose import Topics, multi_fact
from longread.synth.splits import drawn, splits
from tests.synth.pages import base, documents

RINGS = 12


def rings(size: int) -> dict[str, dict[str, object]]:
    """Twelve rings of pages, each of which lists its neighbours in the ring and one page of the next ring."""
    names = [
        [f"{chr(65 + ring)}{chr(97 + n // 26)}{chr(97 + n % 26)}land" for n in range(size)]
        for ring in range(RINGS)
    ]
    pages: dict[str, dict[str, object]] = {}
    for number, ring in enumerate(names):
        for at, name in enumerate(ring):
            near = [ring[at - 1], ring[(at + 1) % size], ring[(at + 2) % size]]
            listed = [*near, *[names[(number + 1) % RINGS][0]] * (at == 0)]
            pages[name] = {"borders": "; ".join(f"{one} {10 + n} km" for n, one in enumerate(listed))}
    return pages


def test_evaluation_is_a_connected_neighbourhood_in_which_chains_run():
    known = base(**rings(20))
    made = splits({page.doc: page.doc for page in known.pages}, known)
    chosen = [page for page in known.pages if made[page.doc] == "evaluation"]
    assert len(chosen) == RINGS * 20 // 10 == 24
    own = known.within(page.doc for page in chosen)
    reached, begun = set(), [own.pages[0].name]
    while begun:
        name = begun.pop()
        if name in own.by_name and name not in reached:
            reached.add(name)
            begun += [link.name for link in own.by_name[name].links["borders"]]
            begun += [p.name for p in own.pages if name in {link.name for link in p.links["borders"]}]
    assert reached == set(own.by_name)
    inner = sum(link.name in own.by_name for page in own.pages for link in page.links["borders"])
    assert inner > 0.8 * sum(len(page.links["borders"]) for page in own.pages)


def test_what_everything_links_to_stays_in_training():
    pages = rings(20)
    for page in pages.values():
        page["borders"] = f"{page['borders']}; Hubland 99 km"
    pages["Hubland"] = {"borders": "Aaland 5 km; Abland 6 km"}
    known = base(**pages)
    made = splits({page.doc: page.doc for page in known.pages}, known)
    assert made[known.by_name["Hubland"].doc] == "train" and "evaluation" in made.values()


def test_the_split_is_that_of_the_documents_in_any_order():
    given = documents(1, 60, 20)
    made = choose(given).splits
    shuffled = random.Random(0).sample(given, len(given))
    assert choose(shuffled).splits == made
    assert list(made.values()).count("evaluation") == 16
    assert set(made) == {one.id for one in given}


def test_multi_hop_questions_can_be_asked_of_both_splits():
    given = documents(1, 60, 20)
    made = choose(given).splits
    for name in ("train", "evaluation"):
        topics = Topics(base_of([one for one in given if made[one.id] == name]))
        assert sum(multi_fact(random.Random(seed), topics) is not None for seed in range(50)) > 25


def test_documents_of_one_source_are_of_one_split():
    known = base(**rings(20))
    sources = {page.doc: f"{page.name[0]}{page.name[-5]}" for page in known.pages}
    made = splits(sources, known)
    assert set(made.values()) == {"train", "evaluation"}
    assert len({(sources[doc], name) for doc, name in made.items()}) == len(set(sources.values()))


@pytest.mark.parametrize("count", [0, 47])
def test_few_pages_and_what_has_no_links_are_split_by_their_source_alone(count: int):
    given = documents(2, count, 0)
    made = choose(given).splits
    assert all((made[one.id] == "evaluation") == drawn(one.source) for one in given)
    # Fixed, so that a data set made elsewhere or later never mixes the splits.
    assert [n for n in range(60) if drawn(f"pages/{n}.json")] == [0, 21, 26, 35, 46, 53, 57]
    assert 400 < sum(drawn(f"page-{n}") for n in range(5_000)) < 600
