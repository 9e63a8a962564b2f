"""r3con (PyPI: r3context), the real code with its own prompts: notes of all documents, records, reasoning by code.

It is made for collections of documents; each chunk is one document here.
"""

from __future__ import annotations

import asyncio
import os

os.environ.setdefault(
    "LITELLM_LOCAL_MODEL_COST_MAP", "True"
)  # before the import, which fetches prices otherwise

from r3con import r3con

from benchmarks.reading.rivals.job import Ask, Told


async def answer(ask: Ask) -> Told:
    """Two rounds of notes, as it does by default."""
    os.environ["R3CON_DOC_WORKERS"] = str(ask.concurrency)
    result = await asyncio.to_thread(
        r3con.run,
        ask.question,
        ask.chunks,
        model="hosted_vllm/stub",
        api_base=ask.base_url,
        api_key=ask.key,
        params={"max_tokens": ask.note_tokens},
        save_artifacts=False,
    )
    return Told(str(result.answer))
