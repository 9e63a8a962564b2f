"""Longread itself, through its public interface; `options` name the strategy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.reading.rivals.job import Ask, Told
from longread import Answer, Corpus, Document, Journal, Reader
from longread.config import Settings


async def answer(ask: Ask) -> Told:
    """One question in a run of its own."""
    return (await answer_all(ask, []))[0]


async def answer_all(ask: Ask, more: list[str]) -> list[Told]:
    """Several questions in one read."""
    answers = await _read(ask, [ask.question, *more])
    return [Told(one.text, tuple(citation.text for citation in one.citations)) for one in answers]


async def _read(ask: Ask, questions: list[str]) -> list[Answer]:
    corpus = Corpus((Document("text", "text.txt", "\n\n".join(ask.paragraphs)),))
    concurrency: dict[str, Any] = {}
    if "concurrency" in Settings.model_fields:
        concurrency["concurrency"] = ask.concurrency
    journal = Journal(Path(ask.state))
    reader = Reader(
        "stub",
        base_url=ask.base_url,
        api_key=ask.key,
        journal=journal,
        window=ask.window,
        chunk_tokens=ask.chunk_tokens,
        notes_tokens=ask.note_tokens,
        answer_tokens=ask.note_tokens,
        thinking_tokens=0,
        **concurrency,
        **ask.options,
    )
    try:
        return list(await reader.aask(questions, corpus))
    finally:
        await reader.close()
        journal.close()
