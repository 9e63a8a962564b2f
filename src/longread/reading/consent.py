"""What the user must have agreed to, or set a cap for: much text for another machine that may cost money."""

from __future__ import annotations

from collections.abc import Sequence

from longread.reading.opening import Opened
from longread.reading.reader import Reader
from longread.types import Corpus

CONSENT = 200_000
"""Tokens beyond which another machine that may cost money is asked only after the user agreed."""


async def needs_consent(
    opened: Opened,
    reader: Reader,
    questions: Sequence[str],
    corpus: Corpus,
    *,
    follow: str | None,
    fresh: bool,
) -> str | None:
    """What would be sent where, in one line, if the user must agree to it first. Nothing is sent to find out."""
    if opened.host is None or opened.free:
        return None
    asked = tuple(questions)
    if not fresh and await reader.stored(asked, corpus, follow=follow):
        return None
    estimate = await reader.estimate(asked, corpus, follow=follow, measure=False)
    tokens = estimate.input_tokens + estimate.output_tokens
    if tokens <= CONSENT:
        return None
    cost = "its price is unknown" if estimate.cost is None else f"cost about {estimate.cost:.4g}"
    return f"about {tokens:,} tokens in {estimate.calls:,} calls would go to {opened.host}; {cost}"
