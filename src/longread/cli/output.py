"""What a run shows: progress and remarks on stderr, the answer with its evidence on stdout."""

from __future__ import annotations

import json
import re
import sys
import textwrap
import time
from collections import Counter, defaultdict
from itertools import chain
from types import TracebackType
from typing import Any, Self

from longread.printable import escaped, printable
from longread.reading.events import Answering, AnswerText, ChunkRead, Event, Finished, Started, Understood
from longread.reading.notes import Refuse
from longread.reading.objects import as_object, duration, short, summary
from longread.reading.rehearsal import Estimate
from longread.types import Answer, Corpus

_ENTRIES = re.compile(r"(\d+) entr(?:y|ies) (.+)")
_NAMED = 5
"""Files named for each reason they were skipped for."""


def evidence(answer: Answer) -> str:
    """The citations as footnotes."""
    lines = []
    for number, citation in enumerate(answer.citations, 1):
        quote = textwrap.shorten(printable(citation.text), 400, placeholder=" …")
        lines.append(f"[{number}] {printable(citation.place)}\n" + textwrap.indent(quote, "    "))
    return "\n".join(lines)


class Display:
    """Shows a run's events. Progress appears on a terminal only; remarks and the answer always."""

    def __init__(self, *, as_json: bool, listed: bool = False) -> None:
        """`listed`: answers are printed together at the end, each under its question, in JSON as a list."""
        self._json = as_json
        self._listed = listed
        self._stream = not as_json and not listed and sys.stdout.isatty()
        self._progress: Any = None
        self._bar: Any = None
        self._corpus: Corpus | None = None
        self._tokens = 0
        self._seen = 0
        self._dropped = 0
        self._refused: Counter[str] = Counter()
        """By the reason."""
        self._since = time.monotonic()
        self._printed = False
        self.answers: tuple[Answer, ...] = ()

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
        entries: Counter[str] = Counter()
        for source, reason in corpus.skipped:
            if counted := _ENTRIES.fullmatch(reason):  # those of folders and archives are added up
                reason = counted[2]
                entries[reason] += int(counted[1])
            reasons[reason].append(source)
        for reason, sources in reasons.items():
            if count := entries[reason]:
                reason = f"{count:,} {'entry' if count == 1 else 'entries'} {reason}"
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
            case Understood():
                self.say(f"understood as: {event.text}")
            case Finished(answers):
                self.stop()
                self._finish(answers)

    def stop(self) -> None:
        """Takes the progress bar away."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _start(self, event: Started) -> None:
        self._tokens = event.tokens
        if event.follows:
            self.say(
                f"first from the notes of run {event.follows}; the text is read again if they do not suffice"
            )
        again = "; goes on where an earlier run stopped" if event.resumed else ""
        documents = "document" if event.documents == 1 else "documents"
        self.say(
            f"reading {event.documents:,} {documents}, {short(event.tokens)} tokens, "
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
        if event.strategy in ("sequential", "speculative", "rounds"):
            self._progress.start()

    def _advance(self, event: ChunkRead) -> None:
        self._seen += event.tokens
        self._dropped += sum(len(change.dropped) for change in event.changes)
        operations = chain.from_iterable(change.operations for change in event.changes)
        self._refused.update(f"refused: {one.why}" for one in operations if isinstance(one, Refuse))
        if self._progress is not None:
            speed = self._seen / max(time.monotonic() - self._since, 1e-3)
            held = sum(len(notes.entries) for notes in event.notes)
            self._progress.update(self._bar, completed=event.read, speed=short(round(speed)), notes=held)

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

    def _finish(self, answers: tuple[Answer, ...]) -> None:
        self.answers = answers
        first = answers[0]
        if first.stored:
            self.say(f"this is the stored answer of run {first.run_id}; --fresh reads again")
        if self._json:
            objects = [as_object(answer, self._corpus) for answer in answers]
            print_json(objects if self._listed else objects[0])
        else:
            for number, answer in enumerate(answers, 1):
                if self._listed:
                    print(f"{'' if number == 1 else chr(10)}{number}. {printable(answer.question)}")
                self._print(answer)
        sys.stdout.flush()
        self.say(summary(first, self._tokens))
        dropped = {"of little weight dropped to stay within notes_tokens": self._dropped}
        for why, count in (self._refused | dropped).items():
            if count:
                notes = "note" if count == 1 else "notes"
                self.say(f"{count:,} {notes} {why}; see `longread runs show {first.run_id} --notes`")

    def _print(self, answer: Answer) -> None:
        if self._stream and self._printed and not answer.stored:
            print()
        else:
            print(printable(answer.text))
        if answer.citations:
            print(f"\n{evidence(answer)}")
        elif answer.chunks.skipped and not answer.chunks.read:
            self.say("nothing was read: no name in the question stands in the text; is it spelt as there?")
        elif answer.answered:
            self.say("no passage could be matched to this answer: check it before you rely on it")


def print_json(value: object) -> None:
    """JSON on one line, in ASCII where the output cannot hold more; what would command a terminal is escaped."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(escaped(json.dumps(value, ensure_ascii=not unicode)))


def forecast(estimate: Estimate) -> str:
    """What a run would take, for people."""
    plan = estimate.plan
    documents = "document" if plan.documents == 1 else "documents"
    chunks = "chunk" if plan.chunks == 1 else "chunks"
    time_ = "unknown until the model was used once"
    if estimate.seconds is not None:
        time_ = duration(estimate.seconds)
    elif not estimate.calls:
        time_ = "unknown; no model is asked"
    cost = "unknown: set `price`" if estimate.cost is None else f"{estimate.cost:.4g}"
    return (
        f"would read {plan.documents:,} {documents}, {short(plan.tokens)} tokens in {plan.chunks:,} {chunks}, "
        f"strategy {plan.strategy} ({plan.reason})\n"
        f"calls          {estimate.calls:,}\n"
        f"input tokens   {short(estimate.input_tokens)}\n"
        f"output tokens  {short(estimate.output_tokens)}\n"
        f"time           {time_}\n"
        f"cost           {cost}"
    )
