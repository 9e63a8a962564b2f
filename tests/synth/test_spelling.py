"""One name in several spellings is one entity, one key one relation; what merely looks alike is not."""

from __future__ import annotations

import json

import pytest

from longread.synth import plans
from longread.synth.base import Base
from longread.synth.facts import facts
from longread.synth.proof import Proof, UnderivableError
from longread.synth.relations import one_relation
from longread.synth.spelling import key
from longread.synth.sql import Tables
from tests.synth.pages import base, base_of, document


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cote d'Ivoire", "Côte d’Ivoire"), ("The Gambia", "Gambia, The"), ("Gambia (the)", "GAMBIA"),
        ("Micronesia, Federated States of", "Federated States of Micronesia"), ("Korea, North", "North Korea"),
        ("Guinea-Bissau", "Guinea Bissau"), ("Bosnia & Hum", "Bosnia and Hum"),
    ],
)  # fmt: skip
def test_spellings_of_one_name(one: str, other: str):
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Niger", "Nigeria"), ("Congo (Kinshasa)", "Congo (Brazzaville)"), ("Austria", "Australia"), ("The", "A"),
        ("North Korea", "South Korea"), ("C", "C++"), ("A1", "A2"), ("Smith, John", "John, Smith"), ("Iran", "Iraq"),
    ],
)  # fmt: skip
def test_names_that_are_alike_are_two(one: str, other: str):
    assert key(one) != key(other)


def listed(**lists: str) -> Base:
    """Pages that list their neighbours."""
    return base(**{name: {"borders": value} for name, value in lists.items()})


def targets(known: Base, name: str) -> list[str]:
    return [link.name for link in known.by_name[name].links["borders"]]


def test_lists_lead_to_a_page_however_they_write_its_name():
    known = base_of(
        [
            document(json.dumps({"name": name, "see": see, "borders": borders}, ensure_ascii=False), name)
            for name, see, borders in (
                ("Côte d'Oro", "Gambia, The", "The Gambia 5 km; Mali 6 km"),
                ("Gambia, The", "Mali", "Cote d'Oro 5 km; Mali 7 km"),
                ("Mali", "Gambia, The", "COTE D'ORO 6 km; Gambia 7 km"),
            )
        ]
    )
    assert targets(known, "Mali") == ["Côte d'Oro", "Gambia, The"]
    assert targets(known, "Côte d'Oro") == ["Gambia, The", "Mali"]
    assert known.merged == {
        "The Gambia": "Gambia, The", "Gambia": "Gambia, The", "Cote d'Oro": "Côte d'Oro", "COTE D'ORO": "Côte d'Oro",
    }  # fmt: skip


def test_a_misspelling_counts_where_both_list_each_other_and_nowhere_else():
    pages = {
        "Kazakhstan": "Uzbekia 5 km; Chinia 6 km",
        "Uzbekia": "Kazakstan 5 km; Chinia 9 km",  # who lists it back
        "Chinia": "Kazakhstan 6 km; Uzbekia 9 km",
        "Peru": "Kazakstan 3 km; Chinia 2 km",
    }
    assert targets(listed(**pages), "Uzbekia") == ["Kazakhstan", "Chinia"]
    pages["Kazakhstan"] = "Norland 5 km; Chinia 6 km"
    assert targets(listed(**pages), "Uzbekia") == ["Kazakstan", "Chinia"]


def test_two_that_are_listed_together_are_two():
    known = listed(
        Nigeria="Chad 5 km; Benin 6 km",
        Chad="Nigeria 5 km; Nigera 7 km",
        Benin="Chad 1 km; Nigeria 6 km",
    )
    assert targets(known, "Chad") == ["Nigeria", "Nigera"] and not known.merged


def test_what_could_be_either_of_two_is_neither():
    known = listed(
        Mornia="Balland 5 km; Corland 6 km",
        Marnia="Balland 7 km; Corland 8 km",
        Balland="Mrnia 5 km; Corland 9 km",
        Corland="Mornia 6 km; Marnia 8 km",
    )
    assert targets(known, "Balland") == ["Mrnia", "Corland"]


def test_pages_of_one_name_in_two_spellings_are_none():
    known = base(
        Alpha={"see": "Beta, Gamma"}, The_Alpha={"see": "Beta"}, Beta={"see": "Alpha"}, Gamma={"see": "Beta"}
    )
    assert set(known.by_name) == {"Beta", "Gamma"}


def test_a_value_in_two_spellings_finds_nobody():
    known = base(Alpha={"see": "Beta", "town": "São Rio"}, Beta={"see": "Alpha", "town": "SAO RIO"})
    plan = plans.Lookup(plans.Find("town", "São Rio"), "see", "text")
    with pytest.raises(UnderivableError, match="2 entities"):
        Proof(known).execute(plan)
    docs = [page.doc for page in known.pages]
    assert Tables(known).execute(plan, docs) is None
    assert Tables(known).execute(plan, docs[:1]) == Proof(known.within(docs[:1])).execute(plan) == "Beta"


def merged(*records: dict[str, object]) -> dict[str, str]:
    made = [document(json.dumps(record), f"{n}.json") for n, record in enumerate(records)]
    return one_relation({one.id: list(facts(one)) for one in made})


def towns(name: str, *values: str) -> list[dict[str, object]]:
    return [{name: value} for value in values]


def test_keys_that_say_the_same_are_one_relation():
    capital = towns("Capital", "Balburg", "Corford", "Drahaven", "Fenport")
    city, named = (towns(n, "Goldorf", "Hesgrad", "Karwick") for n in ("capital city", "capital_name"))
    assert merged(*capital, *city, *named) == {"capital city": "Capital", "capital_name": "Capital"}
    nested: dict[str, object] = {"Capital": {"name": "Lumburg"}}
    assert merged(*capital, *named, nested, nested, nested)["Capital / name"] == "Capital"
    assert merged({"Area Total": "5 km"}, {"area_total": "6 km"}, {"areaTotals": "7 km"}) == {
        "area_total": "Area Total", "areaTotals": "Area Total",
    }  # fmt: skip


@pytest.mark.parametrize(
    "others",
    [
        towns("capital city", "Goldorf", "Hesgrad"),  # too few to know
        towns("capital stock", "Goldorf", "Hesgrad", "Karwick"),  # says something else
        towns("capital name", "5 km", "6 km", "7 km"),
        towns("capital name", "of old and no more", "of late and for long", "of no use to anybody"),
        [{"Capital": "Morwick", "capital name": town} for town in ("Goldorf", "Hesgrad", "Karwick")],
    ],
)
def test_keys_that_may_differ_are_two(others: list[dict[str, object]]):
    assert merged(*towns("Capital", "Balburg", "Corford", "Drahaven", "Fenport"), *others) == {}


def test_a_person_and_a_place_are_not_one():
    people = towns("Founder", "Ada Holm", "Bo Berg", "Cy Dahl", "Di Ek")
    assert merged(*people, *towns("Founder city", "Goldorf", "Hesgrad", "Karwick")) == {}
    assert (
        merged(*towns("Revenue", "5 EUR", "6 EUR", "7 EUR"), *towns("Net revenue", "1 EUR", "2 EUR", "3 EUR"))
        == {}
    )


def test_pages_state_the_relation_under_its_commonest_key():
    known = base(
        Alpha={"see": "Beta", "Land Area": "5 km"}, Beta={"see": "Alpha", "Land Area": "6 km"},
        Gamma={"see": "Beta", "land_area": "7 km"},
    )  # fmt: skip
    assert [page.quantities["Land Area"].number for page in known.pages] == [5, 6, 7]
    assert known.merged == {"land_area": "Land Area"}
