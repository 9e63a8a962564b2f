"""Retrieval, made anew on bm25s: the best passages that fit one window, then one call."""

from __future__ import annotations

import bm25s

from benchmarks.reading.rivals.job import CHARACTERS, Ask, Told
from benchmarks.reading.rivals.openai_chat import Chat

_FRAME = 200
"""Tokens of the prompt's own words and the question."""
_PROMPT = """Answer the question from the passages below.

QUESTION
{question}

PASSAGES
{passages}
"""


async def answer(ask: Ask) -> Told:
    """Retrieves paragraphs, and reads them in their order in the text."""
    index = bm25s.BM25()
    index.index(bm25s.tokenize(list(ask.paragraphs), show_progress=False), show_progress=False)
    tokens = bm25s.tokenize([ask.question], show_progress=False)
    found, _ = index.retrieve(tokens, k=min(200, len(ask.paragraphs)), show_progress=False)
    room, chosen = (ask.window - ask.note_tokens - _FRAME) * CHARACTERS, []
    for number in map(int, found[0]):
        room -= len(ask.paragraphs[number]) + 2
        if room < 0:
            break
        chosen.append(number)
    chat = Chat(ask)
    passages = "\n\n".join(ask.paragraphs[number] for number in sorted(chosen))
    told = await chat.say(_PROMPT.format(question=ask.question, passages=passages))
    await chat.close()
    return Told(told)
