"""One pass with the benchmark's own prompt, as published scores are made (protocols: documents between tags, the
question, how to end). No notes, no citations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from longread.models.base import Message, Sampling
from longread.models.tokens import longest_end
from longread.reading.language import LanguagePolicy
from longread.types import Corpus, Usage

INPUT_TOKENS = 131_072
OUTPUT_TOKENS = 50_000
"""The paper's limits, as far as the model's window allows."""
_FRAME = 64
"""Tokens left for the chat template."""


class Said(NamedTuple):
    """What came of it."""

    text: str
    usage: Usage
    cut: bool
    """Whether the middle of the prompt was left out."""


async def ask(
    policy: LanguagePolicy, corpus: Corpus, messages: Sequence[Message], question: str, ending: str
) -> Said:
    """The model's reply to the benchmark's prompt, too long a one cut in its middle. Raises ModelError."""
    window = policy.budgets.window
    output = min(OUTPUT_TOKENS, window // 2)
    limit = min(INPUT_TOKENS, window - output - _FRAME)
    if policy.model.ratio is not None:
        limit = limit * 4 // 5  # counts are estimates
    sent = list(messages) or [Message.of("user", prompt(corpus, question, ending))]
    fitted = truncated(sent, limit, policy.count)
    sampling = Sampling(output, policy.temperature, policy.top_p, policy.seed)
    reply = await policy.model.chat(tuple(fitted), sampling)
    return Said(reply.text, reply.usage, fitted != sent)


def prompt(corpus: Corpus, question: str, ending: str) -> str:
    """The documents between tags, then the question, then how to end."""
    documents = "\n\n".join(document.text for document in corpus)
    return "\n\n".join(filter(None, (f"<text>\n{documents}\n</text>", question, ending)))


def truncated(messages: Sequence[Message], limit: int, count: Callable[[str], int]) -> list[Message]:
    """Messages within `limit` tokens: the first and the last `limit // 2` of the whole prompt are kept."""
    if sum(count(message.text) for message in messages) <= limit:
        return list(messages)
    head = _take(messages, limit // 2, count, from_end=False)
    tail = _take(messages, limit // 2, count, from_end=True)
    if len(messages) == 1:
        return [Message.of(messages[0].role, head[0].text + tail[0].text)]
    return [*head, *tail]


def _take(
    messages: Sequence[Message], limit: int, count: Callable[[str], int], *, from_end: bool
) -> list[Message]:
    taken: list[Message] = []
    for message in reversed(messages) if from_end else messages:
        tokens = count(message.text)
        if tokens > limit:
            length = longest_end(message.text, limit, count, from_end=from_end)
            start = len(message.text) - length if from_end else 0
            taken.append(Message.of(message.role, message.text[start : start + length]))
            break
        taken.append(message)
        limit -= tokens
    return taken[::-1] if from_end else taken
