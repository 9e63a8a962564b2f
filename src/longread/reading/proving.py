"""Which notes of a reply are taken, where prompts want proof: their quotes stand in the text and name what is asked.

Both are looked up, not asked of the model: a small one takes `The mayor of Perth` for `the mayor of Riga` whenever it
meets it, and in a long text it meets it often. What it points to and copies badly is set right instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from rapidfuzz import fuzz, process

from longread.reading.notes import Add, Notes, Operation, Refuse, Replace
from longread.reading.prompts import Prompts
from longread.reading.replies import Parsed
from longread.reading.section import Section
from longread.reading.terms import STOP

_WORD = re.compile(r"[^\W_]+")
_WITHIN = (" ", "-")
"""What stands between the words of a name."""
_END = re.compile(r"[.?!:]\s|\n")
"""Behind it a capital says nothing: a sentence begins."""
_ALIKE = 70.0
"""How much of a line a quote has that is a bad copy of it, of 100."""


def proved(parsed: Parsed, section: Section, question: str, notes: Notes, prompts: Prompts) -> Parsed:
    """What a reply says, with refusals in place of the notes that `prompts` do not want.

    A plan follows from the notes it comes with, and falls when one of them is refused or set right.

    Args:
        parsed: The reply.
        section: What was read.
        question: What is asked.
        notes: What was noted before, and the plan.
        prompts: The prompt set, which says what is wanted.
    """
    if not prompts.exact:
        return parsed
    asked = names(f"{question}\n{notes.plan}") if prompts.named else set()
    named = bool(asked)
    if named:
        asked.update(*(told(entry.quote) for entry in notes.entries))
    judged: list[Operation] = []
    for one in parsed.operations:
        if isinstance(one, Add | Replace):
            taken = _taken(one, section, asked)
            if named and not isinstance(taken, Refuse):
                asked |= told(taken.quote)  # a line further down may lead on from this one
            judged.append(taken)
        else:
            judged.append(one)
    return parsed if tuple(judged) == parsed.operations else Parsed(tuple(judged))


def _taken(one: Add | Replace, section: Section, asked: Collection[str]) -> Add | Replace | Refuse:
    """A note as it is taken, with a quote that has one of the names in its lines, if there are any."""
    if section.holds(one.quote):
        span = section.align(one.quote)
        lines = section.only([span] if span else [])
        if not asked or any(_has(asked, piece.text) for piece in lines.pieces):
            return one
        return Refuse(one.claim, one.quote, "unnamed")
    all_lines = (line.strip() for piece in section.pieces for line in piece.text.splitlines())
    naming = [line for line in all_lines if _has(asked, line)]
    found = process.extractOne(one.quote, naming, scorer=fuzz.ratio, score_cutoff=_ALIKE)
    if found is None:
        return Refuse(one.claim, one.quote, "inexact")
    line = found[0]
    return one._replace(claim=line if one.claim == one.quote else "", quote=line)


def names(text: str) -> set[str]:
    """The names in a question, folded: words with capitals side by side, but for those that begin a sentence.

    There are none in a script without capitals, nor in a question that is written without.
    """
    return _names(text, lambda gap, _: not _END.search(gap))


def told(text: str) -> set[str]:
    """The names in a line of a document, which may begin with one."""
    return _names(text, lambda _, word: word.casefold() not in STOP)


def _names(text: str, counts: Callable[[str, str], bool]) -> set[str]:
    """Words with capitals, those side by side as one; `counts` sees what stands before a word, and the word."""
    found: list[str] = []
    end, joins = 0, False
    for match in _WORD.finditer(text):
        word, gap = match.group(), text[end : match.start()] if end else "\n"
        taken = word[0].isupper() and counts(gap, word)
        if taken and joins and gap in _WITHIN:
            found[-1] += f" {word}"
        elif taken:
            found.append(word)
        end, joins = match.end(), taken
    return {name.casefold() for name in found}


def _has(names: Collection[str], text: str) -> bool:
    """Whether one of the names stands in a text, whole."""
    words = f" {' '.join(_WORD.findall(text))} ".casefold()
    return any(f" {name} " in words for name in names)
