"""Passages that may be evidence: a quotable unit, where it stands, and what it can be linked by."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from longread.reading.extractive.query import Cover, Query
from longread.reading.section import Piece
from longread.reading.sentences import quotes
from longread.reading.statements import DEFINITION
from longread.reading.terms import CJK, STOP, TOKEN, token_terms
from longread.types import Span

_AROUND = 500
"""Characters before and after a hit that are read with it, so that units at its edges are whole."""
_ABOVE = 8_000
"""Characters above a unit that are searched for what encloses it."""
_MOST_RUNS = 24
_TYPICAL = 120
"""Characters of a unit of ordinary length; longer ones count for less."""

_KEY = re.compile(r'\s*"[^"]*"\s*:\s*[\[{]\s*$')
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\s*(?::[^=\n]+)?=(?!=)")
_HEADING = re.compile(r"^#{1,6}\s+(.+)$", re.MULTILINE)
_CJK_RUN = re.compile(r"[\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff]+|[\u30a0-\u30ff]+|[\uac00-\ud7af]+")
_PRONOUN = re.compile(
    r"(?:he|she|it|they|his|her|its|their|this|these|the (?:latter|former))\b", re.IGNORECASE
)

STRUCTURED = ("code", "json", "table")
"""Kinds whose units are about what their file is about; a sentence need not be."""
ENCLOSED = ("markdown", *STRUCTURED)
"""Kinds whose units have something that encloses them: a heading, a definition, a key."""
NOTHING = Cover(0, 0, 0)

_REMEMBERED = 4_096
"""Passages whose parts are remembered."""
Run = frozenset[str]
"""The terms of one name: a capitalised phrase, an identifier, a run of ideographs."""


@dataclass(frozen=True)
class Unit:
    """A passage as the question sees it."""

    span: Span
    text: str
    context: str
    """What encloses it: headings, definitions, keys."""
    cover: Cover
    """Question terms it has."""
    asked: tuple[str, ...]
    """The question's terms."""

    @cached_property
    def defined(self) -> str:
        """The name it defines, in code."""
        if header := DEFINITION.search(self.text):
            name = TOKEN.match(self.text, header.end() - 1)
            return name.group() if name else ""
        assigned = _ASSIGNMENT.match(self.text)
        return assigned.group(1) if assigned else ""

    @cached_property
    def runs(self) -> tuple[Run, ...]:
        """Names in it that the question does not have; most passages are weighed without them."""
        return _runs(self.asked, f"{self.context} : {self.text}")


def read(query: Query, text: str, context: str, span: Span, about: Cover) -> Unit:
    """The unit `text` under `query`; `about` is what its document lends it."""
    own = query.mask(text)
    cover = query.complete(about.join(Cover(own, query.mask(context), 0)))
    return Unit(span, text, context, cover, query.terms)


def value(query: Query, unit: Unit) -> float:
    """How relevant a unit is by itself."""
    support = query.support(unit.cover)
    if unit.cover.own:
        support += 0.3 * query.worth(query.mask(unit.defined))
    return support / (0.85 + 0.15 * max(1.0, len(unit.text) / _TYPICAL))


def units(
    query: Query, piece: Piece, hits: Iterable[tuple[int, int]], about: Mapping[str, Cover]
) -> Iterator[Unit]:
    """The units of `piece` that overlap `hits` (offsets in its text, in order)."""
    text, doc, base = piece.text, piece.span.doc, piece.span.start
    lent = about.get(doc, NOTHING)
    for start, end, inside in _regions(text, hits):
        found = [(start + a, start + b) for a, b in quotes(text[start:end], piece.kind)]
        for before, (a, b) in zip([None, *found], found, strict=False):
            last = bisect_left(inside, (b,)) - 1
            if last < 0 or inside[last][1] <= a:
                continue
            if before and piece.kind not in STRUCTURED and _PRONOUN.match(text, a):
                a = before[0]  # a pronoun's sentence is no evidence without the one that names its subject
            context = _context(text, a, piece)
            yield read(query, text[a:b], context, Span(doc, base + a, base + b), lent)


def _regions(text: str, hits: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Stretches around hits, each with the hits inside it; they begin and end at line ends where they can."""
    open_: tuple[int, int, list[tuple[int, int]]] | None = None
    for a, b in hits:
        line = text.find("\n", max(0, a - _AROUND), a) + 1 if a > _AROUND else 0
        start = line or max(0, a - _AROUND)
        line = text.rfind("\n", b, b + _AROUND) + 1 if b + _AROUND < len(text) else len(text)
        end = line or b + _AROUND
        if open_ and start < open_[1]:
            open_[2].append((a, b))
            open_ = (open_[0], max(end, open_[1]), open_[2])
            continue
        if open_:
            yield open_
        open_ = (start, end, [(a, b)])
    if open_:
        yield open_


def _context(text: str, at: int, piece: Piece) -> str:
    """The headings, definitions or keys that enclose what stands at `at`, outermost first."""
    if piece.kind == "markdown":
        return _heading(text, max(0, at - _ABOVE), at)
    if piece.kind == "table":
        return piece.header.strip()[:300] if piece.span.start > 0 else ""
    if piece.kind not in ("code", "json"):
        return ""
    lines = text[max(0, at - _ABOVE) : at].split("\n")
    opens = _KEY if piece.kind == "json" else DEFINITION
    indent = len(lines.pop()) if not lines[-1].strip() else 0
    found: list[str] = []
    for line in reversed(lines):
        if indent == 0:
            break
        depth = len(line) - len(line.lstrip())
        if line.strip() and depth < indent:
            indent = depth
            if opens.match(line):
                found.append(_name(line))
    return " › ".join(name for name in reversed(found) if name)


def _heading(text: str, start: int, end: int) -> str:
    """The last heading that begins in `text[start:end]`, looked for from the end."""
    at = end
    while (at := text.rfind("#", start, at)) >= 0:
        at = text.rfind("\n", start, at) + 1 or at
        if heading := _HEADING.match(text, at, end):
            return heading.group(1).strip()[:120]
    return ""


def _name(line: str) -> str:
    """What a definition or key is called: `class Popen`, `Capital`."""
    return re.split(r"[({:\[=<]", line, maxsplit=1)[0].strip().strip('"')[:80]


@lru_cache(maxsize=_REMEMBERED)
def _runs(asked: tuple[str, ...], text: str) -> tuple[Run, ...]:
    found: list[Run] = []
    run: set[str] = set()
    last = -2
    for match in TOKEN.finditer(text):
        token = match.group()
        if not token.isascii() and CJK.search(token):
            for ideographs in _CJK_RUN.finditer(token):
                # What follows a name may be glued to it, so that its beginning counts as a name too.
                bigrams = token_terms(ideographs.group())
                found += [frozenset(bigrams), frozenset(bigrams[:1])]
            continue
        named = (
            token[0].isupper()
            or (not token.islower() and not token.isdigit())
            or "_" in token
            or "." in token
        )
        if not named or token.lower() in STOP or len(token) < 2:
            continue
        if last + 1 == match.start() and text[last] in " -":
            run.add(_named(token))
        else:
            found.append(frozenset(run))
            run = {_named(token)}
        last = match.end()
    found.append(frozenset(run))
    return tuple(dict.fromkeys(r for run in found if (r := run.difference(asked))))[:_MOST_RUNS]


def _named(token: str) -> str:
    """What a name is found by elsewhere: for `module.Name`, that is `Name`."""
    terms = token_terms(token.rpartition(".")[2])
    return terms[0] if terms else token.lower()
