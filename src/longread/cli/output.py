"""What a run shows: progress and remarks on stderr, the answer with its evidence on stdout."""

from __future__ import annotations

import json
import sys
import textwrap
import time
from collections import defaultdict
from types import TracebackType
from typing import Any, Self

from longread.cli.terminal import printable
from longread.reading.events import Answering, AnswerText, ChunkRead, Event, Finished, Started
from longread.types import Answer, Citation, Corpus, Usage

SCHEMA_VERSION = 1
_NAMED = 5
"""Files named for each reason they were skipped for."""


def place(citation: Citation) -> str:
    """`file:line`, `file, page 3`, `file, sheet Budget`, or the file alone."""
    line = f":{citation.line}" if citation.line is not None else ""
    page = f", page {citation.page}" if citation.page is not None else ""
    part = f", {citation.part}" if citation.part else ""
    return f"{citation.source}{line}{page}{part}"


def as_object(answer: Answer, corpus: Corpus | None) -> dict[str, Any]:
    """The JSON object of `--json`; docs/json.md describes it."""
    return {
        "schema_version": SCHEMA_VERSION,
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
        },
        "stopped": answer.stopped,
        "seconds": round(answer.seconds, 3),
        "run_id": answer.run_id,
        "stored": answer.stored,
        "skipped": [s._asdict() for s in corpus.skipped] if corpus else [],
        "warnings": [f"{d.source}: {w}" for d in corpus for w in d.warnings] if corpus else [],
    }


def summary(answer: Answer, tokens: int | None = None) -> str:
    """How much was read, in one line."""
    chunks = answer.chunks
    unit = "chunk" if chunks.total == 1 else "chunks"
    of = f" ({_short(tokens)} tokens)" if tokens else ""
    parts = [f"read {chunks.read:,} of {chunks.total:,} {unit}{of} in {_duration(answer.seconds)}"]
    if answer.usage.calls:
        parts.append(_usage(answer.usage))
    if answer.stopped:
        parts.append(answer.stopped)
    if answer.run_id:
        parts.append(f"run {answer.run_id}")
    return "; ".join(parts)


def evidence(answer: Answer) -> str:
    """The citations as footnotes."""
    lines = []
    for number, citation in enumerate(answer.citations, 1):
        quote = textwrap.shorten(printable(citation.text), 400, placeholder=" …")
        lines.append(f"[{number}] {printable(place(citation))}\n" + textwrap.indent(quote, "    "))
    return "\n".join(lines)


class Display:
    """Shows a run's events. Progress appears on a terminal only; remarks and the answer always."""

    def __init__(self, *, as_json: bool) -> None:
        self._json = as_json
        self._stream = not as_json and sys.stdout.isatty()
        self._progress: Any = None
        self._bar: Any = None
        self._corpus: Corpus | None = None
        self._tokens = 0
        self._seen = 0
        self._dropped = 0
        self._since = time.monotonic()
        self._printed = False
        self.answer: Answer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def say(self, text: str) -> None:
        """A remark on stderr."""
        print(printable(text), file=sys.stderr, flush=True)

    def loaded(self, corpus: Corpus) -> None:
        """Lists what will not be read, and why."""
        self._corpus = corpus
        reasons: defaultdict[str, list[str]] = defaultdict(list)
        for skipped in corpus.skipped:
            reasons[skipped.reason].append(skipped.source)
        for reason, sources in reasons.items():
            more = f" and {len(sources) - _NAMED:,} more (all with --json)" if len(sources) > _NAMED else ""
            self.say(f"skipped, {reason}: {', '.join(sources[:_NAMED])}{more}")
        for document in corpus:
            for warning in document.warnings:
                self.say(f"{document.source}: {warning}")

    def show(self, event: Event) -> None:
        """Shows one event."""
        match event:
            case Started():
                self._start(event)
            case ChunkRead():
                self._advance(event)
            case Answering():
                self.stop()
            case AnswerText():
                self._say_answer(event)
            case Finished(answer):
                self.stop()
                self._finish(answer)

    def stop(self) -> None:
        """Takes the progress bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, event: Started) -> None:
        self._tokens = event.tokens
        again = "; goes on where an earlier run stopped" if event.resumed else ""
        documents = "document" if event.documents == 1 else "documents"
        self.say(
            f"reading {event.documents:,} {documents}, {_short(event.tokens)} tokens, "
            f"strategy {event.strategy} ({event.reason}){again}"
        )
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("chunk {task.completed} of {task.total}"),
            BarColumn(),
            TextColumn("{task.fields[speed]} tokens/s"),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[notes]} notes"),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar = self._progress.add_task("", total=event.chunks, speed="-", notes=0)
        if event.strategy == "sequential":
            self._progress.start()

    def _advance(self, event: ChunkRead) -> None:
        self._seen += event.tokens
        self._dropped += len(event.dropped)
        if self._progress is not None:
            speed = self._seen / max(time.monotonic() - self._since, 1e-3)
            self._progress.update(
                self._bar, completed=event.read, speed=_short(round(speed)), notes=len(event.notes.entries)
            )

    def _say_answer(self, event: AnswerText) -> None:
        if not self._stream:
            return
        if event.restart and self._printed:
            self._printed = False
            print()
            self.say("the reply broke off; here it is anew:")
        if event.text:
            self._printed = True
            print(printable(event.text), end="", flush=True)

    def _finish(self, answer: Answer) -> None:
        self.answer = answer
        if answer.stored:
            self.say(f"this is the stored answer of run {answer.run_id}; --fresh reads again")
        if self._json:
            unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            print(json.dumps(as_object(answer, self._corpus), ensure_ascii=not unicode))
        else:
            if self._stream and self._printed and not answer.stored:
                print()
            else:
                print(printable(answer.text))
            if answer.citations:
                print(f"\n{evidence(answer)}")
            elif answer.answered:
                self.say("no passage could be matched to this answer: check it before you rely on it")
        sys.stdout.flush()
        self.say(summary(answer, self._tokens))
        if self._dropped:
            self.say(
                f"{self._dropped:,} notes of little weight were dropped to stay within notes_tokens; "
                f"`longread runs show {answer.run_id} --notes` names them"
            )


def _usage(usage: Usage) -> str:
    def known(tokens: int | None) -> str:
        return "?" if tokens is None else _short(tokens)

    cost = "" if not usage.cost else f", cost {usage.cost:.4f}"
    return f"{usage.calls:,} calls, {known(usage.input_tokens)} in, {known(usage.output_tokens)} out{cost}"


def _short(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.0f}K" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min"
