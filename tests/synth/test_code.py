"""Python files as pages: what stands where, and chains from file to file."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longread.synth.base import Base, Page
from longread.synth.facts import code
from longread.synth.facts.vocabulary import (
    ATTRIBUTE,
    BASE,
    BASES,
    CLASS_ATTRIBUTE,
    CLASS_COUNT,
    CLASS_VALUE,
    CLASSES,
    CONSTANT,
    CONSTANT_VALUE,
    EXPORTS,
    FUNCTION_COUNT,
    FUNCTIONS,
    HOME,
    IMPORTS,
    LAST_CLASS,
    LAST_FUNCTION,
    LAST_IMPORT,
    LAST_METHOD,
    METACLASS,
    METHOD_COUNT,
    METHODS,
    PARAMETER_COUNT,
    RAISED,
    RELATIONS,
    TEXTS,
)
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
            assert fact.relation in RELATIONS
    shape = pages["store.shapes.Shape"]
    assert shape.facts[METHODS[0]].value == "area"
    assert shape.facts[LAST_METHOD].value == "move"
    assert shape.quantities[METHOD_COUNT].number == 3
    assert shape.quantities[PARAMETER_COUNT].number == 3
    assert shape.quantities["default value of the last parameter of the __init__ method of"].number == 1
    assert shape.facts["last parameter of the __init__ method of"].value == "b"
    assert pages["store.shapes"].quantities[CLASS_COUNT].number == 4
    assert pages["store.shapes"].facts[FUNCTIONS[0]].value == "last"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("store.shapes.Shape", "store.base.Root"),
        ("store.shapes.Round", "store.shapes.Shape"),
        ("store.shapes.Odd", None),  # two bases, neither of which is the base
        ("store.shapes.Far", None),  # nothing of that name is imported
        ("store.rows.Cell", None),
        ("store.rows.Row", "store.base.Root"),
    ],
)
def test_a_base_class_is_known_only_where_the_file_says_so(
    pages: dict[str, Page], name: str, base: str | None
) -> None:
    found = pages[name].links.get(BASE, ())
    assert [link.name for link in found] == ([base] if base else [])


def test_imports_are_in_order_and_chains_run_over_files(pages: dict[str, Page]) -> None:
    shapes = pages["store.shapes"].links
    found = [shapes[relation][0].name for relation in (*IMPORTS[:3], LAST_IMPORT)]
    assert found == ["abc", "store.rows", "store.base", "store.base"] and IMPORTS[3] not in shapes
    base = Base(tuple(pages.values()))
    last = Follow(Entity("store.shapes"), LAST_IMPORT, "only")
    plan = Lookup(last, FUNCTIONS[0], "text")
    proof = Proof(base)
    assert proof.execute(plan) == "helper" == Tables(base).execute(plan, base.by_doc)
    assert len({piece.doc for piece in proof.evidence}) == 2
    up = Lookup(
        Follow(Follow(Entity("store.shapes.Round"), BASE, "only"), BASE, "only"),
        METHOD_COUNT,
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
            if relation in TEXTS:
                assert fact.value in ("É", "f", "g", "ü", "x", "y", "\x1c")
            elif relation in (*IMPORTS, LAST_IMPORT):
                assert fact.value.startswith("import")
            else:
                assert fact.value.startswith(("class", "def", "@d"))


FIRST = """from . import util
from .errors import Broken as Fault
import store
__all__ = ["Box", "open_box"]
LIMIT = 12
MODE = "fast"
class Box(Fault, util.Tool, metaclass=util.Meta):
    kind = "plain"
    kind_of = 3
    def __init__(self, size, depth="deep"):
        if size:
            self.size: int = size
        self.depth = depth
    def e(self): raise Fault("no")
    @property
    def lid(self): ...
class Other(util.Tool): ...
def d(a, b): ...
async def open_box(first, *rest): ...
"""
UTIL = "import os\nclass Meta(type): ...\nclass Tool: ...\n"
ERRORS = "class Broken(Exception): ...\n"
UNSURE = """import os
from store import util
import abc
try:
    def f(): ...
except E: ...
def g(): ...
class A:
    @property
    def x(self): ...
    @x.setter
    def x(self, v): ...
    def last(self): raise
__all__ = ["a", "b"]
__all__ += ["c"]
"""


def read(**texts: str) -> dict[str, Page]:
    """Pages of a package `store` that lies deep in folders."""
    files = {"__init__": "import store.util as util\n", "util": UTIL, "errors": ERRORS, **texts}
    return {
        page.name: page
        for page in code.pages(
            [document(text, f"/home/any-one/src/store/{name}.py", "code") for name, text in files.items()]
        )
    }


def test_modules_are_named_from_the_folder_that_imports_mean() -> None:
    assert {"store", "store.util", "store.first", "store.first.Box"} <= set(read(first=FIRST))


def test_what_is_told_of_a_module_and_its_classes() -> None:
    pages = read(first=FIRST)
    module, box = pages["store.first"], pages["store.first.Box"]
    assert {relation: found.name for relation, (found,) in module.links.items()} == {
        IMPORTS[0]: "store.util",
        IMPORTS[1]: "store.errors",
        IMPORTS[2]: "store",
        LAST_IMPORT: "store",
        CLASSES[0]: "store.first.Box",
        CLASSES[1]: "store.first.Other",
        LAST_CLASS: "store.first.Other",
        RAISED: "store.errors.Broken",
    }
    assert {relation: found.name for relation, (found,) in box.links.items()} == {
        BASES[0]: "store.errors.Broken",
        BASES[1]: "store.util.Tool",
        METACLASS: "store.util.Meta",
        RAISED: "store.errors.Broken",
    }
    assert pages["store.first.Other"].links[HOME][0].name == "store.util"
    for page, wanted in (
        (
            module,
            {
                FUNCTIONS[0]: "d",
                LAST_FUNCTION: "open_box",
                EXPORTS[0]: "Box",
                EXPORTS[1]: "open_box",
                CONSTANT: "LIMIT",
                CONSTANT_VALUE: "12",
                "last parameter of the first top-level function of": "b",
            },
        ),
        (
            box,
            {
                METHODS[0]: "e",
                METHODS[1]: "lid",
                LAST_METHOD: "lid",
                ATTRIBUTE: "size",
                CLASS_ATTRIBUTE: "kind",
                CLASS_VALUE: "plain",
                "last parameter of the __init__ method of": "depth",
                "default value of the last parameter of the __init__ method of": "deep",
            },
        ),
    ):
        assert {relation: page.facts[relation].value for relation in wanted} == wanted
    assert module.quantities[FUNCTION_COUNT].number == 2
    at = module.facts[FUNCTIONS[0]].start
    assert FIRST[at - 4 : at + 2] == "def d("  # the name, not a letter of `def`
    assert FIRST[: module.facts[IMPORTS[1]].end].endswith("Broken as Fault")


def test_what_is_unclear_is_not_told() -> None:
    pages = read(unsure=UNSURE)
    module, a = pages["store.unsure"], pages["store.unsure.A"]
    assert set(module.facts) == {IMPORTS[0], CLASSES[0], CLASS_COUNT}  # `util` may be meant, or `store`
    assert METHODS[0] in a.facts
    assert not set(a.facts) & {METHODS[1], LAST_METHOD, METHOD_COUNT, RAISED}


def test_questions_read_as_a_programmer_would_ask() -> None:
    plan = Follow(Follow(Entity("store.first.Other"), HOME, "only"), IMPORTS[1], "only")
    assert question(plan, 0) == (
        "What is the second module imported by the module that defines the base class of store.first.Other? "
        "Write its full dotted name."
    )
    said = [question(Lookup(plan, FUNCTION_COUNT, "quantity"), form) for form in range(8)]
    assert len(set(said)) == 8
    assert all("the number of top-level functions of the second module" in one for one in said)
