"""LlamaIndex's tree summariser, the real code with its own prompts: summaries of summaries until one is left."""

from __future__ import annotations

import httpx
from llama_index.core import PromptHelper
from llama_index.core.response_synthesizers import TreeSummarize
from llama_index.llms.openai_like import OpenAILike

from benchmarks.reading.rivals.job import CHARACTERS, Ask, Told


async def answer(ask: Ask) -> Told:
    """Its `repack` cuts the text into prompts of the common chunk size. Calls at once are limited by connections."""
    http = httpx.AsyncClient(
        limits=httpx.Limits(max_connections=ask.concurrency), timeout=600, trust_env=False
    )
    model = OpenAILike(
        model="stub", api_base=ask.base_url, api_key=ask.key, is_chat_model=True,
        context_window=ask.window, max_tokens=ask.note_tokens, temperature=0.7, timeout=600, async_http_client=http,
    )  # fmt: skip
    helper = PromptHelper(
        context_window=ask.window,
        num_output=ask.note_tokens,
        chunk_size_limit=ask.chunk_tokens,
        tokenizer=lambda text: list(text[::CHARACTERS]),
    )
    tree = TreeSummarize(llm=model, prompt_helper=helper, use_async=True)
    told = str(await tree.aget_response(ask.question, ask.chunks))
    await http.aclose()
    return Told(told)
