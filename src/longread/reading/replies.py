"""Reads a model's replies. Each parser either understands a reply or says what is wrong with it."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import json_repair
from pydantic import BaseModel, Field, ValidationError

from longread.reading.notes import Add, Expire, Operation, Replace


class FormatError(ValueError):
    """A reply that does not have the form asked for; the message is fit to be shown to the model."""


class Parsed(NamedTuple):
    """The operations a reply asks for, its plan (None: keep the old one), and the answer if it holds one."""

    operations: tuple[Operation, ...]
    plan: str | None = None
    answer: str | None = None


_TAG = re.compile(
    r"^[\s>*#\-•\d.)]*\**\s*(NOTE|ADD|UPDATE|REPLACE|PLAN|ANSWER|NOTHING)\b\**\s*"
    r"(?:\[?\s*n?(\d+)\s*\]?)?\s*\**\s*(:|：|$)\**[ \t]*(.*)$",
    re.IGNORECASE,
)
_DROP = re.compile(
    r"^[\s>*#\-•\d.)]*\**\s*(?:DROP|EXPIRE)\b\**\s*[:：]?\**\s*"
    r"(\[?n?\d+\]?(?:[\s,;]+\[?n?\d+\]?)*)[\s.]*$",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"^\W*(nothing|none|n/a|no (new |relevant |useful )*(notes?|information|facts?)"
    r"( (found|here|to note))?|nothing (relevant|new|useful|to note)[\w ]{0,40})\W*$",
    re.IGNORECASE,
)
_QUOTE = re.compile(r"\s*\|\s*[\"“”„'«「]?(.*?)[\"“”'»」]?\s*$", re.DOTALL)
_INLINE_QUOTE = re.compile(r"[\"“„«「]([^\"“”„«»「」]{12,})[\"”»」]")


def parse_lines(text: str) -> Parsed:
    """Tagged lines (`NOTE: claim | "quote"` and so on). Untagged lines continue the one before."""
    items: list[tuple[str, int | None, list[str]]] = []
    for line in text.strip().strip("`").splitlines():
        if match := _DROP.match(line):
            items.append(("DROP", None, [match[1]]))
        elif match := _TAG.match(line):
            tag, id, _, rest = match.groups()
            items.append((tag.upper(), int(id) if id else None, [rest]))
        elif items and line.strip(" `"):
            items[-1][2].append(line)
    if not items:
        if _NOTHING.match(text):
            return Parsed(())
        raise FormatError("it has no line that begins with NOTE:, UPDATE, DROP, PLAN: or NOTHING")
    operations: list[Operation] = []
    plan = answer = None
    for tag, id, lines in items:
        body = "\n".join(lines).strip()
        if tag == "DROP":
            operations += [Expire(int(n)) for n in re.findall(r"\d+", body)]
        elif tag == "PLAN":
            plan = " ".join(body.split())
        elif tag == "ANSWER":
            answer = body
        elif tag != "NOTHING" and body and not _NOTHING.match(body):
            claim, quote = _claim_and_quote(body)
            replaces = tag in ("UPDATE", "REPLACE") and id is not None
            operations.append(Replace(id or 0, claim, quote) if replaces else Add(claim, quote))
    return Parsed(tuple(operations), plan, answer)


def _claim_and_quote(body: str) -> tuple[str, str]:
    claim, bar, rest = body.rpartition("|")
    if bar and (match := _QUOTE.match(bar + rest)) and match[1].strip():
        return " ".join(claim.split()) or match[1].strip(), match[1].strip()
    if match := _INLINE_QUOTE.search(body):
        return " ".join(body.split()), match[1]
    return " ".join(body.split()), " ".join(body.split())


class _Note(BaseModel):
    claim: str
    quote: str = ""


class _Update(_Note):
    id: int


class NoteReply(BaseModel):
    """The JSON form of a note reply. Its schema is sent to servers that can enforce one."""

    notes: list[_Note] = Field(default_factory=list)
    updates: list[_Update] = Field(default_factory=list)
    drop: list[int] = Field(default_factory=list)
    plan: str = ""


def note_schema() -> dict[str, Any]:
    """The schema of NoteReply in the strict form: nothing optional, nothing extra."""
    schema = NoteReply.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        part["required"] = list(part["properties"])
        part["additionalProperties"] = False
    return schema


def parse_json(text: str) -> Parsed:
    """A NoteReply, mended where it is slightly broken; tagged lines are understood too."""
    start = text.find("{")
    if start < 0:
        return parse_lines(text)
    try:
        data = json.loads(text[start:])
    except ValueError:
        data = json_repair.loads(text[start:])
    if not isinstance(data, dict) or not data.keys() & NoteReply.model_fields.keys():
        raise FormatError('it is not a JSON object with "notes", "updates", "drop" and "plan"')
    try:
        reply = NoteReply.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(f"in its JSON, {place}: {first['msg']}") from error
    operations: list[Operation] = [Add(n.claim, n.quote) for n in reply.notes if n.claim or n.quote]
    operations += [Replace(u.id, u.claim, u.quote) for u in reply.updates if u.claim or u.quote]
    operations += [Expire(id) for id in reply.drop]
    return Parsed(tuple(operations), reply.plan or None)


_MEMORY = re.compile(r"<memory>(.*?)</memory>", re.DOTALL | re.IGNORECASE)
_PLAN = re.compile(r"<plan>(.*?)(?:</plan>|$)", re.DOTALL | re.IGNORECASE)


def parse_memory(text: str, previous: str) -> tuple[str, str | None]:
    """Memory and plan of a rewriting reply. A memory is never accepted as emptied."""
    match = _MEMORY.search(text)
    if match is None:
        raise FormatError("it has no complete <memory>…</memory>")
    memory = match[1].strip()
    if not memory and previous:
        raise FormatError("its <memory> is empty although there was a memory to keep")
    plan = _PLAN.search(text, match.end())
    return memory, plan[1].strip() if plan else None


_SPLIT = re.compile(
    r"QUESTION\**\s*[:：]\**\s*(?P<question>.+?)\n[\s*>#-]*INSTRUCTIONS\**\s*[:：]\**\s*(?P<instructions>.*)",
    re.DOTALL | re.IGNORECASE,
)


def parse_split(text: str, query: str) -> tuple[str, str]:
    """Core question and instructions. A question with words that the query lacks is refused."""
    match = _SPLIT.search(text)
    if match is None:
        raise FormatError("it lacks a QUESTION: line followed by an INSTRUCTIONS: line")
    question = match["question"].strip()
    instructions = match["instructions"].strip()
    known = set(re.findall(r"\w+", query.casefold()))
    words = re.findall(r"\w+", question.casefold())
    if not words or sum(word in known for word in words) < 0.8 * len(words):
        raise FormatError("its QUESTION does not keep to the words of what the user asked")
    return question, "" if re.fullmatch(r"\W*(none|n/a|nothing)?\W*", instructions, re.I) else instructions
