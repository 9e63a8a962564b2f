"""What of a response is its answer.

The shared protocol is that of QwenLong-L1's evaluation code; CorpusQA has an ending of its own.
"""

from __future__ import annotations

import re

THINKING_ENDS = "</think>"
PHRASE = "the answer is"
STRIPPED = " \t\n\r\v\f\u00a0\u2003\u3000."
"""Spaces and dots."""

_CORPUSQA = re.compile(r"The answer is: (.*)")


def after_thinking(text: str) -> str:
    """What stands after the last `</think>`; the whole text when there is none."""
    return text.rpartition(THINKING_ENDS)[2]


def final_answer(response: str) -> str | None:
    """What stands after the last `the answer is`, without `*`, spaces and dots around it; None without the phrase.

    The case counts: `The answer is` at the start of a sentence is not the phrase, as the official code has it.
    """
    _, phrase, answer = after_thinking(response).replace("*", "").rpartition(PHRASE)
    return answer.strip(STRIPPED) if phrase else None


def corpusqa_answer(response: str) -> str:
    """CorpusQA's own rule: the rest of the line after the first `The answer is: `, else all of the response."""
    text = after_thinking(response)
    found = _CORPUSQA.search(text)
    return (found[1] if found else text).strip()
