"""The modules of Python files: their names, what a name in one stands for, and where a node stands in the text."""

from __future__ import annotations

import ast
import re
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from longread.types import Document

_PACKAGE = "__init__"
Function = ast.FunctionDef | ast.AsyncFunctionDef
Import = ast.Import | ast.ImportFrom
_LINE_END = re.compile(r"\r\n|\r|\n")
"""As the parser counts lines; `str.splitlines` would end them at form feeds too."""


@dataclass(frozen=True)
class File:
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

    def head(self, node: Function | ast.ClassDef) -> tuple[int, int]:
        """What stands before the body of a definition; all of it where they share a line."""
        start, end = self.span(node)
        first = node.body[0]
        line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))])
        return (start, self.starts[line - 1] - 1) if line > node.lineno else (start, end)


@dataclass(frozen=True)
class Module:
    """A file under its name."""

    file: File
    name: str
    bound: frozenset[str]
    """Names that statements at the top level bind."""
    classes: Mapping[str, ast.ClassDef]
    """Those at the top level whose name is bound once."""


def file_of(document: Document) -> File | None:
    """A document as Python; None when it is not, or does not parse."""
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
    return File(document, tree, tuple(parts[:-1] if package else parts), package)


def modules_of(files: Sequence[File]) -> dict[str, Module]:
    """By name, which begins at the folder from which most imports lead to files; names that two have are left out."""
    paths = {file.path for file in files}
    leading: Counter[tuple[str, ...]] = Counter()
    for file in files:
        absolute = {name for node in file.tree.body for name in _absolute(node)}
        for depth in range(len(file.path)):
            folder = file.path[:depth]
            leading[folder] += sum((*folder, *name.split(".")) in paths for name in absolute)
    named: list[tuple[str, File]] = []
    for file in files:
        depth = max(range(len(file.path)), key=lambda d: leading[file.path[:d]], default=0)
        named.append((".".join(part for part in file.path[depth:] if part.isidentifier()), file))
    taken = Counter(name for name, _ in named)
    return {name: _module(name, file) for name, file in named if name and taken[name] == 1}


def _module(name: str, file: File) -> Module:
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
    return Module(file, name, frozenset(bound), classes)


def _absolute(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def _origin(module: Module, node: ast.ImportFrom) -> str:
    """The module after `from`, in full; empty where it is above all that is known."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.file.package else module.name.split(".")[:-1]
    above = package[: len(package) - node.level + 1] if node.level <= len(package) else []
    return ".".join([*above, node.module] if above and node.module else above)


def imported(module: Module) -> dict[str, str]:
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


def targets(module: Module, node: Import, modules: Mapping[str, Module]) -> list[str]:
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


def resolved(
    node: ast.expr, module: Module, names: Mapping[str, str], modules: Mapping[str, Module]
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
