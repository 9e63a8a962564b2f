"""MemAgent's published loop (arXiv 2507.02259), made anew: a memory rewritten for each chunk, then an answer.

The parts of its prompts are the paper's, the words are ours. Nothing is retried but by the client, and an empty reply
is an empty memory, as published.
"""

from __future__ import annotations

from benchmarks.reading.rivals.job import Ask, Told
from benchmarks.reading.rivals.openai_chat import Chat

_UPDATE = """Below are a problem, your memory of an article so far, and its next section. Write the memory anew: \
keep what bears on the problem, and add what this section brings.

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
_ANSWER = """Solve the problem from your memory of an article that you have read, and put the answer in \\boxed{{}}.

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
