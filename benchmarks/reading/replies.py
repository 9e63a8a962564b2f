"""The oracle's replies, each worded as one kind of prompt asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from benchmarks.reading.oracle import UNKNOWN_ANSWER, View, answer
from benchmarks.reading.protocol import REFERENCE
from benchmarks.reading.world import Fact, Item

_LABELLED = re.compile(r"\[?n(\d+)\]?[^\n]*?\(ref (F\d{5})\)")
_NUMBERED = re.compile(r"^\[(\d+)\](.*(?:\n(?!\[\d+\]).*)*)", re.MULTILINE)
_SCHEMA = """Thought: The task needs stated facts, each with its words.
<schema>
from pydantic import BaseModel, Field

class Fact(BaseModel):
    quote: str = Field(description="the sentence that states the fact, verbatim")

class Parse(BaseModel):
    facts: list[Fact]
</schema>"""


def reply(view: View) -> str:
    """What the oracle says to a prompt."""
    return _REPLIES[view.prompt.form.reply](view)


def _note_lines(view: View) -> str:
    return "\n".join(_notes(view, view.items[0])) or "NOTHING" if view.items else "NOTHING"


def _note_many(view: View) -> str:
    lines = (f"Q{n} {line}" for n, item in enumerate(view.items, 1) for line in _notes(view, item))
    return "\n".join(lines) or "NOTHING"


def _notes(view: View, item: Item) -> Iterable[str]:
    labels = _labels(view)
    for fact in view.noted(item):
        tag = f"UPDATE n{labels[fact.replaces]}" if fact.replaces in labels else "NOTE"
        yield f'{tag}: {fact.text} | "{fact.text}"'


def _note_json(view: View) -> str:
    notes = [{"claim": fact.text, "quote": fact.text} for item in view.items for fact in view.noted(item)]
    return json.dumps({"notes": notes, "updates": [], "drop": [], "plan": ""})


def _labelled(view: View) -> str:
    """An answer with the labels of the notes it rests on."""
    item = view.items[0]
    told = answer(item, view.all)
    if told is None:
        return "NOT IN THE DOCUMENTS"
    labels = _labels(view)
    return f"It is {told} " + "".join(f"[n{labels[id]}]" for id in item.facts if id in labels) + "."


def _evidence(view: View) -> str:
    """Notes first, then the answer that refers to them."""
    item = view.items[0]
    noted = view.noted(item)
    lines = [f'NOTE: {fact.text} | "{fact.text}"' for fact in noted]
    told = answer(item, noted)
    if told is None:
        return "\n".join([*lines, "ANSWER: NOT IN THE DOCUMENTS"])
    labels = {fact.id: n for n, fact in enumerate(noted, 1)}
    grounds = "".join(f"[n{labels[id]}]" for id in item.facts if id in labels)
    return "\n".join([*lines, f"ANSWER: It is {told} {grounds}."])


def _split(view: View) -> str:
    return f"QUESTION: {view.items[0].question}\nINSTRUCTIONS: NONE"


def _review(view: View) -> str:
    names = [name for item in view.items for name in view.missing(item)]
    return "\n".join(f"SEEK: {name}" for name in names) or "ENOUGH"


def _keep_labels(view: View) -> str:
    """The notes that bear on the question: all of a reader's own do, unless one is overlooked."""
    labels = _labels(view)
    return "KEEP " + ", ".join(f"n{labels[fact.id]}" for fact in view.kept() if fact.id in labels)


def _keep_numbers(view: View) -> str:
    kept = {fact.id for fact in view.kept()}
    extracts = _NUMBERED.findall(view.prompt.memory)
    return "KEEP " + ", ".join(number for number, text in extracts if kept & set(REFERENCE.findall(text)))


def _labels(view: View) -> dict[str | None, int]:
    """Label of the note that holds each fact."""
    return {id: int(label) for label, id in _LABELLED.findall(view.prompt.memory)}


def _extract(view: View) -> str:
    """What one piece of text offers, by itself."""
    noted = [fact for item in view.items for fact in view.noted(item)]
    return _listed(noted) or "Nothing relevant."


def _rewrite(view: View) -> str:
    """A memory written anew. Once it holds all of an answer, it states it, as a summary would."""
    facts, told = _rewritten(view)
    return "\n".join(filter(None, [_listed(facts), told])) or "No relevant information so far."


def _rewrite_answer(view: View) -> str:
    facts, told = _rewritten(view)
    return "\n".join(filter(None, [_listed(facts), told or UNKNOWN_ANSWER]))


def _merge(view: View) -> str:
    _, told = _rewritten(view)
    return f"{_rewrite(view)}\nSTATUS: {'COMPLETE' if told else 'CONTINUE'}"


def _rewritten(view: View) -> tuple[list[Fact], str | None]:
    """Facts that a memory written anew holds, and the answer that it states."""
    facts = view.kept() + [fact for item in view.items for fact in view.noted(item)]
    told = [view.told(item) or answer(item, facts) for item in view.items]
    return facts, " ".join(f"It is {one}." for one in told if one) or None


def _answer(view: View) -> str:
    """An answer from what the prompt holds. Document text is read as any other: facts in it may be missed."""
    facts = [*view.held, *(fact for item in view.items for fact in view.noted(item))]
    told = [view.told(item) or answer(item, facts) for item in view.items]
    return " ".join(f"It is {one}." for one in told if one) or UNKNOWN_ANSWER


def _r3con_schema(view: View) -> str:
    return _SCHEMA


def _r3con_parse(view: View) -> str:
    noted = [fact for item in view.items for fact in view.noted(item)]
    return json.dumps({"facts": [{"quote": fact.text} for fact in noted]})


def _r3con_code(view: View) -> str:
    told = _answer(view)
    return f"Thought: The answer is in front of me.\n<code>\nfinal_answer({told!r})\n</code>"


def _listed(facts: Iterable[Fact]) -> str:
    return "\n".join(f"- {text}" for text in dict.fromkeys(fact.text for fact in facts))


_REPLIES: dict[str, Callable[[View], str]] = {
    "review": _review,
    "keep_labels": _keep_labels,
    "keep_numbers": _keep_numbers,
    "note_json": _note_json,
    "note_many": _note_many,
    "note_lines": _note_lines,
    "labelled": _labelled,
    "evidence": _evidence,
    "split": _split,
    "rewrite": _rewrite,
    "rewrite_answer": _rewrite_answer,
    "extract": _extract,
    "merge": _merge,
    "answer": _answer,
    "r3con_schema": _r3con_schema,
    "r3con_parse": _r3con_parse,
    "r3con_code": _r3con_code,
}
