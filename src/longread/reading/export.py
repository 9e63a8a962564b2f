"""A run as a document: Markdown for people, JSON for programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from longread.printable import printable
from longread.reading.journal import Journal, RunRow
from longread.reading.objects import SCHEMA_VERSION, as_object, summary

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~!&@]|^[-+=]|(?<=\d)[.)](?=\s)|(?<=www)\.|:(?=//))", re.MULTILINE)


def as_record(journal: Journal, row: RunRow) -> dict[str, Any]:
    """All that the journal says of a run but the replies themselves; docs/json.md describes it."""
    documents = journal.documents(row.id)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": row.id,
        "follows": row.parent,
        "status": row.status,
        "error": row.error,
        "created": _when(row.created),
        "updated": _when(row.updated),
        "questions": list(row.questions),
        "model": row.model,
        "strategy": row.strategy,
        "seconds": round(row.seconds, 3),
        "chunks": {"total": row.total, "read": row.steps, "noted": row.noted, "skipped": row.skipped},
        "documents": list(documents.values()),
        "settings": {n: v for n, v in row.command.get("settings", {}).items() if n != "api_key"},
        "answers": [as_object(answer, None) for answer in row.answers],
        "notes": [
            {
                "question": step.question,
                "chunk": step.chunk if step.chunk >= 0 else None,
                "id": entry.id,
                "claim": entry.claim,
                "quote": entry.quote,
                "source": documents.get(entry.span.doc) if entry.span else None,
                "start": entry.span.start if entry.span else None,
                "end": entry.span.end if entry.span else None,
            }
            for step in journal.steps(row.id)
            for entry in step.added
        ],
    }


def as_markdown(journal: Journal, row: RunRow) -> str:
    """Questions, answers and evidence. What documents and models wrote is shown, never rendered."""
    lines = []
    for number, question in enumerate(row.questions):
        lines += [f"# {_plain(question)}", ""]
        if number >= len(row.answers):
            lines += [f"*Not answered: the run is {row.status}.*", ""]
            continue
        answer = row.answers[number]
        lines += [_plain(answer.text, lines=True), ""]
        for position, citation in enumerate(answer.citations, 1):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", citation.text)), default=0))
            lines += [f"{position}. {_plain(citation.place)}", "", fence + "text"]
            lines += [printable(citation.text), fence, ""]
    documents = list(journal.documents(row.id).values())
    lines += ["---", ""]
    lines += [f"- run {row.id}, {_when(row.created)}, model {_plain(row.model)}"]
    if row.parent:
        lines += [f"- follows run {row.parent}"]
    if row.answers:
        lines += [f"- {_plain(summary(row.answers[0]))}"]
    lines += [f"- {len(documents):,} {'document' if len(documents) == 1 else 'documents'}:"]
    lines += [f"  - {_plain(source)}" for source in documents]
    return "\n".join(lines)


def _plain(text: str, *, lines: bool = False) -> str:
    """Text without effect in Markdown, on one line unless its lines are kept."""
    shown = "\n".join(line.strip() for line in printable(text).splitlines())  # indented lines would be code
    escaped = _MARKUP.sub(r"\\\1", shown if lines else " ".join(shown.split()))
    return escaped.replace("\n", "  \n") if lines else escaped


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
