"""Python files as pages: what stands where, and chains from file to file."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.synth.base import Base, Page
from longread.synth.facts import code
from longread.synth.facts.code import BASE, IMPORTS
from longread.synth.plans import Entity, Follow, Lookup
from longread.synth.proof import Proof
from longread.synth.sql import Tables
from longread.synth.wording import question
from longread.types import Document
from tests.synth.pages import document

SHAPES = '''"""Größen."""
import abc
import store.rows as rows
from store.base import Root


class Shape(Root):
    é = "ü"; n = 1
    def __init__(self, a, *, b=1): ...
    def area(self): ...
    async def move(self): ...


class Round(Shape): ...
class Odd(rows.Row, Root): ...
class Far(elsewhere.Thing): ...
def last(): ...
'''
ROWS = "import store.base\nimport os\n\nclass Row(store.base.Root): ...\nclass Cell(Unknown): ...\n"
ROOT = """import abc
import os

class Root:
    def first(self): ...
    def second(self): ...

def helper(): ...
"""
PARTS = [
    "class É(B):\n",
    " def f(self, ü): ...\n",
    "import a.b\n",
    "x='ü\f'\n",
    "@d\n",
    "\f\n",
    "y='\x1c'\r",
    "def g(): ...\n",
]


def corpus() -> list[Document]:
    return [
        document(text, f"store/{name}.py", "code")
        for name, text in (("shapes", SHAPES), ("rows", ROWS), ("base", ROOT))
    ]


@pytest.fixture(scope="module")
def pages() -> dict[str, Page]:
    return {page.name: page for page in code.pages(corpus())}


def test_modules_and_classes_are_pages(pages: dict[str, Page]) -> None:
    assert {"store.shapes", "store.rows", "store.base", "store.shapes.Shape", "store.base.Root"} <= set(pages)
    assert all(page.kind == "code" for page in pages.values())


def test_facts_stand_where_they_say(pages: dict[str, Page]) -> None:
    texts = {one.id: one.text for one in corpus()}
    for page in pages.values():
        for fact in page.facts.values():
            assert texts[fact.doc][fact.start : fact.end] == fact.value
    shape = pages["store.shapes.Shape"]
    assert shape.facts["first method besides __init__"].value == "area"
    assert shape.facts["last method"].value == "move"
    assert shape.quantities["number of methods"].number == 3
    assert shape.quantities["number of parameters of __init__, self included"].number == 3
    assert pages["store.shapes"].quantities["number of top-level classes"].number == 4
    assert pages["store.shapes"].facts["last top-level definition"].value == "last"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("store.shapes.Shape", "store.base.Root"),
        ("store.shapes.Round", "store.shapes.Shape"),
        ("store.shapes.Odd", None),  # two bases
        ("store.shapes.Far", None),  # nothing of that name is imported
        ("store.rows.Cell", None),
        ("store.rows.Row", None),  # a path of three names is not resolved
    ],
)
def test_a_base_class_is_known_only_where_the_file_says_so(
    pages: dict[str, Page], name: str, base: str | None
) -> None:
    found = pages[name].links.get(BASE, ())
    assert [link.name for link in found] == ([base] if base else [])


def test_imports_are_in_order_and_chains_run_over_files(pages: dict[str, Page]) -> None:
    assert [link.name for link in pages["store.shapes"].links[IMPORTS]] == ["abc", "store.rows", "store.base"]
    base = Base(tuple(pages.values()))
    last = Follow(Entity("store.shapes"), IMPORTS, "most")
    plan = Lookup(last, "first top-level definition", "text")
    proof = Proof(base)
    assert proof.execute(plan) == "Root" == Tables(base).execute(plan, base.by_doc)
    assert len({piece.doc for piece in proof.evidence}) == 2
    up = Lookup(
        Follow(Follow(Entity("store.shapes.Round"), BASE, "only"), BASE, "only"),
        "number of methods",
        "quantity",
    )
    assert Proof(base).execute(up) == Decimal(2) == Tables(base).execute(up, base.by_doc)
    assert "the base class of the base class of store.shapes.Round" in question(up, 0)


@pytest.mark.parametrize("text", ["def (:\n", "\x00", "(" * 5000, "class A:\n  def f(self): ...\n" * 2])
def test_what_does_not_parse_or_is_there_twice_is_no_page(text: str) -> None:
    names = [page.name for page in code.pages([document(text, "odd.py", "code")])]
    assert names in ([], ["odd"])


@given(st.lists(st.sampled_from(PARTS), max_size=12))
@settings(max_examples=300, deadline=None)
def test_in_any_file_definitions_are_where_they_are_said_to_be(parts: list[str]) -> None:
    one = document("".join(parts), "any.py", "code")
    for page in code.pages([one]):
        for relation, fact in page.facts.items():
            if relation in code.NAMES:
                assert fact.value in ("É", "f", "g")
            elif relation == IMPORTS:
                assert fact.value.startswith("import")
            else:
                assert fact.value.startswith(("class", "def", "@d"))
