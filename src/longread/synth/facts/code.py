"""Pages of Python code, through `ast`: a module or class is an entity, and each fact has its place in the file.

Nothing is run or imported. A relation is told only where a reader of the file would find the same: names are resolved
where the imports of a file say what they mean, and what comes first or third is counted until something is unclear.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from longread.synth.base import Page
from longread.synth.facts.base import Fact
from longread.synth.facts.modules import (
    File,
    Function,
    Import,
    Module,
    file_of,
    imported,
    modules_of,
    resolved,
    targets,
)
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
    DEFAULT,
    EXPORTS,
    FUNCTION_COUNT,
    FUNCTIONS,
    HOME,
    IMPORTS,
    INIT,
    LAST_CLASS,
    LAST_FUNCTION,
    LAST_IMPORT,
    LAST_METHOD,
    METACLASS,
    METHOD_COUNT,
    METHODS,
    PARAMETER,
    PARAMETER_COUNT,
    RAISED,
    WITH_PARAMETERS,
)
from longread.synth.links import Link
from longread.synth.values import Quantity, plain, quantity
from longread.types import Document

_LONGEST = 8_000
"""Characters over which something is counted; a longer stretch is no evidence anyone can check."""
_SHORT = 40
"""Characters of a value."""

_FUNCTION: tuple[type[Function], ...] = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORT: tuple[type[Import], ...] = (ast.Import, ast.ImportFrom)
_NODE = TypeVar("_NODE", bound=ast.stmt)


@dataclass(frozen=True)
class _Reading:
    """What is read of one entity."""

    file: File
    facts: dict[str, Fact] = field(default_factory=dict)
    quantities: dict[str, Quantity] = field(default_factory=dict)
    links: dict[str, tuple[Link, ...]] = field(default_factory=dict)

    def fact(self, relation: str, start: int, end: int) -> bool:
        """Notes a stretch, unless it is too long to be checked."""
        if end - start > _LONGEST:
            return False
        document = self.file.document
        self.facts[relation] = Fact(document.id, relation, document.text[start:end], start, end)
        return True

    def link(self, relation: str, target: str, start: int, end: int) -> None:
        if self.fact(relation, start, end):
            self.links[relation] = (Link(target, Decimal(1), "", start, end),)

    def count(self, relation: str, number: int, start: int, end: int) -> None:
        if self.fact(relation, start, end):
            self.quantities[relation] = Quantity(Decimal(number), "")

    def name(self, relation: str, name: str, start: int, end: int) -> None:
        """Notes a name where it first stands in a stretch; nothing where it is written in another way."""
        if found := re.compile(rf"\b{re.escape(name)}\b").search(self.file.document.text, start, end):
            self.fact(relation, found.start(), found.end())

    def value(self, relation: str, node: ast.expr) -> None:
        """Notes a number, a name, or a text that is written as it is read; nothing that is guessed easily."""
        start, end = self.file.span(node)
        text = self.file.document.text
        match node:
            case ast.Constant(value=str(value)) if text[start + 1 : end - 1] == value:
                start, end = start + 1, end - 1
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                if not (stated := quantity(text[start:end])):
                    return
                self.quantities[relation] = stated
            case ast.Name() | ast.Attribute():
                pass
            case _:
                return
        value = text[start:end]
        if 0 < len(value) <= _SHORT and value.isprintable() and plain(value) == value:
            self.fact(relation, start, end)

    def page(self, name: str) -> Page:
        return Page(self.file.document.id, name, self.facts, self.quantities, {}, self.links, "code")


def pages(documents: Iterable[Document]) -> Iterator[Page]:
    """Modules and top-level classes of the Python files among `documents`; what does not parse has none."""
    modules = modules_of([file for document in documents if (file := file_of(document))])
    for module in modules.values():
        names = imported(module)
        yield _module_page(module, names, modules)
        for name, node in module.classes.items():
            yield _class_page(module, name, node, names, modules)


def _module_page(module: Module, names: Mapping[str, str], modules: Mapping[str, Module]) -> Page:
    file, reading = module.file, _Reading(module.file)
    body = file.tree.body
    _read_imports(reading, module, modules)
    classes, all_classes = _direct(body, ast.ClassDef)
    for relation, node in _ranked(CLASSES, LAST_CLASS, classes, all_classes):
        if node.name in module.classes:
            start, end = file.head(node)
            reading.link(relation, f"{module.name}.{node.name}", start, end)
    functions, all_functions = _direct(body, *_FUNCTION)
    for relation, function in _ranked(FUNCTIONS, LAST_FUNCTION, functions, all_functions):
        _read_function(reading, relation, function)
    for relation, found, complete in (
        (CLASS_COUNT, classes, all_classes),
        (FUNCTION_COUNT, functions, all_functions),
    ):
        if found and complete:
            reading.count(relation, len(found), file.span(found[0])[0], file.span(found[-1])[1])
    once = file.document.text.count("__all__") == 1  # elsewhere it may be added to
    for target, value in _assigned(body):
        if (
            once
            and target.id == "__all__"
            and isinstance(value, ast.List | ast.Tuple)
            and len(value.elts) > 1
        ):
            reading.value(EXPORTS[0], value.elts[0])
            reading.value(EXPORTS[1], value.elts[-1])
    constants = [(target, value) for target, value in _assigned(body) if target.id.isupper()]
    if constants:
        _read_assigned(reading, CONSTANT, CONSTANT_VALUE, *constants[0])
    _read_raised(reading, body, module, names, modules)
    return reading.page(module.name)


def _class_page(
    module: Module, name: str, node: ast.ClassDef, names: Mapping[str, str], modules: Mapping[str, Module]
) -> Page:
    file, reading = module.file, _Reading(module.file)
    methods, complete = _direct(node.body, *_FUNCTION)
    if methods and complete:
        reading.count(METHOD_COUNT, len(methods), file.span(methods[0])[0], file.span(methods[-1])[1])
        _read_function(reading, LAST_METHOD, methods[-1])
    others = [method for method in methods if method.name != "__init__"]
    for relation, method in _ranked(METHODS, "", others, complete):
        _read_function(reading, relation, method)
    for method in methods:
        if method.name == "__init__":
            _read_init(reading, method)
    for target, value in _assigned(node.body)[:1]:
        _read_assigned(reading, CLASS_ATTRIBUTE, CLASS_VALUE, target, value)
    start, end = file.head(node)
    for relation, base in zip((BASE,) if len(node.bases) == 1 else BASES, node.bases, strict=False):
        if found := resolved(base, module, names, modules):
            reading.link(relation, found, start, end)
            home = found.rpartition(".")[0]
            if relation == BASE and home != module.name:
                reading.link(HOME, home, start, end)
    for keyword in node.keywords:
        if keyword.arg == "metaclass" and (found := resolved(keyword.value, module, names, modules)):
            reading.link(METACLASS, found, start, end)
    _read_raised(reading, node.body, module, names, modules)
    return reading.page(f"{module.name}.{name}")


def _direct(body: Sequence[ast.stmt], *kinds: type[_NODE]) -> tuple[list[_NODE], bool]:
    """Statements of some kinds up to one within an `if`, `try` or the like or a name defined again, which make it
    unclear what is to be counted; and whether these are all."""
    found: list[_NODE] = []
    names: set[str] = set()
    for node in body:
        if isinstance(node, kinds):
            name = getattr(node, "name", None)
            if name in names:
                return found, False
            if name:
                names.add(name)
            found.append(node)
        elif not isinstance(node, (*_FUNCTION, ast.ClassDef)) and any(
            isinstance(inner, kinds) for inner in ast.walk(node)
        ):
            return found, False
    return found, True


def _ranked(
    relations: Sequence[str], last: str, nodes: Sequence[_NODE], complete: bool
) -> Iterator[tuple[str, _NODE]]:
    """The first few and, where all are known and there are two or more, the last."""
    yield from zip(relations, nodes, strict=False)
    if last and complete and len(nodes) > 1:
        yield last, nodes[-1]


def _assigned(body: Sequence[ast.stmt]) -> list[tuple[ast.Name, ast.expr]]:
    """Names that get one value each, up to a statement that assigns in another way."""
    found: list[tuple[ast.Name, ast.expr]] = []
    for node in body:
        match node:
            case ast.Assign(targets=[ast.Name() as target], value=value):
                found.append((target, value))
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                found.append((target, value))
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass
            case _ if any(isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) for n in ast.walk(node)):
                break
    return found


def _read_imports(reading: _Reading, module: Module, modules: Mapping[str, Module]) -> None:
    nodes, complete = _direct(module.file.tree.body, *_IMPORT)
    placed: dict[str, tuple[int, int]] = {}
    for target, node in ((t, n) for n in nodes for t in targets(module, n, modules)):
        if not target or target in placed:
            complete = False
            break
        placed[target] = (module.file.span(nodes[0])[0], module.file.span(node)[1])
    for relation, (target, (start, end)) in zip(IMPORTS, placed.items(), strict=False):
        reading.link(relation, target, start, end)
    if complete and len(placed) > 1:
        target, (start, end) = list(placed.items())[-1]
        reading.link(LAST_IMPORT, target, start, end)


def _read_function(reading: _Reading, relation: str, node: Function) -> None:
    reading.name(relation, node.name, *reading.file.head(node))
    if relation in WITH_PARAMETERS:
        _read_parameters(reading, relation, node)


def _read_parameters(reading: _Reading, function: str, node: Function) -> None:
    """The last parameter and its default, where all have names and there are two or more."""
    listed = _parameters(node)
    if len(listed) < 2:
        return
    reading.name(PARAMETER.format(function), listed[-1].arg, *reading.file.span(listed[-1]))
    defaults = node.args.kw_defaults if node.args.kwonlyargs else node.args.defaults
    if defaults and defaults[-1]:
        reading.value(DEFAULT.format(function), defaults[-1])


def _parameters(node: Function) -> list[ast.arg]:
    """In their order; none where there may be any number of them."""
    arguments = node.args
    if arguments.vararg or arguments.kwarg:
        return []
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _read_init(reading: _Reading, node: Function) -> None:
    """Its parameters, and what it first sets on the object."""
    _read_parameters(reading, INIT, node)
    if listed := _parameters(node):
        reading.count(PARAMETER_COUNT, len(listed), *reading.file.head(node))
    stored = [
        inner
        for inner in ast.walk(node)
        if isinstance(inner, ast.Attribute)
        and isinstance(inner.ctx, ast.Store)
        and isinstance(inner.value, ast.Name)
        and inner.value.id == "self"
    ]
    if stored:
        first = min(stored, key=lambda inner: (inner.lineno, inner.col_offset))
        start, end = reading.file.span(first)
        reading.name(ATTRIBUTE, first.attr, max(start, end - len(first.attr)), end)


def _read_assigned(reading: _Reading, relation: str, valued: str, target: ast.Name, value: ast.expr) -> None:
    reading.name(relation, target.id, *reading.file.span(target))
    reading.value(valued, value)


def _read_raised(
    reading: _Reading,
    body: Sequence[ast.stmt],
    module: Module,
    names: Mapping[str, str],
    modules: Mapping[str, Module],
) -> None:
    raised = [inner for node in body for inner in ast.walk(node) if isinstance(inner, ast.Raise)]
    if not raised:
        return
    first = min(raised, key=lambda node: (node.lineno, node.col_offset))
    made = first.exc.func if isinstance(first.exc, ast.Call) else first.exc
    if made and (found := resolved(made, module, names, modules)):
        reading.link(RAISED, found, *reading.file.span(first))
