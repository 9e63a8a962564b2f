"""The graders by name."""

from __future__ import annotations

from collections.abc import Callable

from longread.errors import UsageError
from longread.grading import bfcl, choice, longbook, longmemeval, mrcr, number, oolong, ruler, text
from longread.grading.answer import after_thinking, corpusqa_answer, final_answer
from longread.grading.gold import Gold, Graded
from longread.grading.size import tokens

Grader = Callable[[str, Gold], Graded]

HEDGE = 20
"""Nominal tokens by which a rewarded answer may be longer than its gold."""


def grade(name: str, response: str, gold: Gold) -> Graded:
    """What the grader of that name says about a response."""
    if name not in _GRADERS:
        raise UsageError(f"unknown grader {name!r}: it is one of {', '.join(_GRADERS)}")
    return _GRADERS[name](response, gold)


def graders() -> list[str]:
    """The names that `grade` takes."""
    return list(_GRADERS)


def _cem(response: str, gold: Gold) -> Graded:
    """Cover exact match; `strict` asks for whole tokens, which is what rewards use."""
    answer, contains = final_answer(response), _contained(response, gold)
    if answer is None:
        return Graded(0.0, 0.0, None, contains)
    return Graded(text.cem(answer, gold.answers), text.strict(answer, gold.answers), answer, contains)


def _exact(response: str, gold: Gold) -> Graded:
    """The answer is the gold after SQuAD's normalisation; `strict` is the same."""
    answer = final_answer(response)
    score = 0.0 if answer is None else text.exact(answer, gold.answers)
    return Graded(score, score, answer, _contained(response, gold))


def _corpusqa(response: str, gold: Gold) -> Graded:
    """Cover exact match on CorpusQA's own extraction, part of the paper's score; the official one is the judge."""
    answer = corpusqa_answer(response)
    return Graded(text.cem(answer, gold.answers), text.strict(answer, gold.answers), answer or None)


def _reward(response: str, gold: Gold) -> Graded:
    """The rule of training's rewards: strict on the extracted answer, 0 for one that hedges; `strict` is the same.

    An answer that is more than 20 tokens longer than the gold it holds could list every candidate.
    """
    answer, contains = final_answer(response), _contained(response, gold)
    if answer is None:
        return Graded(0.0, 0.0, None, contains)
    golds = [one for one in gold.answers if tokens(answer) <= tokens(one) + HEDGE]
    score = text.strict(answer, golds)
    return Graded(score, score, answer, contains)


def _contained(response: str, gold: Gold) -> float:
    return text.strict(after_thinking(response), gold.answers)


_GRADERS: dict[str, Grader] = {
    "cem": _cem,
    "choice": choice.grade,
    "docmath": number.grade,
    "mrcr": mrcr.grade,
    "corpusqa": _corpusqa,
    "longmemeval": longmemeval.grade,
    "ruler": ruler.grade,
    "ruler_any": ruler.grade_any,
    "oolong": oolong.grade,
    "bfcl": bfcl.grade,
    "exact": _exact,
    "longbook": longbook.grade,
    "reward": _reward,
}
