"""Lists of entities, and who each page is about."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from longread.synth.entities import build, naming_relation
from longread.synth.facts import Fact, facts
from longread.synth.links import links
from tests.synth.pages import base, base_of, document, documents


def _fact(value: str, start: int = 40) -> Fact:
    return Fact("d", "borders", value, start, start + len(value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Belgium 556 km; Germany 418 km", [("Belgium", "556", "km"), ("Germany", "418", "km")]),
        ("China 31%, UK 20.5%, Peru 4% (2022)", [("China", "31", "%"), ("UK", "20.5", "%"), ("Peru", "4", "%")]),
        ("China 31%, UK 20% (2022 est.)", [("China", "31", "%"), ("UK", "20", "%")]),
        ("Costa Rica 1,313 km; Peru 9 km", [("Costa Rica", "1313", "km"), ("Peru", "9", "km")]),
        ("Bosnia and Hum 956 km; Italy 2 km", [("Bosnia and Hum", "956", "km"), ("Italy", "2", "km")]),
        ("Aland, 5 km; Oland, 6 km", [("Aland", "5", "km"), ("Oland", "6", "km")]),
        ("Aland $5; Oland $6", [("Aland", "5", "$"), ("Oland", "6", "$")]),
        ("Aland 5; Oland 6", [("Aland", "5", ""), ("Oland", "6", "")]),
        ("Burma 3 km; Alias 2 km", [("Burma", "3", "km"), ("Aliasland", "2", "km")]),
    ],
)  # fmt: skip
def test_items_are_entities_with_quantities_in_their_place(value: str, expected: list[tuple[str, str, str]]):
    found = links(_fact(value), {"Alias": "Aliasland", "Belgium": "Belgium"})
    assert [(link.name, link.number, link.unit) for link in found] == [
        (n, Decimal(q), u) for n, q, u in expected
    ]
    assert all(value[link.start - 40 : link.end - 40][0].isupper() for link in found)
    starts = [link.start for link in found]
    assert starts == sorted(starts)
    assert all(value[link.end - 40 : link.end - 38] in ("", "; ", ", ", " (") for link in found)


@pytest.mark.parametrize(
    "value",
    [
        "", "Belgium 556 km", "Belgium 5 km; Germany 5 km", "Belgium 5 km; Germany 6 m", "Belgium 5 km; Germany",
        "Belgium; Germany", "total 5 km; Germany 6 km", "Belgium 5 km; Germany 6 km (see note)", "none",
        "Belgium 5% of all; Germany 6%", "Belgium 5,5 km; Germany 6 km",
    ],
)  # fmt: skip
def test_what_is_no_list_of_one_unit_with_different_numbers_has_no_items(value: str):
    assert links(_fact(value), {}) == ()


def test_a_value_with_escapes_has_no_items():
    text = json.dumps({"borders": "S\u00e3o 5 km; Peru 6 km"})
    (fact,) = facts(document(text))
    assert links(fact, {}) == ()
    assert len(links(next(facts(document('{"borders": "São 5 km; Peru 6 km"}'))), {})) == 2


def test_the_short_name_that_others_mention_names_the_pages():
    once = {one.id: {fact.relation: fact for fact in facts(one)} for one in documents()}
    assert naming_relation(once) == "Government / Country name / conventional short form"


def test_pages_that_share_no_naming_key_name_nothing():
    assert naming_relation({}) is None
    alone = [document('{"title": "Alpha"}', "a"), document('{"title": "Beta"}', "b")]
    assert base_of(alone).pages == ()
    assert build({}).pages == ()


def test_every_generated_page_is_an_entity_with_lists():
    known = base_of(documents())
    assert len(known.pages) == 46
    assert all(len(page.links) == 2 for page in known.pages)
    named = {link.name for page in known.pages for found in page.links.values() for link in found}
    assert named <= set(known.by_name)
    assert sum("Government / Independence" in page.dates for page in known.pages) == 42
    for page in known.pages:
        assert page.facts["Government / Country name / conventional short form"].value == page.name


def test_an_abbreviation_is_another_name_unless_two_share_it():
    known = base(
        Alphaland={"see": "Betaland and Gammaland", "abbreviation": "ALF or AFL", "to": "GAM 1 km; BET 2 km"},
        Betaland={"see": "Alphaland", "abbreviation": "BET", "to": "AFL 1 km; ALF 2 km"},
        Gammaland={"see": "Alphaland", "abbreviation": "BET", "to": "Betaland 3 km; ALF 4 km"},
    )
    listed = {page.name: [link.name for link in page.links["to"]] for page in known.pages}
    assert listed == {
        "Alphaland": ["GAM", "BET"],
        "Betaland": ["Alphaland", "Alphaland"],
        "Gammaland": ["Betaland", "Alphaland"],
    }


def test_pages_of_one_name_are_none():
    names = [f"Name {first}{second}" for first in "ABCDEFGH" for second in "abcdefgh"]
    pages = [document(json.dumps({"name": name, "see": names[n - 1]}), name) for n, name in enumerate(names)]
    pages.append(document(json.dumps({"name": "Name Bb", "see": "Name Aa"}), "twin"))
    assert {page.name for page in base_of(pages).pages} == set(names) - {"Name Bb"}


def test_relations_that_a_page_states_twice_are_left_out():
    text = '{"name": "Alpha", "see": "Beta", "x": {"text": "5 km"}, "y": ["1 km", "2 km"], "z": "3 km", "z": "4 km"}'
    known = base_of([document(text, "a"), document('{"name": "Beta", "see": "Alpha", "y": "1 km"}', "b")])
    assert set(known.by_name["Alpha"].quantities) == {"x"}
    assert set(known.by_name["Beta"].quantities) == {"y"}
    assert "z" not in known.by_name["Alpha"].facts


def test_a_base_within_documents_knows_only_those():
    known = base_of(documents())
    docs = [page.doc for page in known.pages[3:6]]
    assert [page.doc for page in known.within([*docs, "unknown"]).pages] == docs
