"""Reads a model's replies. Each parser either understands a reply or says what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, NamedTuple

import json_repair
from pydantic import BaseModel, Field, ValidationError

from longread.reading.notes import Add, Expire, Operation, Pin, Replace


class FormatError(ValueError):
    """A reply that does not have the form asked for; the message is fit to be shown to the model."""


class Parsed(NamedTuple):
    """The operations a reply asks for, and its plan (None: keep the old one)."""

    operations: tuple[Operation, ...]
    plan: str | None = None


class _Item(NamedTuple):
    tag: str
    id: int | None
    body: str


# All repetitions are bounded: a reply may be anything, of any length.
_LEAD = r"[ \t>*#\-•]{0,8}(?:\d{1,3}[.)][ \t]{0,4})?\*{0,2}[ \t]{0,4}"
_TAG = re.compile(
    _LEAD + r"(NOTE|ADD|UPDATE|REPLACE|PLAN|ANSWER|NOTHING)\b\*{0,2}[ \t]{0,4}"
    r"(?:\[?[ \t]?n?(\d{1,9})[ \t]?\]?)?[ \t]{0,4}\*{0,2}(?::|：|$)\*{0,2}[ \t]{0,4}(.*)",
    re.IGNORECASE,
)
_DROP = re.compile(
    _LEAD + r"(DROP|EXPIRE|PIN)\b\*{0,2}[ \t]{0,4}[:：]?\*{0,2}[ \t]{0,4}"
    r"(\[?n?\d{1,9}\]?(?:[ \t,;]{1,4}\[?n?\d{1,9}\]?)*)[ \t.]{0,4}(?:\([^\n]{0,200})?$",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"[ \t>*#\-•]{0,8}\[?(Q\d{1,3}(?:[ \t]{0,2}[,&+/][ \t]{0,2}Q?\d{1,3}){0,99})\]?\*{0,2}"
    r"[ \t]{0,4}[:.)\-–—]?(?![\w'])[ \t]{0,4}(.*)",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\W{0,8}(nothing|none|n/a|no (new |relevant |useful )?(notes?|information|facts?)"
    r"( (found|here|to note))?|nothing (relevant|new|useful|to note)[\w ]{0,40})\W{0,8}",
    re.IGNORECASE,
)
_MOST_ITEMS = 300
"""Lines of one reply. A model that writes more is going round in circles."""
_OPENING = re.compile(r"\|[ \t\n]{0,4}[\"“„«「']")
_QUOTED = "\"“”„'«»「」"
_CLOSED = re.compile(r"\|[ \t\n]{0,4}[\"“„«「][^\n]*[\"”»」][ \t.]{0,4}$")
_INLINE_QUOTE = re.compile(r"[\"“„«「]([^\"“”„«»「」]{12,600})[\"”»」]")


def parse_lines(text: str) -> Parsed:
    """Tagged lines (`NOTE: claim | "quote"` and so on). An untagged line continues the one before, unless
    that has closed its quote or a blank line lies between."""
    items = _items(text)
    if not items:
        if _NOTHING.fullmatch(text.strip()[:200]):
            return Parsed(())
        raise FormatError("it has no line that begins with NOTE:, UPDATE, DROP, PIN, PLAN: or NOTHING")
    if len(items) > _MOST_ITEMS:
        raise FormatError(f"it has {len(items):,} lines; keep to the most important")
    operations: list[Operation] = []
    plan = None
    for item in items:
        if item.tag == "DROP":
            operations += [Expire(int(n)) for n in re.findall(r"\d+", item.body)]
        elif item.tag == "PIN":
            operations += [Pin(int(n)) for n in re.findall(r"\d+", item.body)]
        elif item.tag == "PLAN":
            plan = " ".join(item.body.split())
        elif (note := _note(item)) is not None:
            operations.append(note)
    return Parsed(tuple(operations), plan)


def parse_many(text: str, count: int) -> list[Parsed]:
    """The lines of several questions, each with its number (`Q2 NOTE: …`, or `Q1, Q3 NOTE: …` for both).

    A number alone on its line holds for the lines below it. Questions without lines have nothing to note.
    """
    if _NOTHING.fullmatch(text.strip()[:200]):
        return [Parsed(())] * count
    lines: list[list[str]] = [[] for _ in range(count)]
    meant: list[int] = []
    for line in text.strip().strip("`").splitlines():
        rest = line
        if label := _label(line):
            meant = [int(number) for number in re.findall(r"\d+", label[1])]
            rest = label[2]
            if wrong := next((number for number in meant if not 1 <= number <= count), None):
                raise FormatError(f"it speaks of question Q{wrong}, and there are Q1 to Q{count}")
        elif not meant and (_TAG.match(line) or _DROP.match(line)):
            raise FormatError("it has a line that does not begin with the number of its question, such as Q1")
        for number in dict.fromkeys(meant):
            lines[number - 1].append(rest)
    if not meant:
        raise FormatError("it has no line that begins with the number of a question and NOTE:, or NOTHING")
    return [parse_lines("\n".join(own)) if "".join(own).strip() else Parsed(()) for own in lines]


def _label(line: str) -> re.Match[str] | None:
    """The numbers that a line begins with, if what follows is a note: a quote may begin with `Q1` as well."""
    label = _LABEL.match(line)
    if label is None:
        return None
    rest = label[2]
    follows = _TAG.match(rest) or _DROP.match(rest) or _NOTHING.fullmatch(rest[:200])
    return label if follows or not rest.strip() else None


def parse_evidence(text: str) -> list[Add | None]:
    """The NOTE lines of a one-pass reply, as numbered by its labels; None for one that says nothing."""
    items = [item for item in _items(text) if item.tag in ("NOTE", "ADD")][:_MOST_ITEMS]
    notes = (_note(item._replace(id=None)) for item in items)
    return [note if isinstance(note, Add) else None for note in notes]


def _items(text: str) -> list[_Item]:
    items: list[tuple[str, int | None, list[str]]] = []
    open_ = False
    for line in text.strip().strip("`").splitlines():
        if match := _DROP.match(line):
            items.append(("PIN" if match[1].upper() == "PIN" else "DROP", None, [match[2]]))
            open_ = False
        elif match := _TAG.match(line):
            items.append((match[1].upper(), int(match[2]) if match[2] else None, [match[3]]))
            open_ = True
        elif not line.strip(" \t`"):
            open_ = False
        elif open_:
            items[-1][2].append(line)
        open_ = open_ and not (items and _CLOSED.search("\n".join(items[-1][2])[-2000:]))
    return [_Item(tag, id, "\n".join(lines).strip()) for tag, id, lines in items]


def _note(item: _Item) -> Add | Replace | None:
    """The note that an item makes, or None."""
    if (
        item.tag in ("DROP", "PIN", "PLAN", "ANSWER", "NOTHING")
        or not item.body
        or _NOTHING.fullmatch(item.body)
    ):
        return None
    claim, quote = _claim_and_quote(item.body)
    if item.tag in ("UPDATE", "REPLACE") and item.id is not None:
        return Replace(item.id, claim, quote)
    return Add(claim, quote)


def _claim_and_quote(body: str) -> tuple[str, str]:
    """What stands before and behind the bar; quotes may hold bars themselves."""
    opening = _OPENING.search(body)
    claim, bar, rest = (
        (body[: opening.start()], "|", body[opening.start() + 1 :]) if opening else body.partition("|")
    )
    if bar and (quote := rest.strip().rstrip(".").strip(_QUOTED) if opening else rest.strip().strip(_QUOTED)):
        return " ".join(claim.split()) or quote, quote
    flat = " ".join(body.split())
    if match := _INLINE_QUOTE.search(body):
        return flat, match[1]
    return flat, flat


_MOST_BRACKETS = 1_000


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
    pin: list[int] = Field(default_factory=list)
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
    if start < 0 or _items(text[:start]):
        return parse_lines(text)
    try:
        data = _loads(text[start:])
    except (ValueError, RecursionError):
        raise FormatError("its JSON cannot be read") from None
    if not isinstance(data, dict) or not data.keys() & NoteReply.model_fields.keys():
        raise FormatError('it is not a JSON object with "notes", "updates", "drop", "pin" and "plan"')
    try:
        reply = NoteReply.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FormatError(f"in its JSON, {place}: {first['msg']}") from error
    operations: list[Operation] = [Add(n.claim, n.quote) for n in reply.notes if n.claim or n.quote]
    operations += [Replace(u.id, u.claim, u.quote) for u in reply.updates if u.claim or u.quote]
    operations += [Expire(id) for id in reply.drop]
    operations += [Pin(id) for id in reply.pin]
    return Parsed(tuple(operations), reply.plan or None)


def _loads(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        if text.count("{") + text.count("[") > _MOST_BRACKETS:
            raise  # mending what is that deep takes for ever
        return json_repair.loads(text)


_MOST_SEEKS, _LONGEST_SEEK = 5, 90  # together they must fit the plan that is shown
_SEEK = re.compile(_LEAD + r"SEEK\b\*{0,2}[ \t]{0,4}[:：]\*{0,2}[ \t]{0,4}(.+)", re.IGNORECASE)


def parse_review(text: str) -> tuple[str, ...]:
    """What is sought (`SEEK: names and words`, five lines at most); nothing where the notes are ENOUGH."""
    lines = text.strip().splitlines()
    seeks = [match[1].strip()[:_LONGEST_SEEK] for line in lines if (match := _SEEK.match(line))]
    if not seeks and not re.match(r"\W{0,8}ENOUGH\b", text.strip(), re.IGNORECASE):
        raise FormatError("it is neither ENOUGH nor lines that begin with SEEK:")
    return tuple(dict.fromkeys(seeks))[:_MOST_SEEKS]


def parse_keep(text: str, ids: Collection[int]) -> list[int]:
    """The labels of a KEEP line that are among `ids`, in its order."""
    match = re.search(r"\bKEEP\b[ \t:：*]{0,8}([^\n]{0,20000})", text, re.IGNORECASE)
    if match is None:
        raise FormatError("it has no line KEEP with the labels of notes")
    kept = dict.fromkeys(int(number) for number in re.findall(r"n(\d{1,9})", match[1], re.IGNORECASE))
    return [id for id in kept if id in ids]


def parse_memory(text: str, previous: str) -> tuple[str, str | None]:
    """Memory and plan of a rewriting reply. A memory is never accepted as emptied."""
    lower = text.lower()
    start = lower.find("<memory>")
    end = lower.find("</memory>", start)
    if start < 0 or end < 0:
        raise FormatError("it has no complete <memory>…</memory>")
    memory = text[start + len("<memory>") : end].strip()
    if not memory and previous:
        raise FormatError("its <memory> is empty although there was a memory to keep")
    begin = lower.find("<plan>", end)
    if begin < 0:
        return memory, None
    close = lower.find("</plan>", begin)
    return memory, text[begin + len("<plan>") : close if close >= 0 else None].strip()


_LONGEST_SPLIT = 20_000
_SPLIT = re.compile(
    r"QUESTION\*{0,2}[ \t]{0,4}[:：]\*{0,2}(?P<question>.+?)\n[ \t*>#-]{0,8}INSTRUCTIONS\*{0,2}[ \t]{0,4}[:：]\*{0,2}"
    r"(?P<instructions>.*)",
    re.DOTALL | re.IGNORECASE,
)


def parse_standing(text: str, known: str) -> str:
    """A question made to stand by itself, on one line. One with words that are not `known` is refused."""
    line = next((line for line in text.strip().splitlines() if line.strip()), "")
    question = re.sub(r"^\W{0,8}QUESTION\W{0,8}", "", line, flags=re.IGNORECASE).strip()
    _keeps_to(question, known)
    return question


def parse_split(text: str, query: str) -> tuple[str, str]:
    """Core question and instructions. A question with words that the query lacks is refused."""
    match = _SPLIT.search(text[:_LONGEST_SPLIT])
    if match is None:
        raise FormatError("it lacks a QUESTION: line followed by an INSTRUCTIONS: line")
    question = match["question"].strip()
    instructions = match["instructions"].strip()
    _keeps_to(question, query)
    return question, "" if re.fullmatch(r"\W*(none|n/a|nothing)?\W*", instructions, re.I) else instructions


def _keeps_to(question: str, known: str) -> None:
    allowed = set(re.findall(r"\w+", known.casefold()))
    words = re.findall(r"\w+", question.casefold())
    if not words or sum(word in allowed for word in words) < 0.8 * len(words):
        raise FormatError("its QUESTION does not keep to the words of what the user asked")
