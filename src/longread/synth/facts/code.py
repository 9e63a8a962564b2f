"""Pages of Python code, through `ast`: a module or class is an entity, and each fact has its place in the file.

Nothing is run or imported. Names are resolved only where the imports of a file say what they mean.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from longread.synth.base import Page
from longread.synth.facts.base import Fact
from longread.synth.links import Link
from longread.synth.values import Quantity
from longread.types import Document

IMPORTS = "imports"
BASE = "base class"
NAMES = (
    "first top-level definition",
    "last top-level definition",
    "first method besides __init__",
    "last method",
)
"""Relations whose values are names of functions and classes."""
_PACKAGE = "__init__"
_LONGEST = 8_000
"""Characters over which definitions are counted; a longer stretch is no evidence anyone can check."""


_LINE_END = re.compile(r"\r\n|\r|\n")
"""As the parser counts lines; `str.splitlines` would end them at form feeds too."""
_FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITION = (*_FUNCTION, ast.ClassDef)
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class _Module(NamedTuple):
    document: Document
    name: str
    tree: ast.Module
    starts: tuple[int, ...]
    """Offset of each line."""


def pages(documents: Iterable[Document]) -> Iterator[Page]:
    """Modules and top-level classes of the Python files among `documents`; what does not parse has none."""
    modules = [module for document in documents if (module := _module(document))]
    taken = Counter(module.name for module in modules)
    modules = [module for module in modules if taken[module.name] == 1]
    classes = {
        f"{m.name}.{node.name}" for m in modules for node in m.tree.body if isinstance(node, ast.ClassDef)
    }
    for module in modules:
        yield _module_page(module)
        names = _imported(module)
        bodies = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
        once = Counter(node.name for node in bodies)
        for node in bodies:
            if once[node.name] == 1:
                yield _class_page(module, node, names, classes)


def _module(document: Document) -> _Module | None:
    if document.kind != "code" or not document.source.endswith(".py") or not document.lined:
        return None
    try:
        with warnings.catch_warnings():  # of invalid escapes and the like, which are not ours to mend
            warnings.simplefilter("ignore")
            tree = ast.parse(document.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    parts = document.source.replace("\\", "/").removesuffix(".py").strip("/").split("/")
    parts = [part for part in parts if part.isidentifier()]
    if parts and parts[-1] == _PACKAGE:
        parts.pop()
    starts = (0, *(end.end() for end in _LINE_END.finditer(document.text)))
    return _Module(document, ".".join(parts), tree, starts) if parts else None


def _module_page(module: _Module) -> Page:
    found: dict[str, Link] = {}
    for node in module.tree.body:
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            named = [node.module]
        else:
            continue
        for name in named:
            found.setdefault(name, Link(name, Decimal(len(found) + 1), "", *_span(module, node)))
    counts: dict[str, Sequence[ast.stmt]] = {
        "number of top-level functions": [n for n in module.tree.body if isinstance(n, ast.FunctionDef)],
        "number of top-level classes": [n for n in module.tree.body if isinstance(n, ast.ClassDef)],
    }
    facts, quantities = _counted(module, counts)
    defined = [node for node in module.tree.body if isinstance(node, _DEFINITION)]
    facts |= _named(module, NAMES[:2], defined)
    links: dict[str, tuple[Link, ...]] = {}
    if len(found) > 1:
        listed = tuple(found.values())
        links[IMPORTS] = listed
        start, end = min(link.start for link in listed), max(link.end for link in listed)
        facts[IMPORTS] = _fact(module, IMPORTS, start, end)
    if IMPORTS in facts and len(facts[IMPORTS].value) > _LONGEST:
        del facts[IMPORTS], links[IMPORTS]
    return Page(module.document.id, module.name, facts, quantities, {}, links, "code")


def _class_page(module: _Module, node: ast.ClassDef, names: Mapping[str, str], classes: set[str]) -> Page:
    methods = [n for n in node.body if isinstance(n, _FUNCTION)]
    facts, quantities = _counted(module, {"number of methods": methods})
    facts |= _named(module, NAMES[2:], [method for method in methods if method.name != "__init__"])
    for method in methods:
        if method.name == "__init__" and not (method.args.vararg or method.args.kwarg):
            arguments = method.args
            count = len([*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs])
            relation = "number of parameters of __init__, self included"
            facts[relation] = _fact(module, relation, *_span(module, method, head=True))
            quantities[relation] = Quantity(Decimal(count), "")
    links: dict[str, tuple[Link, ...]] = {}
    if len(node.bases) == 1 and (base := _resolved(node.bases[0], module, names, classes)):
        start, end = _span(module, node, head=True)
        links[BASE] = (Link(base, Decimal(1), "", start, end),)
        facts[BASE] = _fact(module, BASE, start, end)
    return Page(module.document.id, f"{module.name}.{node.name}", facts, quantities, {}, links, "code")


def _named(module: _Module, relations: tuple[str, ...], nodes: Sequence[_Definition]) -> dict[str, Fact]:
    """The names of the first and the last definition, where there are two or more with different names."""
    if len({node.name for node in nodes}) < 2:
        return {}
    facts: dict[str, Fact] = {}
    for relation, node in zip(relations, (nodes[0], nodes[-1]), strict=True):
        start, end = _span(module, node, head=True)
        at = module.document.text.find(node.name, start, end)
        if at < 0:
            return {}
        facts[relation] = _fact(module, relation, at, at + len(node.name))
    return facts


def _counted(
    module: _Module, nodes: Mapping[str, Sequence[ast.stmt]]
) -> tuple[dict[str, Fact], dict[str, Quantity]]:
    """Counts of definitions, with the stretch from the first to the last; none where there are no definitions."""
    facts: dict[str, Fact] = {}
    quantities: dict[str, Quantity] = {}
    for relation, found in nodes.items():
        if found:
            start, end = _span(module, found[0])[0], _span(module, found[-1])[1]
            if end - start > _LONGEST:
                continue
            facts[relation] = _fact(module, relation, start, end)
            quantities[relation] = Quantity(Decimal(len(found)), "")
    return facts, quantities


def _imported(module: _Module) -> dict[str, str]:
    """Names at the top of a file -> what they stand for, in full."""
    names: dict[str, str] = {}
    for node in module.tree.body:
        if isinstance(node, ast.Import):
            names.update((alias.asname or alias.name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
    return names


def _resolved(node: ast.expr, module: _Module, names: Mapping[str, str], classes: set[str]) -> str | None:
    """The full name of a base class; None where the file does not say or it is not among the documents."""
    match node:
        case ast.Name(id=name):
            full = f"{module.name}.{name}"
            full = full if full in classes else names.get(name, "")
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            full = f"{names.get(owner, '')}.{name}"
        case _:
            return None
    return full if full in classes else None


def _span(module: _Module, node: ast.stmt, head: bool = False) -> tuple[int, int]:
    """Offsets of a statement; with `head` only of what stands before its body."""
    start = _offset(module, node.lineno, node.col_offset)
    body = getattr(node, "body", None)
    if head and body and body[0].lineno > node.lineno:
        first = min([body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", ()))])
        return start, module.starts[first - 1] - 1
    return start, _offset(module, node.end_lineno or node.lineno, node.end_col_offset or 0)


def _offset(module: _Module, line: int, column: int) -> int:
    """`ast` counts columns in bytes of UTF-8."""
    start = module.starts[line - 1]
    text = module.document.text[start : start + column]
    if text.isascii():
        return start + column
    return start + len(module.document.text[start : start + column].encode()[:column].decode(errors="ignore"))


def _fact(module: _Module, relation: str, start: int, end: int) -> Fact:
    return Fact(module.document.id, relation, module.document.text[start:end], start, end)
