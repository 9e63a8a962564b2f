"""Counterfactual documents: what they are about has invented names, and numbers differ.

A model that answers from what it remembers is wrong there; one that reads is right.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from longread.synth.facts import facts
from longread.synth.jitter import jitter
from longread.synth.naming import WORD, Form, Known, folded, learn
from longread.types import Document, document_id

_PREFIX = re.compile(r"[^\W\d_]+-")
_ADDRESS = re.compile(r"[^\s\"<>]*(?:://|www\.|@)[^\s\"<>]*")
"""Of the web or of mail: names stand there in lower case, where elsewhere they may be words like others."""
_JSON = "json"
_ONSETS = "b br d dr f g gr h k kl l m n p pr r s st t tr v z".split()
_CODAS = "l ld m n nd r rd rk rv s st v x z".split()
_ENDINGS = (("a", "an"), ("ia", "ian"), ("o", "ese"), ("or", "ish"), ("el", "ic"))
"""Of a name and of its adjective."""


class _Invented(NamedTuple):
    stem: str
    name: str
    adjective: str
    short: str

    def written(self, form: Form) -> str:
        match form.kind:
            case "name":
                return self.name + form.tail
            case "plural":
                return self.adjective + ("" if self.adjective.endswith(("ese", "ish")) else "s")
            case "prefix":
                return f"{self.stem}o"
            case "short":
                return self.short
            case "dotted":
                return "".join(f"{letter}." for letter in self.short)
            case _:
                return self.adjective + form.tail


def rename(documents: Sequence[Document], seed: int) -> tuple[Document, ...]:
    """The same documents with invented names for what they are about, and other numbers and dates.

    Names are learned from the pages of keys and values; documents of other kinds are renamed alike. Numbers change
    only in what a page states as a quantity or a list of them, and in full dates.

    Args:
        documents: Any; those of which no names can be learned are given back with the names of others replaced.
        seed: Draws all that is invented.
    """
    stated = {document.id: list(facts(document)) for document in documents}
    seen: Counter[str] = Counter()
    for document in documents:
        text = folded(document.text, document.kind == _JSON)[0]
        seen.update(WORD.findall(text))
        seen.update(_PREFIX.findall(text))
    known = learn({doc: {fact.relation: fact for fact in own} for doc, own in stated.items()}, seen)
    invented = _invent(sorted({form.root for form in known.forms.values()}), seen, seed)
    words = {form: invented[stands.root].written(stands) for form, stands in known.forms.items()}
    in_text = _Replacer({form.upper(): new.upper() for form, new in words.items()} | words)
    in_address = _Replacer({form.casefold(): new.casefold() for form, new in words.items()})

    made: list[Document] = []
    taken: set[str] = set()
    for document in documents:
        text = document.text
        if document.id in known.entities:
            text = jitter(document, stated[document.id], seed, lambda name: _entity(name, known))
        source = in_address(in_text(document.source))
        while source in taken:
            source += "-2"
        taken.add(source)
        made.append(_renamed(replace(document, text=text, source=source), in_text, in_address))
    return tuple(made)


def _entity(name: str, known: Known) -> str:
    called = folded(name)[0]
    form = known.forms.get(called)
    return known.entities.get(called) or (form.root if form else name)


def _renamed(document: Document, names: _Replacer, in_address: _Replacer) -> Document:
    plain, where = folded(document.text, document.kind == _JSON)
    addresses = [
        (start + address.start(), end + address.start(), new)
        for address in _ADDRESS.finditer(plain)
        for start, end, new in in_address.edits(address.group())
    ]
    found = sorted((*names.edits(plain), *addresses))
    whole = [
        edit for edit, last in zip(found, [0, *(end for _, end, _ in found)], strict=False) if edit[0] >= last
    ]
    edits = [(where[start], where[end], new) for start, end, new in whole]
    text = _edited(document.text, edits)
    ends = [end for _, end, _ in edits]
    growth = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]

    def moved(offset: int) -> int:
        return offset + growth[bisect_right(ends, offset)]

    return replace(
        document,
        id=document_id(document.source, text),
        text=text,
        pages=tuple(map(moved, document.pages)),
        parts=tuple(
            part._replace(start=moved(part.start), label=names(part.label)) for part in document.parts
        ),
        header=names(document.header),
    )


_Edit = tuple[int, int, str]
"""Start, end, and what stands there instead."""


def _edited(text: str, edits: Sequence[_Edit]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, new in edits:
        parts += (text[at:start], new)
        at = end
    return "".join((*parts, text[at:]))


class _Replacer:
    """Replaces whole words, the longest form first, found by the first word of it."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {_joined(form): new for form, new in words.items()}
        by_first: defaultdict[str, list[str]] = defaultdict(list)
        for form in sorted(words, key=lambda form: (-len(form), form)):
            if first := WORD.search(form):
                by_first[first.group()].append(re.escape(form).replace(r"\ ", " ").replace(r"\-", " "))
        self._forms = {
            first: re.compile(rf"(?:{'|'.join(forms)})(?![^\W\d_])".replace(" ", r"[\s_-]+"))
            for first, forms in by_first.items()
        }

    def __call__(self, text: str) -> str:
        plain, where = folded(text)
        return _edited(text, [(where[start], where[end], new) for start, end, new in self.edits(plain)])

    def edits(self, plain: str) -> list[_Edit]:
        """What is to be replaced in a folded text."""
        found: list[_Edit] = []
        at = 0
        for word in WORD.finditer(plain):
            forms = self._forms.get(word.group())
            if forms and word.start() >= at and (hit := forms.match(plain, word.start())):
                at = hit.end()
                found.append((hit.start(), at, self._words[_joined(hit.group())]))
        return found


def _joined(form: str) -> str:
    return re.sub(r"[\s_-]+", " ", form)


def _invent(roots: Sequence[str], seen: Counter[str], seed: int) -> dict[str, _Invented]:
    """A name for each, none of which stands in the corpus or is another's."""
    rng = random.Random(f"rename:{seed}")  # noqa: S311
    taken = {word.casefold() for word in seen}
    made: dict[str, _Invented] = {}
    for root in roots:
        while True:
            syllables = [rng.choice(_ONSETS) + rng.choice("aeiou") for _ in range(rng.randint(1, 2))]
            stem = (
                "".join(syllables) + rng.choice(_ONSETS) + rng.choice("aeiou") + rng.choice(_CODAS)
            ).title()
            name, adjective = (stem + ending for ending in rng.choice(_ENDINGS))
            short = stem[0] + "".join(rng.choices("BDFGKLMNPRTVZ", k=2))
            new = {word.casefold() for word in (name, adjective, f"{stem}o", short)}
            if not new & taken:
                break
        taken |= new
        made[root] = _Invented(stem, name, adjective, short)
    return made
