"""LangChain's refine chain, the real code with its own prompts: an answer that each chunk may rewrite."""

from __future__ import annotations

from benchmarks.reading.rivals.job import Ask, Told
from benchmarks.reading.rivals.langchain_common import run


async def answer(ask: Ask) -> Told:
    """Reads all chunks in order."""
    return Told(await run(ask, "refine"))
