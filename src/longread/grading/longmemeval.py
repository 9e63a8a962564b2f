"""LongMemEval: a judge with a prompt per question type.

Source: `evaluate_qa.py` of the benchmark, whose prompts stand here in our own words with the same meaning. Quirks:
any "yes" in the reply counts, also inside another word; ids with `_abs` have no answer in the sessions and are right
when the response says so.
"""

from __future__ import annotations

from longread.errors import UsageError
from longread.grading.answer import after_thinking
from longread.grading.gold import Gold, Graded
from longread.grading.text import strict

_CONTAINS = (
    "You get a question, its correct answer and the response of a model. Say yes if the response contains the "
    "correct answer, is equivalent to it, or contains every intermediate step that leads to it. Say no otherwise, "
    "also if the response holds only part of the information that the answer requires."
)
_TEMPORAL = (
    " Do not count off-by-one errors in numbers of days, weeks, months and the like: a response of 19 days is "
    "correct where the answer is 18 days."
)
_UPDATE = (
    "You get a question, its correct answer and the response of a model. Say yes if the response contains the "
    "correct answer, and no otherwise. A response that gives outdated information beside the updated answer is "
    "correct as long as the updated answer is the one required."
)
_PREFERENCE = (
    "You get a question, a rubric that describes the personalised response a user would want, and the response of a "
    "model. Say yes if the response satisfies the user, and no otherwise. It need not cover every point of the "
    "rubric: it is correct as long as it recalls the user's personal information and uses it correctly."
)
_ABSTENTION = (
    "You get a question that cannot be answered, an explanation why, and the response of a model. Say yes if the "
    "response recognises that the question cannot be answered, for example by saying that the information is "
    "incomplete, or that something else is known but not what was asked. Say no otherwise."
)
_INSTRUCTIONS = {
    "single-session-user": _CONTAINS,
    "single-session-assistant": _CONTAINS,
    "single-session-preference": _PREFERENCE,
    "multi-session": _CONTAINS,
    "temporal-reasoning": _CONTAINS + _TEMPORAL,
    "knowledge-update": _UPDATE,
}

_PROMPT = """\
{instructions}

Question: {question}

{label}: {answer}

Model response: {response}

{ask} Reply with yes or no only."""


def question_types() -> list[str]:
    """The types of the benchmark."""
    return list(_INSTRUCTIONS)


def abstains(question_id: str) -> bool:
    """Whether the question of this id cannot be answered from the sessions."""
    return "_abs" in question_id


def judge_prompt(
    question_type: str, question: str, answer: str, response: str, abstention: bool = False
) -> str:
    """What to ask the judge, at temperature 0.

    `answer` is the rubric of a preference question and the explanation of one that cannot be answered.
    """
    if question_type not in _INSTRUCTIONS:
        known = ", ".join(_INSTRUCTIONS)
        raise UsageError(f"unknown LongMemEval question type {question_type!r}: it is one of {known}")
    instructions, label, ask = (
        _INSTRUCTIONS[question_type],
        "Correct answer",
        "Is the model response correct?",
    )
    if abstention:
        instructions, label = _ABSTENTION, "Explanation"
        ask = "Does the response recognise that the question cannot be answered?"
    elif question_type == "single-session-preference":
        label = "Rubric"
    return _PROMPT.format(
        instructions=instructions, question=question, label=label, answer=answer, response=response, ask=ask
    )


def verdict(reply: str) -> bool:
    """Whether the judge, once it has thought, said yes."""
    return "yes" in after_thinking(reply).lower()


def grade(response: str, gold: Gold) -> Graded:
    """Whether the gold stands in the response as whole tokens: informative only, the judge gives the score."""
    answer = after_thinking(response).strip()
    score = strict(answer, gold.answers)
    return Graded(score, score, answer or None, score)
