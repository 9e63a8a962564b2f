"""MemAgent's published loop (arXiv 2507.02259), made anew: a memory rewritten for each chunk, then an answer.

Prompts follow the paper's. Nothing is retried but by the client, and an empty reply is an empty memory, as published.
"""

from __future__ import annotations

from benchmarks.reading.rivals.job import Ask, Told
from benchmarks.reading.rivals.openai_chat import Chat

_UPDATE = """You are presented with a problem, a section of an article that may contain the answer to the problem, \
and a previous memory. Please read the provided section carefully and update the memory with the new information \
that helps to answer the problem. Be sure to retain all relevant details from the previous memory while adding any \
new, useful information.

<problem>
{question}
</problem>

<memory>
{memory}
</memory>

<section>
{chunk}
</section>

Updated memory:
"""
_ANSWER = """You are presented with a problem and a previous memory. Please answer the problem based on the previous \
memory and put the answer in \\boxed{{}}.

<problem>
{question}
</problem>

<memory>
{memory}
</memory>

Your answer:
"""


async def answer(ask: Ask) -> Told:
    """Reads all chunks in order."""
    chat, memory = Chat(ask), "No previous memory"
    for chunk in ask.chunks:
        memory = await chat.say(_UPDATE.format(question=ask.question, memory=memory, chunk=chunk))
    told = await chat.say(_ANSWER.format(question=ask.question, memory=memory))
    await chat.close()
    return Told(told)
