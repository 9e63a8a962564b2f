"""How the stub knows what a prompt asks for: one table, so that a change of wording is a change of one line.

A prompt's document text is all that stands behind the first `after`, provided that it holds a paragraph's mark;
whatever else holds facts is the contender's memory.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

MARK = re.compile(r"¶(\d{6})")
REFERENCE = re.compile(r"\(ref (F\d{5})\)")
QUESTION = re.compile(r"\(question (Q\d{4})\)")
NAME = re.compile(r"[A-Z][a-z]+ [A-Z][a-z]+")
USER = "\n<|user|>\n"


class Form(NamedTuple):
    """One kind of prompt."""

    name: str
    marker: str
    """Words that stand in no prompt of another kind further down the table."""
    reply: str
    """Name of the function in `replies.py` that words the reply."""
    after: str = ""
    """Behind the first of these words the document text begins."""
    final: bool = False
    """Whether the reply is an answer, so that all facts in the prompt have been kept until it was due."""


FORMS = (
    Form("longread review", "Do these notes suffice to answer the question?", "review"),
    Form("longread select", "Which of these notes should be kept?", "keep_labels"),
    Form("longread note json", "Reply with a JSON object:\n\"notes\":", "note_json", "\nSECTION "),
    Form("longread note many", "section by section for several questions", "note_many", "\nSECTION "),
    Form("longread note", "section by section. Later you will answer a question", "note_lines", "\nSECTION "),
    Form("longread answer", "taken notes. Answer the question from the notes alone", "labelled", final=True),
    Form("longread whole", "Answer a question from the documents below.", "evidence", "\nDOCUMENTS\n"),
    Form("longread split", "is what a user asked about some documents. Part it in two", "split"),
    Form("memagent update", "your memory of an article so far, and its next section", "rewrite", "<section>"),
    Form("memagent answer", "from your memory of an article that you have read", "answer", final=True),
    Form("pimem read", "Extract from the chunk whatever helps", "extract", "<chunk>"),
    Form("pimem select", "Select the numbers of the extracts", "keep_numbers"),
    Form("pimem merge", "Merge the extracts into the memory", "merge"),
    Form("pimem answer", "Answer the question from the merged memory", "answer", final=True),
    Form("bm25 answer", "Answer the question from the passages below", "rewrite_answer", "PASSAGES\n"),
    Form("langchain first", "not prior knowledge, answer any questions", "rewrite_answer", "------------\n"),
    Form("langchain refine", "We have the opportunity to refine the existing", "rewrite_answer", "context below."),
    Form("langchain map", "Use the following portion of a long document", "extract", "______\n"),
    Form("langchain combine", "Given the following extracted parts of a long document", "rewrite_answer"),
    Form("llamaindex tree", "Context information from multiple sources is below", "rewrite_answer", "------\n"),
    Form("r3con relevance", "Write a **task-conditioned summary** of this one document", "extract", USER),
    Form("r3con schema", "You design a Pydantic schema", "r3con_schema"),
    Form("r3con parse", "extract structured instances according to a Pydantic schema", "r3con_parse", USER),
    Form("r3con reason", "solves a task by working in a loop of Thought, Code", "r3con_code", final=True),
)  # fmt: skip
UNKNOWN = Form("unknown", "", "answer")


class Prompt(NamedTuple):
    """A prompt, taken apart."""

    form: Form
    whole: str
    memory: str
    """All but the document text."""
    text: str


def recognise(messages: Sequence[dict[str, Any]]) -> Prompt:
    """Which form the messages have, and their parts."""
    whole = "".join(f"\n<|{message['role']}|>\n{_content(message)}" for message in messages)
    form = next((form for form in FORMS if form.marker in whole), UNKNOWN)
    at = whole.find(form.after) if form.after else -1
    if at < 0 or not MARK.search(whole, at):
        return Prompt(form, whole, whole, "")
    return Prompt(form, whole, whole[:at], whole[at:])


def _content(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)
