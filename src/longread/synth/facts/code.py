"""Pages of Python code, through `ast`: a module or class is an entity, and each fact has its place in the file.

Nothing is run or imported. A relation is told only where a reader of the file would find the same: names are resolved
where the imports of a file say what they mean, and what comes first or third is counted until something is unclear.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import TypeVar

from longread.synth.base import Page
from longread.synth.facts.base import Fact
from longread.synth.links import Link
from longread.synth.values import Quantity, plain, quantity
from longread.types import Document

# Each relation is worded so that "the ... X" names what it gives for an entity X.
IMPORTS = (
    "first module imported by",
    "second module imported by",
    "third module imported by",
    "fourth module imported by",
    "fifth module imported by",
)
LAST_IMPORT = "last module imported at the top level of"
CLASSES = (
    "first top-level class of",
    "second top-level class of",
    "third top-level class of",
)
LAST_CLASS = "last top-level class of"
BASE = "base class of"
BASES = ("first base class of", "second base class of")
HOME = "module that defines the base class of"
METACLASS = "metaclass of"
RAISED = "exception class of the first raise statement in"
LINKS = frozenset(
    (*IMPORTS, LAST_IMPORT, *CLASSES, LAST_CLASS, BASE, *BASES, HOME, METACLASS, RAISED),
)
"""Relations that give a module or class."""

FUNCTIONS = (
    "first top-level function of",
    "second top-level function of",
    "third top-level function of",
)
LAST_FUNCTION = "last top-level function of"
METHODS = (
    "first method other than __init__ in",
    "second method other than __init__ in",
    "third method other than __init__ in",
)
LAST_METHOD = "last method in"
INIT = "__init__ method of"
_PARAMETER = "last parameter of the {}"
_DEFAULT = "default value of the last parameter of the {}"
_WITH_PARAMETERS = (FUNCTIONS[0], LAST_FUNCTION, METHODS[0], LAST_METHOD, INIT)
ATTRIBUTE = "first attribute that is set on self in the __init__ method of"
CLASS_ATTRIBUTE = "first name assigned in the class body of"
CLASS_VALUE = "value of the first name assigned in the class body of"
CONSTANT = "first all-capitals name assigned at the top level of"
CONSTANT_VALUE = "value of the first all-capitals name assigned at the top level of"
EXPORTS = ("first name listed in __all__ of", "last name listed in __all__ of")
TEXTS = frozenset(
    (
        *FUNCTIONS,
        LAST_FUNCTION,
        *METHODS,
        LAST_METHOD,
        *(_PARAMETER.format(function) for function in _WITH_PARAMETERS),
        *(_DEFAULT.format(function) for function in _WITH_PARAMETERS),
        ATTRIBUTE,
        CLASS_ATTRIBUTE,
        CLASS_VALUE,
        CONSTANT,
        CONSTANT_VALUE,
        *EXPORTS,
    )
)
"""Relations that give a name or a short value as it is written."""

FUNCTION_COUNT = "number of top-level functions of"
CLASS_COUNT = "number of top-level classes of"
METHOD_COUNT = "number of methods of"
PARAMETER_COUNT = "number of parameters, self included, of the __init__ method of"
COUNTS = frozenset((FUNCTION_COUNT, CLASS_COUNT, METHOD_COUNT, PARAMETER_COUNT))
RELATIONS = LINKS | TEXTS | COUNTS

_PACKAGE = "__init__"
_LONGEST = 8_000
"""Characters over which something is counted; a longer stretch is no evidence anyone can check."""
_SHORT = 40
"""Characters of a value."""
_LINE_END = re.compile(r"\r\n|\r|\n")
"""As the parser counts lines; `str.splitlines` would end them at form feeds too."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_FUNCTION: tuple[type[_Function], ...] = (ast.FunctionDef, ast.AsyncFunctionDef)
_Import = ast.Import | ast.ImportFrom
_IMPORT: tuple[type[_Import], ...] = (ast.Import, ast.ImportFrom)
_NODE = TypeVar("_NODE", bound=ast.stmt)


@dataclass(frozen=True)
class _File:
    """A file that was parsed; offsets are of characters in its text."""

    document: Document
    tree: ast.Module
    path: tuple[str, ...]
    """Folders and name, without the ending; that of its folder for `__init__.py`."""
    package: bool

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Offset of each line."""
        return (0, *(end.end() for end in _LINE_END.finditer(self.document.text)))

    def offset(self, line: int, column: int) -> int:
        """`ast` counts columns in bytes of UTF-8."""
        start = self.starts[line - 1]
        text = self.document.text[start : start + column]
        if text.isascii():
            return start + column
        return start + len(text.encode()[:column].decode(errors="ignore"))

    def span(self, node: ast.stmt | ast.expr | ast.arg) -> tuple[int, int]:
        """Where a node stands, without its decorators."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self.offset(node.lineno, node.col_offset), self.offset(end_line, end_column)

    def head(self, node: _Function | ast.ClassDef) -> tuple[int, int]:
        """What stands before the body of a definition; all of it where they share a line."""
        start, end = self.span(node)
        first = node.body[0]
        line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))])
        return (start, self.starts[line - 1] - 1) if line > node.lineno else (start, end)


@dataclass(frozen=True)
class _Module:
    file: _File
    name: str
    bound: frozenset[str]
    """Names that statements at the top level bind."""
    classes: Mapping[str, ast.ClassDef]
    """Those at the top level whose name is bound once."""


@dataclass(frozen=True)
class _Reading:
    """What is read of one entity."""

    file: _File
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
    modules = _modules([file for document in documents if (file := _file(document))])
    for module in modules.values():
        names = _imported(module)
        yield _module_page(module, names, modules)
        for name, node in module.classes.items():
            yield _class_page(module, name, node, names, modules)


def _file(document: Document) -> _File | None:
    if document.kind != "code" or not document.source.endswith(".py") or not document.lined:
        return None
    try:
        with warnings.catch_warnings():  # of invalid escapes and the like, which are not ours to mend
            warnings.simplefilter("ignore")
            tree = ast.parse(document.text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    parts = document.source.replace("\\", "/").removesuffix(".py").strip("/").split("/")
    package = parts[-1] == _PACKAGE
    return _File(document, tree, tuple(parts[:-1] if package else parts), package)


def _modules(files: Sequence[_File]) -> dict[str, _Module]:
    """By name, which begins at the folder from which most imports lead to files; names that two have are left out."""
    paths = {file.path for file in files}
    leading: Counter[tuple[str, ...]] = Counter()
    for file in files:
        absolute = {name for node in file.tree.body for name in _absolute(node)}
        for depth in range(len(file.path)):
            folder = file.path[:depth]
            leading[folder] += sum((*folder, *name.split(".")) in paths for name in absolute)
    named: list[tuple[str, _File]] = []
    for file in files:
        depth = max(range(len(file.path)), key=lambda d: leading[file.path[:d]], default=0)
        named.append((".".join(part for part in file.path[depth:] if part.isidentifier()), file))
    taken = Counter(name for name, _ in named)
    return {name: _module(name, file) for name, file in named if name and taken[name] == 1}


def _module(name: str, file: _File) -> _Module:
    bound: Counter[str] = Counter()
    for node in file.tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                bound[node.name] += 1
            case ast.Import() | ast.ImportFrom():
                bound.update(alias.asname or alias.name for alias in node.names)
            case ast.Assign():
                bound.update(target.id for target in node.targets if isinstance(target, ast.Name))
    classes = {n.name: n for n in file.tree.body if isinstance(n, ast.ClassDef) and bound[n.name] == 1}
    return _Module(file, name, frozenset(bound), classes)


def _absolute(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _origin(module: _Module, node: ast.ImportFrom) -> str:
    """The module after `from`, in full; empty where it is above all that is known."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.file.package else module.name.split(".")[:-1]
    above = package[: len(package) - node.level + 1] if node.level <= len(package) else []
    return ".".join([*above, node.module] if above and node.module else above)


def _imported(module: _Module) -> dict[str, str]:
    """Names at the top of a file -> what they stand for, in full; those that have two meanings are left out."""
    meanings: dict[str, set[str]] = {}
    for node in module.file.tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                meanings.setdefault(alias.asname or alias.name, set()).add(alias.name)
        elif isinstance(node, ast.ImportFrom) and (origin := _origin(module, node)):
            for alias in node.names:
                meanings.setdefault(alias.asname or alias.name, set()).add(f"{origin}.{alias.name}")
    return {name: found.pop() for name, found in meanings.items() if len(found) == 1}


def _targets(module: _Module, node: _Import, modules: Mapping[str, _Module]) -> list[str]:
    """The modules that a statement imports; an empty name for each that is unclear."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    origin = _origin(module, node)
    inner = [f"{origin}.{alias.name}" for alias in node.names]
    if node.level and not node.module:
        return [name if origin and name in modules else "" for name in inner]
    package = modules.get(origin)
    for alias, name in zip(node.names, inner, strict=True):  # is it the package or a module in it?
        if name in modules or (package and package.file.package and alias.name not in package.bound):
            return [""]
    return [origin]


def _module_page(module: _Module, names: Mapping[str, str], modules: Mapping[str, _Module]) -> Page:
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
    module: _Module, name: str, node: ast.ClassDef, names: Mapping[str, str], modules: Mapping[str, _Module]
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
        if found := _resolved(base, module, names, modules):
            reading.link(relation, found, start, end)
            home = found.rpartition(".")[0]
            if relation == BASE and home != module.name:
                reading.link(HOME, home, start, end)
    for keyword in node.keywords:
        if keyword.arg == "metaclass" and (found := _resolved(keyword.value, module, names, modules)):
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


def _read_imports(reading: _Reading, module: _Module, modules: Mapping[str, _Module]) -> None:
    nodes, complete = _direct(module.file.tree.body, *_IMPORT)
    placed: dict[str, tuple[int, int]] = {}
    for target, node in ((t, n) for n in nodes for t in _targets(module, n, modules)):
        if not target or target in placed:
            complete = False
            break
        placed[target] = (module.file.span(nodes[0])[0], module.file.span(node)[1])
    for relation, (target, (start, end)) in zip(IMPORTS, placed.items(), strict=False):
        reading.link(relation, target, start, end)
    if complete and len(placed) > 1:
        target, (start, end) = list(placed.items())[-1]
        reading.link(LAST_IMPORT, target, start, end)


def _read_function(reading: _Reading, relation: str, node: _Function) -> None:
    reading.name(relation, node.name, *reading.file.head(node))
    if relation in _WITH_PARAMETERS:
        _read_parameters(reading, relation, node)


def _read_parameters(reading: _Reading, function: str, node: _Function) -> None:
    """The last parameter and its default, where all have names and there are two or more."""
    listed = _parameters(node)
    if len(listed) < 2:
        return
    reading.name(_PARAMETER.format(function), listed[-1].arg, *reading.file.span(listed[-1]))
    defaults = node.args.kw_defaults if node.args.kwonlyargs else node.args.defaults
    if defaults and defaults[-1]:
        reading.value(_DEFAULT.format(function), defaults[-1])


def _parameters(node: _Function) -> list[ast.arg]:
    """In their order; none where there may be any number of them."""
    arguments = node.args
    if arguments.vararg or arguments.kwarg:
        return []
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _read_init(reading: _Reading, node: _Function) -> None:
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
    module: _Module,
    names: Mapping[str, str],
    modules: Mapping[str, _Module],
) -> None:
    raised = [inner for node in body for inner in ast.walk(node) if isinstance(inner, ast.Raise)]
    if not raised:
        return
    first = min(raised, key=lambda node: (node.lineno, node.col_offset))
    made = first.exc.func if isinstance(first.exc, ast.Call) else first.exc
    if made and (found := _resolved(made, module, names, modules)):
        reading.link(RAISED, found, *reading.file.span(first))


def _resolved(
    node: ast.expr, module: _Module, names: Mapping[str, str], modules: Mapping[str, _Module]
) -> str | None:
    """The full name of a class; None where the file does not say or it is not among the documents."""
    if not isinstance(node, ast.Name | ast.Attribute):
        return None
    written = ast.unparse(node)
    if written in module.classes:
        return f"{module.name}.{written}"
    owner, _, name = written.rpartition(".")
    full = f"{names.get(owner, '')}.{name}" if owner else names.get(name, "")
    home, _, name = full.rpartition(".")
    return full if home in modules and name in modules[home].classes else None
