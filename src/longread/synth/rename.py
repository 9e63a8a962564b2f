"""Counterfactual documents: what they are about has invented names, and numbers differ.

A model that answers from what it remembers is wrong there; one that reads is right.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, chain, count
from typing import NamedTuple

from longread.synth.facts import facts
from longread.synth.jitter import jitter
from longread.synth.naming import Form, Known, folded, learn
from longread.synth.proper import ADDRESS, BRACKETED, ROMAN, SHORT, WORD, addressed, frame, proper, used
from longread.types import Document, document_id

_PREFIX = re.compile(r"[^\W\d_]+-")
_JSON, _CODE = "json", "code"
_ONSETS = "b br d dr f g gr h k kl l m n p pr r s st t tr v z".split()
_CODAS = "l ld m n nd r rd rk rv s st v x z".split()
_TRIES = 50
"""At an abbreviation of the length that was asked for, before one is longer."""
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
                return self.short + form.tail
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
    short: set[str] = set()
    addresses: list[set[str]] = []
    for document in documents:
        text = folded(document.text, document.kind == _JSON)[0]
        addresses.append(set(WORD.findall(" ".join(ADDRESS.findall(text)).lower())))
        short.update(BRACKETED.findall(text))
        text = used(text)
        seen.update(WORD.findall(text))
        seen.update(_PREFIX.findall(text))
        if document.kind == _CODE:  # where capitals make no name
            seen.update(WORD.findall(text.casefold()))
    pages = [found for found in stated.values() if found]
    known = learn(
        {doc: {fact.relation: fact for fact in own} for doc, own in stated.items()},
        seen,
        proper(seen, short, frame(pages)),
    )
    in_text, in_address = _replacers(known, addresses, seen, seed)

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


def _replacers(
    known: Known, addresses: Sequence[Collection[str]], seen: Collection[str], seed: int
) -> tuple[_Replacer, _Replacer]:
    """What puts invented names into text, and into addresses."""
    names = {form.casefold() for form, stands in known.forms.items() if stands.kind != "short"}
    joined = {
        word: Form(word, "short" if len(word) <= SHORT else "name")
        for word in (addressed(addresses, seen, names) if names else ())
    }
    invented = _invent([*known.forms.items(), *joined.items()], {*seen, *chain(*addresses)}, seed)
    words = {form: invented[stands.root].written(stands) for form, stands in known.forms.items()}
    capitals = {form.upper(): new.upper() for form, new in words.items() if not ROMAN.fullmatch(form.upper())}
    hosts = {word: invented[word].written(stands).casefold() for word, stands in joined.items()}
    return _Replacer(capitals | words), _Replacer(
        hosts | {form.casefold(): new.casefold() for form, new in words.items()}
    )


def _entity(name: str, known: Known) -> str:
    called = folded(name)[0]
    form = known.forms.get(called)
    return known.entities.get(called) or (form.root if form else name)


def _renamed(document: Document, names: _Replacer, in_address: _Replacer) -> Document:
    plain, where = folded(document.text, document.kind == _JSON)
    addresses = [
        (start + address.start(), end + address.start(), new)
        for address in ADDRESS.finditer(plain)
        for start, end, new in in_address.edits(address.group().lower())
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
    """Replaces whole words, the longest form first; those of several are found by the first word."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {_joined(form): new for form, new in words.items()}
        by_first: defaultdict[str, list[str]] = defaultdict(list)
        for form in sorted(words, key=lambda form: (-len(form), form)):
            if not WORD.fullmatch(form) and (first := WORD.search(form)):
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
            if word.start() < at:
                continue
            longer = self._forms.get(word.group())
            if hit := longer and longer.match(plain, word.start()):
                new = self._words[_joined(hit.group())]
            else:
                hit, new = word, self._words.get(word.group(), "")
            if new:
                at = hit.end()
                found.append((word.start(), at, new))
        return found


def _joined(form: str) -> str:
    return re.sub(r"[\s_-]+", " ", form)


def _invent(forms: Iterable[tuple[str, Form]], seen: Iterable[str], seed: int) -> dict[str, _Invented]:
    """A name for each root of `forms`, none of which stands in the corpus or is another's."""
    rng = random.Random(f"rename:{seed}")  # noqa: S311
    taken = {word.casefold() for word in seen}
    letters: dict[str, int] = {}
    for form, (root, kind, _) in forms:
        letters[root] = max(letters.get(root, 0), (kind == "short") * len(form))
    made: dict[str, _Invented] = {}
    for root in sorted(letters):
        for tried in count():
            syllables = [rng.choice(_ONSETS) + rng.choice("aeiou") for _ in range(rng.randint(1, 2))]
            stem = (
                "".join(syllables) + rng.choice(_ONSETS) + rng.choice("aeiou") + rng.choice(_CODAS)
            ).title()
            name, adjective = (stem + ending for ending in rng.choice(_ENDINGS))
            length = letters[root] + tried // _TRIES
            short = "".join(rng.choices("BDFGKLMNPRTVZ", k=length)) if letters[root] else ""
            new = {word.casefold() for word in (name, adjective, f"{stem}o", short) if word}
            if not new & taken:
                break
        taken |= new
        made[root] = _Invented(stem, name, adjective, short)
    return made
