"""Key-value facts: every value stands where its offsets say, however the JSON is laid out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longread.synth.facts import facts
from tests.synth.pages import document, documents

_PAGE = {
    "Name": {"text": "Alphia"},
    "Area": {"total": {"text": "12 sq km"}, "note": None, "sure": True, "count": 17, "low": -2.5e3},
    "List": ["one", "two", {"inner": "three"}],
    "Quoted": 'she said "so"',
    "Sign": "caf\u00e9 \u2013 \U0001f600",
    "Break": "a\nb\\c\td/e",
    "Empty": "",
    "Odd: key": {"deep": {"value": "v"}},
}
_EXPECTED = {
    ("Name", "Alphia"),
    ("Area / total", "12 sq km"),
    ("Area / sure", "true"),
    ("Area / count", "17"),
    ("Area / low", "-2500.0"),
    ("List", "one"),
    ("List", "two"),
    ("List / inner", "three"),
    ("Quoted", 'she said "so"'),
    ("Sign", "caf\u00e9 \u2013 \U0001f600"),
    ("Break", "a\nb\\c\td/e"),
    ("Odd: key / deep", "v"),
}
_LAYOUTS = {
    "compact": json.dumps(_PAGE, separators=(",", ":")),
    "plain": json.dumps(_PAGE),
    "indented": json.dumps(_PAGE, indent=4),
    "tabs": json.dumps(_PAGE, indent="\t"),
    "odd": json.dumps(_PAGE, separators=("  \n ,\r\n", " \t :\n\n   ")),
    "unescaped": json.dumps(_PAGE, ensure_ascii=False, indent=1),
}


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_leaves_are_named_by_their_path_in_any_layout(layout: str):
    found = list(facts(document(_LAYOUTS[layout])))
    assert {(fact.relation, fact.value) for fact in found} == _EXPECTED
    assert len(found) == len(_EXPECTED)


@pytest.mark.parametrize("layout", _LAYOUTS)
def test_offsets_cover_exactly_the_value(layout: str):
    one = document(_LAYOUTS[layout])
    for fact in facts(one):
        written = one.text[fact.start : fact.end]
        quoted = one.text[fact.start - 1 : fact.end + 1] == f'"{written}"'
        assert fact.doc == one.id
        if quoted:
            assert json.loads(f'"{written}"') == fact.value
        else:
            assert written == fact.value and not written.startswith('"')


def test_documents_of_other_kinds_state_nothing():
    assert list(facts(document(_LAYOUTS["plain"], kind="text"))) == []


def test_a_list_at_the_top_has_the_facts_of_its_objects():
    found = list(facts(document('[{"a": "x"}, {"a": {"b": 1}}, "bare"]')))
    assert [(fact.relation, fact.value) for fact in found] == [("a", "x"), ("a / b", "1")]


def test_what_is_broken_gives_what_can_be_made_out():
    found = list(facts(document('{"a": "x", "b": {"c": "y", "d": ')))
    assert [(fact.relation, fact.value) for fact in found] == [("a", "x"), ("b / c", "y")]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(_JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_any_json_has_its_strings_in_place(page: object, indent: int | str | None, ascii_: bool):
    text = json.dumps(page, indent=indent, ensure_ascii=ascii_)
    for fact in facts(document(text)):
        written = text[fact.start : fact.end]
        assert fact.value == written or json.loads(f'"{written}"') == fact.value
        assert fact.relation and fact.value.strip()


@given(st.text() | st.text(alphabet='{}[]:,"\\ \nabu0n1', max_size=60))
def test_no_text_raises_and_offsets_lie_within_it(text: str):
    for fact in facts(document(text)):
        assert 0 <= fact.start < fact.end <= len(text)


def test_generated_pages_are_read_whole():
    for one in documents():
        found = {fact.relation: fact for fact in facts(one)}
        assert len(found) == 22
        assert all(one.text[fact.start : fact.end] == fact.value for fact in found.values())
