"""code: what a name stands for, across the files of a Python package.

Three kinds: a constant that modules hand on under other names, a method that a class inherits over two levels, a
default parameter that a caller in another file leaves alone. Ten chains with the same names run side by side in
modules and classes of their own, so only by following imports and bases is the value found.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from longread.types import Corpus, Document, Evidence, document_id
from longread.worlds.forms import Form
from longread.worlds.names import turns
from longread.worlds.tasks.base import RANKS, Brief, Puzzle, Task, Unsolvable, ending, one
from longread.worlds.tasks.modules import Definitions, class_names, module_names, padding

_PACKAGE = "harbour"
_LARGEST = 24 * 1024
"""Bytes of a module of long books, about."""
_STEPS = 3
"""Modules that a chain goes through."""
ASKS = {
    "constant": Form("Which value does the name {x} have in the file {x2}?"),
    "method": Form("Which number does the method {x} return for an instance of the class {x2}?"),
    "default": Form(
        "Which number does the function {x} in the file {x2} return when it is called without arguments?"
    ),
}
NAMES = {
    "constant": ("BASE_RATE", "TOLL_RATE", "SPRING_RATE"),
    "method": ("annual_fee", "monthly_fee", "entry_fee"),
    "default": ("toll_for", "spring_toll", "toll_of_season"),
}


class _Planted(NamedTuple):
    module: str
    imports: str
    """Line at the head of the module; empty for none."""
    body: str
    """A whole definition."""


class _Chain(NamedTuple):
    planted: tuple[_Planted, ...]
    """From where the question starts to where the value stands."""
    value: str
    asked: tuple[str, str]


def _make(brief: Brief) -> Puzzle:
    rng = brief.rng("book")
    kind = tuple(ASKS)[brief.index % len(ASKS)]
    build: Callable[[random.Random, list[str], list[str]], _Chain] = {
        "constant": _constant, "method": _method, "default": _default,
    }[kind]  # fmt: skip
    names = module_names(rng, max(RANKS * _STEPS, brief.size // _LARGEST))
    values = [str(n) for n in rng.sample(range(100, 1_000), RANKS)]
    classes = class_names(rng, RANKS * _STEPS)
    chains = []
    for at, value in enumerate(values):
        made = [value, *classes[at::RANKS]]
        chains.append(build(rng, names[at : RANKS * _STEPS : RANKS], made))
    return _puzzle(brief, rng, kind, chains, names)


def _puzzle(
    brief: Brief, rng: random.Random, kind: str, chains: list[_Chain], names: Sequence[str]
) -> Puzzle:
    order = list(names)
    rng.shuffle(order)
    place = {name: at for at, name in enumerate(order)}
    chains.sort(key=lambda chain: place[chain.planted[-1].module])  # by where the values stand
    rank = turns(RANKS, brief.seed, "rank", brief.index // RANKS)[brief.index % RANKS]
    gold = chains[rank]
    documents, evidence = _package(brief, rng, order, chains, gold)
    return Puzzle(
        ASKS[kind].fill(x=gold.asked[0], x2=gold.asked[1]),
        gold.value,
        ending("value" if kind == "constant" else "number"),
        1 / RANKS,
        tuple(chain.value for chain in chains),
        " -> ".join(f"{step.module}: {step.body.strip().splitlines()[0]}" for step in gold.planted),
        documents,
        evidence,
    )


def _constant(rng: random.Random, modules: list[str], made: list[str]) -> _Chain:
    first, second, third = NAMES["constant"]
    used = f"def {modules[0]}_due(days):\n    return days * {third}\n"
    return _Chain(
        (
            _Planted(modules[0], f"from {_PACKAGE}.{modules[1]} import {second} as {third}", used),
            _Planted(modules[1], f"from {_PACKAGE}.{modules[2]} import {first}", f"{second} = {first}\n"),
            _Planted(modules[2], "", f"{first} = {made[0]}\n"),
        ),
        made[0],
        (third, _path(modules[0])),
    )


def _method(rng: random.Random, modules: list[str], made: list[str]) -> _Chain:
    value, top, middle, low = made
    fee = NAMES["method"][0]
    notice, grace = rng.randrange(100, 1_000), rng.randrange(100, 1_000)
    return _Chain(
        (
            _Planted(
                modules[0],
                f"from {_PACKAGE}.{modules[1]} import {middle}",
                f"class {low}({middle}):\n    def notice(self):\n        return {notice}\n",
            ),
            _Planted(
                modules[1],
                f"from {_PACKAGE}.{modules[2]} import {top}",
                f"class {middle}({top}):\n    def grace(self):\n        return {grace}\n",
            ),
            _Planted(modules[2], "", f"class {top}:\n    def {fee}(self):\n        return {value}\n"),
        ),
        value,
        (fee, low),
    )


def _default(rng: random.Random, modules: list[str], made: list[str]) -> _Chain:
    base, middle, season = NAMES["default"]
    return _Chain(
        (
            _Planted(
                modules[0],
                f"from {_PACKAGE}.{modules[1]} import {middle}",
                f"def {season}():\n    return {middle}()\n",
            ),
            _Planted(
                modules[1],
                f"from {_PACKAGE}.{modules[2]} import {base}",
                f"def {middle}():\n    return {base}()\n",
            ),
            _Planted(modules[2], "", f"def {base}(rate={made[0]}):\n    return rate\n"),
        ),
        made[0],
        (season, _path(modules[0])),
    )


def _path(module: str) -> str:
    return f"{_PACKAGE}/{module}.py"


def _package(
    brief: Brief, rng: random.Random, order: Sequence[str], chains: Sequence[_Chain], gold: _Chain
) -> tuple[tuple[Document, ...], tuple[Evidence, ...]]:
    by_module: dict[str, list[_Planted]] = {name: [] for name in order}
    for chain in chains:
        for planted in chain.planted:
            by_module[planted.module].append(planted)
    documents: list[Document] = []
    evidence: list[Evidence] = []
    made = Definitions.of(rng, brief.size)
    left = brief.size
    for number, name in enumerate(order):
        share = left // (len(order) - number)
        text, marks = _module(rng, name, by_module[name], share, gold, made)
        left -= len(text)
        document = Document(document_id(_path(name), text), _path(name), text, "code")
        documents.append(document)
        evidence += [Evidence(document.id, start, end) for start, end in marks]
    return tuple(documents), tuple(evidence)


def _module(
    rng: random.Random, name: str, planted: Sequence[_Planted], size: int, gold: _Chain, made: Definitions
) -> tuple[str, list[tuple[int, int]]]:
    """A module's text and what of it is evidence."""
    head = [f'"""Of the {name.replace("_", " and the ")}."""\n\n']
    head += [f"{step.imports}\n" for step in planted if step.imports]
    marked = [f"{step.imports}\n" for step in planted if step.imports and step in gold.planted]
    head.append("\n\n")
    fixed = sum(map(len, head)) + sum(len(step.body) + 2 for step in planted)
    more = made.draw(rng, size - fixed)
    bodies: list[tuple[float, str, bool]] = [(at + 0.5, text, False) for at, text in enumerate(more)]
    # Constants come first, as they do in modules; other definitions anywhere.
    bodies += [
        (rng.uniform(0, len(more)) if "\n    " in step.body else -1.0, step.body, step in gold.planted)
        for step in planted
    ]
    bodies.sort(key=lambda body: body[0])
    pieces = [*head]
    flags = [part in marked for part in head]
    for _, text, flag in bodies:
        pieces += [text, "\n\n"]
        flags += [flag, False]
    pieces[-1] = padding(rng, size - sum(map(len, pieces)))
    ends = list(accumulate(map(len, pieces)))
    marks = [
        (end - len(piece), end - 1) for piece, end, flag in zip(pieces, ends, flags, strict=True) if flag
    ]
    return "".join(pieces), marks


class _Files:
    """Modules of a package, parsed when they are asked for."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._parsed: dict[str, ast.Module] = {}

    def tree(self, path: str) -> ast.Module:
        if path not in self._parsed:
            self._parsed[path] = ast.parse(self._sources[path])
        return self._parsed[path]

    def find(self, path: str, name: str) -> tuple[str, ast.stmt]:
        """Where a name is defined, through imports, and its definition."""
        for statement in reversed(self.tree(path).body):
            if isinstance(statement, ast.ImportFrom) and statement.module:
                for alias in statement.names:
                    if (alias.asname or alias.name) == name:
                        return self.find(statement.module.replace(".", "/") + ".py", alias.name)
            elif isinstance(statement, ast.Assign):
                if any(isinstance(target, ast.Name) and target.id == name for target in statement.targets):
                    return path, statement
            elif isinstance(statement, (ast.ClassDef, ast.FunctionDef)) and statement.name == name:
                return path, statement
        raise Unsolvable(f"{name} is not defined in {path}")

    def class_path(self, name: str) -> str:
        """The file that defines a class."""
        return one([path for path, text in self._sources.items() if f"class {name}(" in text], name)

    def value(self, path: str, name: str) -> int:
        """A constant's number."""
        where, statement = self.find(path, name)
        if isinstance(statement, ast.Assign):
            if isinstance(statement.value, ast.Constant):
                return int(str(statement.value.value))
            if isinstance(statement.value, ast.Name):
                return self.value(where, statement.value.id)
        raise Unsolvable(f"{name} is no constant")

    def method(self, path: str, class_name: str, name: str) -> int:
        """What a method returns, inherited or not."""
        where, statement = self.find(path, class_name)
        if not isinstance(statement, ast.ClassDef):
            raise Unsolvable(f"{class_name} is no class")
        for part in statement.body:
            if isinstance(part, ast.FunctionDef) and part.name == name:
                return _number(_returned(part))
        for base in statement.bases:
            if isinstance(base, ast.Name):
                return self.method(where, base.id, name)
        raise Unsolvable(f"{class_name} has no {name}")

    def call(self, path: str, name: str) -> int:
        """What a function returns when called without arguments."""
        where, function = self.find(path, name)
        if not isinstance(function, ast.FunctionDef):
            raise Unsolvable(f"{name} is no function")
        returned = _returned(function)
        if isinstance(returned, ast.Call) and isinstance(returned.func, ast.Name):
            return self.call(where, returned.func.id)
        return _number(function.args.defaults[0])


def _returned(function: ast.FunctionDef) -> ast.expr:
    statement = function.body[-1]
    if isinstance(statement, ast.Return) and statement.value:
        return statement.value
    raise Unsolvable(f"{function.name} returns nothing")


def _number(expression: ast.expr) -> int:
    if isinstance(expression, ast.Constant):
        return int(str(expression.value))
    raise Unsolvable("not a number")


def _derive(question: str, sources: Mapping[str, str]) -> str:
    files = _Files(sources)
    for kind, form in ASKS.items():
        if asked := form.read(question):
            name, where = asked["x"], asked["x2"]
            if kind == "constant":
                return str(files.value(where, name))
            if kind == "method":
                return str(files.method(files.class_path(where), where, name))
            return str(files.call(where, name))
    raise Unsolvable(f"not a question of this task: {question}")


def _solve(question: str, evidence: Sequence[str]) -> str:
    """Evidence comes as `path: statements`, one text a file."""
    sources: dict[str, str] = {}
    for text in evidence:
        path, _, statement = text.partition("\n")
        sources[path] = f"{sources.get(path, '')}{statement}\n"
    return _derive(question, sources)


def _prove(question: str, corpus: Corpus) -> str:
    return _derive(question, {document.source: document.text for document in corpus})


CODE = Task("reading", _make, _solve, _prove)
