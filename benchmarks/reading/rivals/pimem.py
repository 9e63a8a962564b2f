"""Parallel read, select, merge in rounds, after what is published of PI-Mem (arXiv 2608.03048), made anew.

All chunks are read at once, the useful extracts are selected, and merged into one memory; further rounds read all
chunks again in the light of that memory, until it answers the question or does not change. The merge is not bounded,
as published: a selection too large for the window fails.
"""

from __future__ import annotations

import re

from benchmarks.reading.rivals.job import Ask, Told
from benchmarks.reading.rivals.openai_chat import Chat

_ROUNDS = 3
_NOTHING = "Nothing relevant"
_READ = """Extract from the chunk whatever helps to answer the question, given the memory. Say "Nothing relevant." \
if nothing does.

<question>
{question}
</question>

<memory>
{memory}
</memory>

<chunk>
{chunk}
</chunk>
"""
_SELECT = """Select the numbers of the extracts that bear on the question. Reply with KEEP and the numbers.

<question>
{question}
</question>

{extracts}
"""
_MERGE = """Merge the extracts into the memory, keeping all that bears on the question. End with STATUS: COMPLETE if \
the memory answers the question, else STATUS: CONTINUE.

<question>
{question}
</question>

<memory>
{memory}
</memory>

{extracts}
"""
_ANSWER = """Answer the question from the merged memory.

<question>
{question}
</question>

<memory>
{memory}
</memory>
"""


async def answer(ask: Ask) -> Told:
    """Reads in at most three rounds."""
    chat, memory, chunks = Chat(ask), "", ask.chunks
    for _ in range(_ROUNDS):
        replies = await chat.all(
            _READ.format(question=ask.question, memory=memory or "(empty)", chunk=chunk) for chunk in chunks
        )
        extracts = [reply for reply in replies if reply and not reply.startswith(_NOTHING)]
        if not extracts:
            break
        kept = await chat.say(_SELECT.format(question=ask.question, extracts=_numbered(extracts)))
        chosen = [extracts[int(n) - 1] for n in re.findall(r"\d+", kept) if 0 < int(n) <= len(extracts)]
        merged = await chat.say(
            _MERGE.format(question=ask.question, memory=memory or "(empty)", extracts=_numbered(chosen))
        )
        before, memory = memory, merged.rpartition("STATUS:")[0].strip() or merged
        if "STATUS: COMPLETE" in merged or memory == before:
            break
    told = await chat.say(_ANSWER.format(question=ask.question, memory=memory))
    await chat.close()
    return Told(told)


def _numbered(extracts: list[str]) -> str:
    return "\n".join(f"[{number}] {extract}" for number, extract in enumerate(extracts, 1))
