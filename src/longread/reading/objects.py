"""Answers, plans and what was used as JSON objects and lines; docs/json.md describes the objects."""

from __future__ import annotations

from typing import Any

from longread.reading.rehearsal import Estimate
from longread.types import Answer, Corpus, Usage

SCHEMA_VERSION = 1


def as_object(answer: Answer, corpus: Corpus | None) -> dict[str, Any]:
    """The JSON object of `--json`; docs/json.md describes it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "question": answer.question,
        "answer": answer.text,
        "answered": answer.answered,
        "citations": [c._asdict() for c in answer.citations],
        "strategy": answer.strategy,
        "model": answer.model,
        "usage": {
            "calls": answer.usage.calls,
            "input_tokens": answer.usage.input_tokens,
            "cached_tokens": answer.usage.cached_tokens,
            "output_tokens": answer.usage.output_tokens,
            "cost": answer.usage.cost,
        },
        "chunks": {
            "total": answer.chunks.total,
            "read": answer.chunks.read,
            "noted": answer.chunks.noted,
            "reread": answer.chunks.reread,
            "skipped": answer.chunks.skipped,
        },
        "stopped": answer.stopped,
        "seconds": round(answer.seconds, 3),
        "run_id": answer.run_id,
        "stored": answer.stored,
        **_left_out(corpus),
    }


def _left_out(corpus: Corpus | None) -> dict[str, Any]:
    return {
        "skipped": [s._asdict() for s in corpus.skipped] if corpus else [],
        "warnings": [f"{d.source}: {w}" for d in corpus for w in d.warnings] if corpus else [],
    }


def summary(answer: Answer, tokens: int | None = None) -> str:
    """How much was read, in one line."""
    chunks = answer.chunks
    unit = "chunk" if chunks.total == 1 else "chunks"
    of = f" ({short(tokens)} tokens)" if tokens else ""
    parts = [f"read {chunks.read:,} of {chunks.total:,} {unit}{of} in {duration(answer.seconds)}"]
    if chunks.skipped:
        parts.append(passed(chunks.skipped))
    if chunks.reread:
        parts.append(f"{chunks.reread:,} read again")
    if answer.usage.calls:
        parts.append(_usage(answer.usage))
    if answer.stopped:
        parts.append(answer.stopped)
    if answer.run_id:
        parts.append(f"run {answer.run_id}")
    return "; ".join(parts)


def passed(chunks: int) -> str:
    """Why so many chunks were not read."""
    return f"{chunks:,} skipped, without a name or word that is asked for"


def as_plan(estimate: Estimate, model: str, corpus: Corpus) -> dict[str, Any]:
    """The JSON object of `--dry-run --json`; docs/json.md describes it."""
    return {
        "schema_version": SCHEMA_VERSION,
        "dry_run": True,
        "model": model,
        **estimate.plan._asdict(),
        **{name: value for name, value in estimate._asdict().items() if name != "plan"},
        **_left_out(corpus),
    }


def _usage(usage: Usage) -> str:
    def known(tokens: int | None) -> str:
        return "?" if tokens is None else short(tokens)

    cost = "" if not usage.cost else f", cost {usage.cost:.4f}"
    calls = "call" if usage.calls == 1 else "calls"
    return f"{usage.calls:,} {calls}, {known(usage.input_tokens)} in, {known(usage.output_tokens)} out{cost}"


def short(number: int) -> str:
    """A number as people like it: 12K, 3.4M."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.0f}K" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def duration(seconds: float) -> str:
    """Seconds or minutes."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"
