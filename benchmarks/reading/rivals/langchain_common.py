"""What both of LangChain's chains need."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from langchain_classic.chains.question_answering import load_qa_chain
from langchain_core.documents import Document
from langchain_openai import ChatOpenAI

from benchmarks.reading.rivals.job import CHARACTERS, Ask

warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)


async def run(ask: Ask, kind: str, **options: Any) -> str:
    """The answer of a question-answering chain of that kind."""
    model = ChatOpenAI(
        model="stub",
        base_url=ask.base_url,
        api_key=ask.key,
        max_tokens=ask.note_tokens,
        temperature=0.7,
        custom_get_token_ids=lambda text: [0] * (len(text) // CHARACTERS),  # else it fetches a tokenizer
    )
    chain = load_qa_chain(model, chain_type=kind, **options)
    documents = [Document(page_content=chunk) for chunk in ask.chunks]
    config = {"max_concurrency": ask.concurrency}
    told = await chain.ainvoke({"input_documents": documents, "question": ask.question}, config=config)
    return str(told["output_text"])
