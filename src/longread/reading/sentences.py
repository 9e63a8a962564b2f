"""Text to the units that can be quoted: sentences, statements, rows, records, with exact offsets.

Units lie in order, never overlap and hold at least a letter or digit; what belongs to none is
white space and punctuation. Any text is taken, also one cut out of the middle of a document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from nupunkt import sent_spans

from longread.reading.records import records
from longread.reading.statements import statements
from longread.reading.terms import CJK

LONGEST = 400
"""Characters after which a unit is cut at the next best place."""

_CJK_END = re.compile(r"[。！？；｡]+[”’」』）】》\"')]*|[!?]+(?=[\u3040-\u9fff])")
_BULLET = re.compile(r"\s*(?:[-*+•·▪◦–—]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])\s+\S|\s*(?:#{1,6}\s|\||>)")
_ENDS = re.compile(r"[.!?。！？:：；;…|][\"'”’」』)\]]*\s*$")
_CLAUSE = re.compile(r"[;:—、，；：]\s*|,\s+|\s[–-]\s|[)\]}>]\s+")
_PORTION = 4_000
_SHORT_LINE = 45
"""A line shorter than this that is followed by a capital was not wrapped: it ends its sentence."""


def quotes(text: str, kind: str) -> list[tuple[int, int]]:
    """Offsets of the quotable units of `text`, a document or part of one, whose kind is `Document.kind`."""
    match kind:
        case "code":
            found = statements(text, prose)
        case "json":
            found = records(text, LONGEST, prose)
        case "table":
            found = _rows(text)
        case _:
            found = prose(text, 0, len(text))
    return [piece for start, end in found for piece in _pieces(text, start, end)]


def prose(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Sentences of `text[start:end]`: blank lines, list items, headings and table rows always end one."""
    for a, b in _portions(text, start, end):
        paragraph = text[a:b]
        for c, d in _sentences(paragraph):
            if not CJK.search(paragraph, c, d):
                yield a + c, a + d
                continue
            at = c
            for stop in _CJK_END.finditer(paragraph, c, d):
                yield a + at, a + stop.end()
                at = stop.end()
            yield a + at, a + d


@lru_cache(maxsize=4_096)
def _sentences(paragraph: str) -> tuple[tuple[int, int], ...]:
    """Whoever reads a passage again, for another hop or question, finds its sentences known."""
    return tuple(sent_spans(paragraph))


def _portions(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Paragraphs, endless ones in parts, because the splitter's time may grow faster than its text."""
    for a, b in _paragraphs(text, start, end):
        while b - a > _PORTION:
            stop = text.rfind(". ", a + _PORTION // 2, a + _PORTION) + 1
            stop = stop or text.rfind(" ", a + _PORTION // 2, a + _PORTION) + 1 or a + _PORTION
            yield a, stop
            a = stop
        yield a, b


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Runs of lines that one sentence may span."""
    first = at = start
    line = ""
    while at < end:
        stop = text.find("\n", at, end) + 1 or end
        after = text[at : min(stop, at + 200)]
        if at > first and (not after.strip() or _parts(line, after)):
            yield first, at
            first = at
        line = text[max(at, stop - 200) : stop]
        at = stop
    if first < end:
        yield first, end


def _parts(line: str, following: str) -> bool:
    """Whether a sentence cannot go on from one line to the next."""
    if not line.strip() or _BULLET.match(following):
        return True
    head = line.lstrip()[:1]
    if head in "#|" or _ENDS.search(line):
        return True
    begins = following.lstrip()[:1]
    return len(line.strip()) < _SHORT_LINE and not begins.islower() and not CJK.match(begins)


def _rows(text: str) -> Iterator[tuple[int, int]]:
    """Lines, those with an open quoted cell joined with what follows."""
    at = 0
    while at < len(text):
        stop = text.find("\n", at) + 1 or len(text)
        if text.count('"', at, stop) % 2:
            closing = re.compile(r'"[^"\n]*\n').search(text, stop, stop + 5 * LONGEST)
            if closing and text.count('"', at, closing.end()) % 2 == 0:
                stop = closing.end()
        yield at, stop
        at = stop


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """A unit without its outer white space, cut when too long."""
    while end > start and text[end - 1].isspace():
        end -= 1
    while True:
        while start < end and text[start].isspace():
            start += 1
        if end - start <= LONGEST:
            if any(char.isalnum() for char in text[start:end]):
                yield start, end
            return
        cut = _cut(text, start + LONGEST // 2, start + LONGEST)
        last = cut
        while last > start and text[last - 1].isspace():
            last -= 1
        if any(char.isalnum() for char in text[start:last]):
            yield start, last
        start = cut


def _cut(text: str, least: int, most: int) -> int:
    """The last clause boundary between two offsets, else the last space, else the later offset."""
    line = text.rfind("\n", least, most)
    if line > 0:
        return line + 1
    clauses = [match.end() for match in _CLAUSE.finditer(text, least, most)]
    if clauses:
        return clauses[-1]
    space = text.rfind(" ", least, most)
    return space + 1 if space > 0 else most
