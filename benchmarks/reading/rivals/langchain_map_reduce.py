"""LangChain's map-reduce chain, the real code with its own prompts: extracts of all chunks, then combined."""

from __future__ import annotations

from benchmarks.reading.rivals.job import Ask, Told
from benchmarks.reading.rivals.langchain_common import run


async def answer(ask: Ask) -> Told:
    """Extracts are combined within the same room as a chunk has."""
    return Told(await run(ask, "map_reduce", token_max=ask.chunk_tokens))
