"""Facts of key-value pages: JSON records, however they are laid out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from longread.synth.facts.base import Fact
from longread.types import Document

_TOKEN = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*+")|(?P<mark>[{}\[\]:,])|(?P<literal>[^\s{}\[\]:,"]+)')
_BARE = ("text", "value")
"""Keys that say nothing of what they hold."""
JOINT = " / "
SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, which no file of a data set can hold."""


def facts(document: Document) -> Iterator[Fact]:
    """The leaves of JSON objects, named by their path; those of lists have the list's path.

    What is no JSON gives the facts that can be made out, or none.
    """
    path: list[str] = []
    """Keys from the outside to here, empty for lists."""
    key, awaited = "", False
    for token in _TOKEN.finditer(document.text):
        match token.lastgroup:
            case "mark":
                match token.group():
                    case "{" | "[":
                        path.append(key)
                        key, awaited = "", False
                    case "}" | "]":
                        key = path.pop() if path else ""
                        awaited = False
                    case ":":
                        awaited = True
                    case _:
                        awaited = False
                continue
            case "string":
                value, inset = _string(token.group()), 1
            case _:
                value, inset = token.group(), 0
        following = document.text[token.end() : token.end() + 200].lstrip()[:1]
        if inset and not awaited and following == ":":
            key = value.strip()
            continue
        keys = [name for name in path if name]
        if key and awaited and key.casefold() not in _BARE:
            keys.append(key)
        if keys and value.strip() and value != "null" and not SURROGATE.search(value):
            yield Fact(document.id, JOINT.join(keys), value, token.start() + inset, token.end() - inset)


def _string(written: str) -> str:
    try:
        return str(json.loads(written, strict=False))
    except ValueError:
        return written[1:-1]
