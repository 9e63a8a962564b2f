"""Longbook, our own benchmark: exact match on a short final answer.

A right answer cannot hide among wrong ones: whatever is longer than 32 nominal tokens scores 0, several lines are
several parts, and every part of the gold must be there and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from longread.grading import text
from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded
from longread.grading.size import tokens

LONGEST = 32
"""Nominal tokens that an answer may have."""
ABSENT = "not in the documents"
"""The gold of a question that the documents do not answer."""

_ABSENT_FORMS = frozenset(
    {
        ABSENT,
        "not in the document",
        "not in documents",
        "it is not in the documents",
        "this is not in the documents",
        "the answer is not in the documents",
        "the information is not in the documents",
        "not found in the documents",
        "not stated in the documents",
        "not mentioned in the documents",
        "not answered in the documents",
        "the documents do not say",
        "the documents do not say so",
        "the documents do not answer this",
        "the documents do not answer this question",  # longread.reading's NOT_ANSWERED
        "the documents do not answer the question",
        "the documents do not contain the answer",
        "the documents do not contain this information",
    }
)
_CITATION = re.compile(r"\[n?[0-9]+(?:[,;] ?n?[0-9]+)*\]")
_PHRASE = re.compile("the answer is", re.IGNORECASE)
_BULLET = re.compile(r"(?:[-–—•]|[0-9]{1,2}[.)])\s+")
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9]|,[0-9])")
_SEPARATOR = re.compile(r"[;,]|(?<!\S)and(?!\S)")
_AROUND = " \t\n\"'`“”‘’‚„«»‹›()[]{}<>,;:!?¿¡…·_"
_BEFORE = re.compile(rf"(?:[{re.escape(_AROUND)}]|[.\-–—](?!\.?[0-9]))+")
"""A dot or dash before a digit is part of the number."""


def final(response: str) -> str:
    """The answer of a response: what follows the phrase to its line's end, else all of it; lines joined by `; `."""
    given = after_thinking(response).replace("*", "")
    # An answer that is nothing but brackets around a number looks like a citation and is kept.
    return _final(_CITATION.sub("", given)) or _final(given)


def equal(answer: str, gold: str) -> bool:
    """Whether the answer is the gold, up to its writing; parts of a gold with several may come in any order."""
    said, wanted = _canonical(answer), _canonical(gold)
    if not wanted:
        return answer.strip() == gold.strip()
    if wanted == ABSENT:
        return said in _ABSENT_FORMS
    return said == wanted or (";" in wanted and _parts(said) == _parts(wanted))


def grade(response: str, gold: Gold) -> Graded:
    """`strict` is the same; `contains`: whether all parts of a gold stand in the response as whole tokens."""
    answer = final(response)
    short = tokens(answer) <= LONGEST
    score = float(short and any(equal(answer, one) for one in gold.answers))
    contains = max((_contained(response, one) for one in gold.answers), default=0.0)
    return Graded(score, score, answer or None, contains)


def _final(given: str) -> str:
    phrases = list(_PHRASE.finditer(given))
    if phrases:
        # After "The answer is:" the answer may stand on the next line.
        after = given[phrases[-1].end() :].lstrip(" \t\r\n:")
        return after.split("\n", 1)[0].strip()
    lines = [line.strip() for line in given.split("\n") if line.strip()]
    return "; ".join(map(_without_bullet, lines)) if len(lines) > 1 else "".join(lines)


def _without_bullet(line: str) -> str:
    bullet = _BULLET.match(line)
    return line[bullet.end() :] if bullet else line


def _canonical(writing: str) -> str:
    """Casefolded, in NFKC, without thousands separators, spaces squeezed, bare of punctuation around."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", writing).casefold())
    folded = folded.replace("−", "-")
    plain = _THOUSANDS.sub(lambda number: number[0].replace(",", ""), folded)
    return _bare(" ".join(plain.split()))


def _bare(part: str) -> str:
    start = _BEFORE.match(part)
    return part[start.end() if start else 0 :].rstrip(_AROUND + ".-–—")


def _parts(canonical: str) -> Counter[str]:
    return Counter(filter(None, map(_bare, _SEPARATOR.split(canonical))))


def _contained(response: str, gold: str) -> float:
    plain = _CITATION.sub(" ", after_thinking(response))  # else `[1]` would hold the gold 1
    if _canonical(gold) == ABSENT:
        return text.strict(plain, sorted(_ABSENT_FORMS))
    parts = [part.strip() for part in gold.split(";") if part.strip()]
    return float(bool(parts) and all(text.strict(plain, (part,)) for part in parts))
